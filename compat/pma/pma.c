/* pma's names on an image in atomic mode. */
#define _GNU_SOURCE
#include "pma.h"

#include <tarn/persist.h>

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CAPACITY_LEAST ((size_t)1 << 20)
#define FILL_STEP      ((size_t)64) /* the largest blocks taken at a time to reach free memory */

enum {
    ERRORS = 1,
    WARNINGS,
    MORE
};

const char pma_version[] = PMA_H_VERSION;
int pma_errno;

static tarn_heap *heap;
static bool started;
static bool ordinary;
static int verbosity;

static void
say(int level, const char *what)
{
    if (verbosity >= level) {
        fprintf(stderr, "pma: %s\n", what);
    }
}

static int
trouble(const char *what)
{
    pma_errno = errno != 0 ? errno : EINVAL;
    say(ERRORS, what);
    return pma_errno;
}

static void
at_end(void)
{
    if (heap != NULL && tarn_close(heap) != 0 && errno != EPERM) {
        trouble(tarn_error());
    }
    heap = NULL;
}

int
pma_init(int verbose, const char *file)
{
    const char *wanted = getenv("PMA_VERBOSITY");
    struct stat status;
    verbosity = wanted != NULL ? atoi(wanted) : verbose;
    if (started) {
        errno = EINVAL;
        return trouble("pma_init was called before");
    }
    started = true;
    if (file == NULL) {
        ordinary = true;
        say(MORE, "no file: memory is the ordinary malloc's");
        return 0;
    }
    if (stat(file, &status) != 0) {
        char text[512];
        snprintf(text, sizeof text, "%s: %s", file, strerror(errno));
        return trouble(text);
    }
    size_t capacity = (size_t)status.st_size;
    heap = tarn_open(
        file, &(tarn_options){.flags = TARN_CREATE,
                              .capacity = capacity > CAPACITY_LEAST ? capacity : CAPACITY_LEAST});
    if (heap == NULL) {
        return trouble(tarn_error());
    }
    tarn_image_figures figures;
    tarn_image_info(heap, &figures);
    if (figures.commit_dropped || !figures.closed_properly) {
        say(WARNINGS, "the last user did not end in order: this is the last commit");
    }
    atexit(at_end);
    return 0;
}

void *
pma_malloc(size_t size)
{
    return ordinary ? malloc(size) : tarn_heap_malloc(heap, size);
}

void *
pma_calloc(size_t nmemb, size_t size)
{
    return ordinary ? calloc(nmemb, size) : tarn_heap_calloc(heap, nmemb, size);
}

/* At exit, others' handlers may still free what is gone with the heap. */
void *
pma_realloc(void *ptr, size_t size)
{
    return ordinary ? realloc(ptr, size) : tarn_heap_realloc(heap, ptr, size);
}

void
pma_free(void *ptr)
{
    if (ordinary) {
        free(ptr);
    } else if (heap != NULL) {
        tarn_heap_free(heap, ptr);
    }
}

void
pma_set_root(void *ptr)
{
    tarn_set_root(heap, ptr);
}

void *
pma_get_root(void)
{
    return tarn_root(heap);
}

static bool
print(void *context, const char *what, uint64_t offset)
{
    (void)context;
    fprintf(stderr, "pma: at %llu: %s\n", (unsigned long long)offset, what);
    return true;
}

struct count {
    size_t blocks;
    size_t bytes;
};

static bool
count_block(void *context, void *block, size_t size)
{
    struct count *count = context;
    (void)block;
    count->blocks++;
    count->bytes += size;
    return true;
}

void
pma_check_and_dump(void)
{
    struct count count = {0, 0};
    tarn_image_figures figures;
    if (heap == NULL) {
        return;
    }
    int found = tarn_check_heap(heap, print, NULL);
    tarn_heap_walk(heap, count_block, &count);
    tarn_image_info(heap, &figures);
    fprintf(stderr, "pma: %d faults; %zu blocks of %zu bytes; %zu bytes in use of %zu\n", found,
            count.blocks, count.bytes, figures.used, figures.capacity);
}

/* Free memory is what can be had: blocks of every size from large to small, filled and given back.
 */
void
pma_set_avail_mem(const unsigned long v)
{
    if (heap == NULL) {
        return;
    }
    if (v == 0) {
        tarn_heap_trim(heap);
        return;
    }
    struct chain {
        struct chain *next;
    } *chain = NULL;
    tarn_image_figures figures;
    tarn_image_info(heap, &figures);
    size_t most = figures.used;
    for (size_t size = 1024; size >= 16 && most > 0; size /= 2) {
        for (size_t i = 0; i < most / size / FILL_STEP; i++) {
            struct chain *block = tarn_heap_malloc(heap, size);
            if (block == NULL) {
                break;
            }
            unsigned long *words = (unsigned long *)block;
            for (size_t k = 1; k < size / sizeof v; k++) {
                words[k] = v;
            }
            block->next = chain;
            chain = block;
        }
    }
    while (chain != NULL) {
        struct chain *next = chain->next;
        tarn_heap_free(heap, chain);
        chain = next;
    }
}

int
pma_commit(void)
{
    if (heap == NULL) {
        return ordinary ? 0 : -1;
    }
    if (tarn_commit(heap) != 0) {
        trouble(tarn_error());
        return -1;
    }
    return 0;
}
