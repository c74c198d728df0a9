#include "count.h"

#include "bench.h"

#include <stdlib.h>

enum {
    BATCH = 100,
    WARM_PAIRS = 20000
};

const struct count_case count_cases[] = {
    {"pair-16", 16, 1, 100},      {"pair-64", 64, 1, 100},
    {"pair-1k", 1024, 1, 100},    {"pair-8k", 8192, 1, 100},
    {"pair-128k", 131072, 1, 50}, {"batch-64", 64, BATCH, 2},
    {"batch-1k", 1024, BATCH, 2}, {NULL, 0, 0, 0},
};

const struct count_case *
count_find(const char *name)
{
    for (const struct count_case *c = count_cases; c->name != NULL; c++) {
        if (strcmp(c->name, name) == 0)
            return c;
    }
    return NULL;
}

/* Each block is written to, as a program would, so that its page is there. */
static __attribute__((noinline)) void
pairs(size_t size, size_t repeats)
{
    for (size_t i = 0; i < repeats; i++) {
        char *block = malloc(size);
        *block = 1;
        free(block);
    }
}

static __attribute__((noinline)) void
batches(size_t size, size_t repeats)
{
    static char *blocks[BATCH];
    for (size_t i = 0; i < repeats; i++) {
        for (size_t k = 0; k < BATCH; k++) {
            blocks[k] = malloc(size);
            *blocks[k] = 1;
        }
        for (size_t k = 0; k < BATCH; k++)
            free(blocks[k]);
    }
}

int
count_child(const char *name)
{
    const struct count_case *c = count_find(name);
    if (c == NULL)
        return 1;
    void (*run)(size_t size, size_t repeats) = c->batch == 1 ? pairs : batches;
    run(c->size, WARM_PAIRS / c->batch);
    raise(COUNT_MARK);
    run(c->size, c->repeats);
    raise(COUNT_MARK);
    run(c->size, 2 * c->repeats);
    raise(COUNT_MARK);
    return 0;
}
