/*
 * Faults on top of faults: a crash during the recovery from a crash, and another one during the
 * recovery from that; and a recovery in which a call fails, then a crash. For every pair of system
 * calls (or every so many) the file still opens at the last commit.
 *
 *     compound FILE STEP
 */
#include "beside.h"
#include "calls.h"
#include "oracle.h"
#include "say_fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

struct kept {
    char *bytes;
    size_t size;
};

static struct kept image;
static struct kept journal;
static char journal_path[4096];

static const tarn_options options = {.capacity = (size_t)4 << 20, .journal_most = 1 << 17};

/* ---- the file as the first crash left it ---- */

static struct kept
keep(const char *path)
{
    struct stat status;
    struct kept kept = {NULL, 0};
    int fd = open(path, O_RDONLY);
    if (fd < 0 || fstat(fd, &status) != 0) {
        oracle_fail("there is nothing to keep");
    }
    kept.size = (size_t)status.st_size;
    kept.bytes = malloc(kept.size);
    if (read(fd, kept.bytes, kept.size) != (ssize_t)kept.size) {
        oracle_fail("cannot be kept");
    }
    close(fd);
    return kept;
}

static void
put_back(const char *path, const struct kept *kept)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (fd < 0 || write(fd, kept->bytes, kept->size) != (ssize_t)kept->size) {
        oracle_fail("cannot be put back");
    }
    close(fd);
}

static _Noreturn void
write_and_crash(void)
{
    uint64_t seed = 5;
    tarn_options making = options;
    making.flags = TARN_CREATE;
    making.journal_most = (size_t)4 << 20;
    heap = tarn_open(file, &making);
    town = heap != NULL ? town_find(heap) : NULL;
    if (town == NULL) {
        oracle_fail("cannot be made");
    }
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned i = 0; i < QUARTERS; i++) {
            town_work(heap, town, i, &seed, 10);
        }
        if (round == 3) { /* nobody is told of the last one, and its record is cut short */
            tarn_image_figures figures;
            if (tarn_commit(heap) != 0 || tarn_image_info(heap, &figures) != 0) {
                oracle_fail("a commit failed");
            }
            _exit(truncate(journal_path, (off_t)figures.journal_size) != 0);
        }
        if (oracle_commit(round == 0 ? tarn_checkpoint : tarn_commit) != 0) {
            oracle_fail("a commit failed");
        }
    }
    _exit(1);
}

/* ---- recoveries ---- */

/* Opening, and the checkpoint and close that make its journal go. The calls it took. */
static unsigned long
recover(enum calls_fault fault, unsigned long n)
{
    int pipes[2];
    unsigned long calls = 0;
    if (pipe(pipes) != 0) {
        exit(2);
    }
    pid_t child = fork();
    if (child == 0) {
        calls_inject(fault, n, EIO);
        heap = tarn_open(file, &options);
        if (heap == NULL && fault != CALLS_ONCE) {
            oracle_fail("cannot be opened");
        }
        if (heap != NULL && tarn_checkpoint(heap) == 0) {
            tarn_close(heap);
        }
        calls = calls_count();
        calls_inject(CALLS_NONE, 0, 0);
        _exit(write(pipes[1], &calls, sizeof calls) != sizeof calls);
    }
    close(pipes[1]);
    ssize_t got = read(pipes[0], &calls, sizeof calls);
    close(pipes[0]);
    int status;
    waitpid(child, &status, 0);
    if (status != 0 && !(WIFEXITED(status) && WEXITSTATUS(status) == 9)) {
        fprintf(stderr, "%s: a recovery ended with %x\n", oracle_context, (unsigned)status);
        exit(1);
    }
    return got == sizeof calls ? calls : 0;
}

/* In another process. Each recovery's checkpoint and close are commits of their own, of the same
 * contents. */
static void
look(void)
{
    pid_t child = fork();
    if (child == 0) {
        tarn_image_figures figures;
        uint64_t digest = 0;
        heap = tarn_check(file, say_fault, NULL) == 0 ? tarn_open(file, &options) : NULL;
        town = heap != NULL ? tarn_root(heap) : NULL;
        if (town == NULL || tarn_image_info(heap, &figures) != 0) {
            oracle_fail("cannot be opened");
        }
        const char *wrong = town_check(heap, town, &digest);
        if (wrong != NULL) {
            oracle_fail(wrong);
        }
        if (digest != told->digest_acknowledged || figures.commits < told->acknowledged ||
            figures.commits > told->acknowledged + 4) {
            oracle_fail("not the last commit");
        }
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    if (status != 0) {
        fprintf(stderr, "%s: the process that looked ended with %x\n", oracle_context,
                (unsigned)status);
        exit(1);
    }
}

static unsigned long
all_pairs(enum calls_fault first, unsigned long last, unsigned long step)
{
    unsigned long pairs = 0;
    for (unsigned long m = 1; m <= last; m++) {
        for (unsigned long k = 1 + m % step; k <= last; k += step) {
            snprintf(oracle_context, sizeof oracle_context,
                     "fault %d of call %lu, then of call %lu", (int)first, m, k);
            put_back(file, &image);
            put_back(journal_path, &journal);
            recover(first, m);
            recover(CALLS_DIE_AFTER, k);
            look();
            pairs++;
        }
    }
    return pairs;
}

int
main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: compound FILE STEP\n");
        return 2;
    }
    file = argv[1];
    unsigned long step = strtoul(argv[2], NULL, 10);
    name_journal(journal_path, file);
    oracle_begin();
    pid_t child = fork();
    if (child == 0) {
        write_and_crash();
    }
    int status;
    waitpid(child, &status, 0);
    if (status != 0) {
        oracle_fail("the first writer failed");
    }
    image = keep(file);
    journal = keep(journal_path);
    unsigned long last = recover(CALLS_ONCE, 1000000);
    if (last < 10) {
        oracle_fail("a recovery that makes no calls");
    }
    unsigned long crashed = all_pairs(CALLS_DIE, last, step);
    unsigned long failed = all_pairs(CALLS_ONCE, last, step);
    printf("a recovery makes %lu calls; two crashes in it: %lu, a failure and a crash: %lu\n", last,
           crashed, failed);
    oracle_end();
    return 0;
}
