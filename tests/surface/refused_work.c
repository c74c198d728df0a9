/* The workload of syscall_failures.py: allocation of every kind, with contents that are checked,
 * where any call may be refused. NULL must come with ENOMEM, what is live must stay whole, and at
 * the end everything can be freed. Ends with 0 however much was refused. */
#include "expect.h"

#include <malloc.h>
#include <pthread.h>

enum {
    LIVE = 300,
    STEPS = 2000
};

struct table {
    void *blocks[LIVE];
    size_t sizes[LIVE];
    uint64_t random;
    unsigned refused;
};

static size_t
pick_size(uint64_t *random)
{
    uint64_t r = next_random(random);
    switch (r % 40) {
    case 0:
        return (r >> 8) % 3000000;
    case 1:
    case 2:
        return (r >> 8) % 150000;
    default:
        return (r >> 8) % 3000 >> (r >> 40) % 8;
    }
}

static size_t
seen(size_t size)
{
    return size < 3000 ? size : 3000;
}

static void
step(struct table *table)
{
    size_t slot = next_random(&table->random) % LIVE;
    size_t size = 1 + pick_size(&table->random);
    void **block = &table->blocks[slot];
    size_t old = table->sizes[slot];
    void *next = NULL;

    if (*block != NULL) {
        EXPECT(is_stamped(*block, seen(old), slot));
    }
    errno = 0;
    switch (next_random(&table->random) % 8) {
    case 0:
        next = calloc(size, 1);
        EXPECT(next == NULL || is_zero(next, size));
        break;
    case 1:
        next = memalign((size_t)16 << next_random(&table->random) % 12, size);
        break;
    case 2:
    case 3:
        if (*block != NULL) {
            next = realloc(*block, size);
            if (next != NULL) {
                EXPECT(is_stamped(next, seen(old < size ? old : size), slot));
                *block = NULL;
            } else {
                EXPECT(is_stamped(*block, seen(old), slot));
            }
            break;
        }
        /* fall through */
    default:
        next = malloc(size);
        break;
    }
    if (next == NULL) {
        EXPECT(errno == ENOMEM);
        table->refused++;
        return;
    }
    free(*block);
    stamp(next, seen(size), slot);
    *block = next;
    table->sizes[slot] = size;
}

/* Two blocks that grow in turn are in each other's way, and large enough for their pages to be
 * moved. */
static void
grow_in_turn(unsigned *refused)
{
    static const size_t step = (size_t)3 << 20;
    char *blocks[2] = {NULL, NULL};
    size_t sizes[2] = {0, 0};
    for (size_t size = 2 * step; size <= 6 * step; size += step) {
        for (size_t i = 0; i < 2; i++) {
            errno = 0;
            char *larger = realloc(blocks[i], size);
            if (larger == NULL) {
                EXPECT(errno == ENOMEM);
                ++*refused;
                continue;
            }
            blocks[i] = larger;
            for (size_t at = 0; at < sizes[i]; at += step) {
                EXPECT(is_stamped(larger + at, 3000, at + i));
            }
            sizes[i] = size;
            for (size_t at = 0; at < size; at += step) {
                stamp(larger + at, 3000, at + i);
            }
        }
    }
    free(blocks[0]);
    free(blocks[1]);
}

static void *
work(void *argument)
{
    struct table *table = argument;
    for (int i = 0; i < STEPS; i++) {
        step(table);
    }
    grow_in_turn(&table->refused);
    for (size_t slot = 0; slot < LIVE; slot++) {
        if (table->blocks[slot] != NULL) {
            EXPECT(is_stamped(table->blocks[slot], seen(table->sizes[slot]), slot));
            free(table->blocks[slot]);
            table->blocks[slot] = NULL;
        }
    }
    return NULL;
}

int
main(void)
{
    static struct table tables[3];
    static const char marker[] = "refused_work: main\n";

    /* Tells the script where the loader's part ends. */
    EXPECT(write(1, marker, sizeof marker - 1) == (ssize_t)(sizeof marker - 1));
    for (size_t i = 0; i < 3; i++) {
        tables[i].random = i + 1;
    }
    work(&tables[0]);
    malloc_trim(0);
    for (size_t i = 1; i < 3; i++) { /* one after the other, so that system calls come in order */
        pthread_t thread;
        if (pthread_create(&thread, NULL, work, &tables[i]) == 0) {
            EXPECT(pthread_join(thread, NULL) == 0);
        }
    }
    work(&tables[0]);
    malloc_trim(0);
    return 0;
}
