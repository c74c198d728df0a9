#include "count.h"

#include "bench.h"

#include <tarn/persist.h>

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#pragma weak tarn_heap_new
#pragma weak tarn_create
#pragma weak tarn_heap_malloc
#pragma weak tarn_heap_free

enum {
    BATCH = 100,
    WARM_PAIRS = 20000
};

const struct count_case count_cases[] = {
    {"pair-16", COUNT_MALLOC, 16, 1, 100},
    {"pair-64", COUNT_MALLOC, 64, 1, 100},
    {"pair-1k", COUNT_MALLOC, 1024, 1, 100},
    {"pair-8k", COUNT_MALLOC, 8192, 1, 100},
    {"pair-128k", COUNT_MALLOC, 131072, 1, 50},
    {"batch-64", COUNT_MALLOC, 64, BATCH, 2},
    {"batch-1k", COUNT_MALLOC, 1024, BATCH, 2},
    {"heap-64", COUNT_HEAP, 64, 1, 100},
    {"image-64", COUNT_IMAGE, 64, 1, 100},
    {"image-8k", COUNT_IMAGE, 8192, 1, 100},
    {"image-128k", COUNT_IMAGE, 131072, 1, 50},
    {"image-batch-1k", COUNT_IMAGE, 1024, BATCH, 2},
    {NULL, COUNT_MALLOC, 0, 0, 0},
};

static tarn_heap *heap;

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

static __attribute__((noinline)) void
heap_pairs(size_t size, size_t repeats)
{
    for (size_t i = 0; i < repeats; i++) {
        char *block = tarn_heap_malloc(heap, size);
        *block = 1;
        tarn_heap_free(heap, block);
    }
}

static __attribute__((noinline)) void
heap_batches(size_t size, size_t repeats)
{
    static char *blocks[BATCH];
    for (size_t i = 0; i < repeats; i++) {
        for (size_t k = 0; k < BATCH; k++) {
            blocks[k] = tarn_heap_malloc(heap, size);
            *blocks[k] = 1;
        }
        for (size_t k = 0; k < BATCH; k++)
            tarn_heap_free(heap, blocks[k]);
    }
}

static tarn_heap *
make_image(void)
{
    char path[4096];
    const char *folder = getenv("TMPDIR");
    snprintf(path, sizeof path, "%.4000s/bench-count-%d.tarn", folder != NULL ? folder : "/tmp",
             (int)getpid());
    tarn_heap *image = tarn_create(path, NULL);
    unlink(path);
    return image;
}

int
count_child(const char *name)
{
    const struct count_case *c = count_find(name);
    if (c == NULL)
        return 1;
    void (*run)(size_t size, size_t repeats) = c->batch == 1 ? pairs : batches;
    if (c->heap != COUNT_MALLOC) {
        if (tarn_heap_new == NULL || tarn_create == NULL)
            return COUNT_NONE;
        heap = c->heap == COUNT_HEAP ? tarn_heap_new() : make_image();
        if (heap == NULL)
            return 1;
        run = c->batch == 1 ? heap_pairs : heap_batches;
    }
    run(c->size, WARM_PAIRS / c->batch);
    raise(COUNT_MARK);
    run(c->size, c->repeats);
    raise(COUNT_MARK);
    run(c->size, 2 * c->repeats);
    raise(COUNT_MARK);
    return 0;
}
