/*
 * Flips of bits, cuts and swapped pages everywhere in a file: the check must find them, opening
 * must not end the process. What is not in any page or sum (holes, the writer's notice) is not
 * counted.
 *
 *     damage FILE ROUNDS SEED
 */
#include "oracle.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define MOST ((size_t)32 << 20)

static unsigned char *good;
static unsigned char *bad;
static size_t good_size;

static void
load(const char *path, unsigned char **bytes, size_t *size)
{
    FILE *in = fopen(path, "r");
    *bytes = malloc(MOST);
    *size = in != NULL ? fread(*bytes, 1, MOST, in) : 0;
    if (in != NULL) {
        fclose(in);
    }
}

static void
store(const char *path, const unsigned char *bytes, size_t size)
{
    FILE *out = fopen(path, "w");
    if (out == NULL || fwrite(bytes, 1, size, out) != size) {
        oracle_fail("cannot be written");
    }
    fclose(out);
}

/* In a process of its own: 0 found, 1 not found; a signal is a failure. */
static int
examine(void)
{
    pid_t child = fork();
    if (child == 0) {
        int found = tarn_check(file, NULL, NULL);
        heap = tarn_open(file, &(tarn_options){.flags = TARN_READ_ONLY});
        if (heap != NULL) {
            tarn_close(heap);
        }
        heap = tarn_open(file, &(tarn_options){.flags = TARN_VERIFY});
        if (heap != NULL) {
            if (found > 0) {
                _exit(3);
            }
            tarn_close_without_commit(heap);
        }
        _exit(found > 0 ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    if (!WIFEXITED(status) || WEXITSTATUS(status) > 1) {
        fprintf(stderr, "the process that looked ended with %x\n", (unsigned)status);
        exit(1);
    }
    return WEXITSTATUS(status);
}

static bool
is_notice(size_t at)
{
    return at >= 8192 && at < 8192 + 8;
}

static void
flip_file(unsigned long rounds, uint64_t *seed)
{
    unsigned long found = 0;
    for (unsigned long i = 0; i < rounds; i++) {
        size_t at;
        do {
            at = town_random(seed) % good_size;
            if (town_random(seed) % 3 == 0) {
                at %= 3 * 65536; /* the head and the sums */
            }
        } while (is_notice(at));
        memcpy(bad, good, good_size);
        bad[at] ^= (unsigned char)(1u << town_random(seed) % 8);
        store(file, bad, good_size);
        if (examine() == 0) {
            found++;
        } else {
            fprintf(stderr, "a flip at %zu was not found\n", at);
            exit(1);
        }
    }
    printf("%lu of %lu flips found\n", found, rounds);
}

static void
mangle_file(unsigned long rounds, uint64_t *seed)
{
    for (unsigned long i = 0; i < rounds; i++) {
        size_t size = good_size;
        memcpy(bad, good, size);
        switch (town_random(seed) % 3) {
        case 0: /* cut off */
            size = town_random(seed) % size;
            break;
        case 1: { /* two pages swapped */
            size_t a = town_random(seed) % (size / 4096) * 4096;
            size_t b = town_random(seed) % (size / 4096) * 4096;
            memcpy(bad + a, good + b, 4096);
            memcpy(bad + b, good + a, 4096);
            break;
        }
        default: /* noise */
            for (size_t k = town_random(seed) % size, n = 0; k < size && n < 3000; k++, n++) {
                bad[k] = (unsigned char)town_random(seed);
            }
        }
        bool same = size == good_size && memcmp(bad, good, size) == 0;
        store(file, bad, size);
        if (examine() != 0 && !same && memcmp(bad + 8200, good + 8200, size - 8200) != 0) {
            fprintf(stderr, "round %lu: damage was not found\n", i);
            exit(1);
        }
    }
    printf("%lu files cut, shuffled or overwritten: found\n", rounds);
}

static void
flip_journal(const char *journal, unsigned long rounds, uint64_t *seed)
{
    unsigned char *bytes;
    size_t size;
    unsigned long found = 0;
    load(journal, &bytes, &size);
    for (unsigned long i = 0; i < rounds; i++) {
        size_t at = town_random(seed) % size;
        unsigned char was = bytes[at];
        bytes[at] ^= (unsigned char)(1u << town_random(seed) % 8);
        store(file, good, good_size);
        store(journal, bytes, size);
        bytes[at] = was;
        found += examine() == 0;
    }
    /* The last record's end is like a power loss; what is before it is not. */
    printf("%lu of %lu flips in the journal told as damage, the others as a crash\n", found,
           rounds);
    if (found == 0) {
        exit(1);
    }
    free(bytes);
}

int
main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: damage FILE ROUNDS SEED\n");
        return 2;
    }
    file = argv[1];
    unsigned long rounds = strtoul(argv[2], NULL, 10);
    uint64_t seed = strtoull(argv[3], NULL, 10);
    char journal[4096];
    snprintf(journal, sizeof journal, "%s-journal", file);
    oracle_begin();
    pid_t child = fork();
    if (child == 0) {
        heap = tarn_create(file, &(tarn_options){.capacity = (size_t)16 << 20});
        town = town_find(heap);
        for (unsigned i = 0; i < QUARTERS; i++) {
            town_work(heap, town, i, &seed, 60);
        }
        _exit(tarn_close(heap) != 0);
    }
    waitpid(child, NULL, 0);
    load(file, &good, &good_size);
    bad = malloc(MOST);
    if (good_size == 0 || examine() != 1) {
        oracle_fail("the good file is not good");
    }
    flip_file(rounds, &seed);
    mangle_file(rounds / 4, &seed);
    store(file, good, good_size);
    child = fork();
    if (child == 0) {
        heap = tarn_open(file, NULL);
        town = tarn_root(heap);
        for (unsigned i = 0; i < QUARTERS; i++) {
            town_work(heap, town, i, &seed, 10);
            tarn_commit(heap);
        }
        _exit(0);
    }
    waitpid(child, NULL, 0);
    flip_journal(journal, rounds / 4, &seed);
    oracle_end();
    return 0;
}
