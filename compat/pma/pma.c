/* pma's names on an image in atomic mode. */
#define _GNU_SOURCE
#include "pma.h"

#include "block_table.h"

#include <tarn/persist.h>
#include <tarn/tarn.h>

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CAPACITY_LEAST ((size_t)1 << 20)
#define FILL_STEP      ((size_t)1 << 20)  /* bytes taken at a time to reach free memory */
#define FILL_MOST      ((size_t)32 << 10) /* free memory in larger pieces goes back instead */

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

/* How much is said, by the environment or the program; false: neither has a level. */
static bool
choose_verbosity(int asked)
{
    const char *wanted = getenv("PMA_VERBOSITY");
    char *end;
    long level = asked;
    if (wanted != NULL) {
        level = strtol(wanted, &end, 10);
        level = end != wanted && *end == 0 ? level : -1;
    }
    verbosity = level >= 0 && level <= MORE ? (int)level : ERRORS;
    return verbosity == level;
}

/* What is wrong with a file that the heap is to be in; NULL: nothing. */
static const char *
strange(const char *file, size_t *size)
{
    struct stat status;
    if (stat(file, &status) != 0) {
        return strerror(errno);
    }
    errno = EINVAL;
    *size = (size_t)status.st_size;
    if (!S_ISREG(status.st_mode)) {
        return "is no regular file";
    }
    if (*size == 0) {
        return "has no size; make it as large as the heap may grow: truncate -s 4G";
    }
    return NULL;
}

static int
trouble_with(const char *file, const char *what)
{
    char text[512];
    int saved = errno;
    snprintf(text, sizeof text, "%.400s: %s", file, what);
    errno = saved;
    return trouble(text);
}

int
pma_init(int verbose, const char *file)
{
    size_t size = 0;
    if (!choose_verbosity(verbose)) {
        errno = EINVAL;
        return trouble("the verbosity is none of 0, 1, 2, 3");
    }
    if (started) {
        errno = EINVAL;
        return trouble("pma_init was called before");
    }
    if (file == NULL) {
        started = true;
        ordinary = true;
        say(WARNINGS, "no file: memory is the ordinary malloc's, and does not persist");
        return 0;
    }
    const char *wrong = strange(file, &size);
    if (wrong != NULL) {
        return trouble_with(file, wrong);
    }
    bool whole_pages = size % (size_t)sysconf(_SC_PAGESIZE) == 0;
    heap =
        tarn_open(file, &(tarn_options){.flags = whole_pages ? TARN_CREATE : 0,
                                        .capacity = size > CAPACITY_LEAST ? size : CAPACITY_LEAST});
    if (heap == NULL && errno == EINVAL && !whole_pages) {
        return trouble_with(file, "is no heap, and its size no multiple of the page size");
    }
    if (heap == NULL) {
        return trouble(tarn_error());
    }
    started = true;
    tarn_image_figures figures;
    tarn_image_info(heap, &figures);
    if (figures.commit_dropped || !figures.closed_properly) {
        say(WARNINGS, "the last user did not end in order: this is the last commit");
    }
    say(MORE, "the heap is open");
    atexit(at_end);
    return 0;
}

/* Before pma_init, after one that failed, and at exit, where others' handlers may still use what is
 * gone with the heap. */
static bool
is_closed(void)
{
    if (heap == NULL && !ordinary) {
        errno = EINVAL;
        trouble("there is no heap: before pma_init, or at exit");
        return true;
    }
    return false;
}

void *
pma_malloc(size_t size)
{
    if (is_closed()) {
        return NULL;
    }
    return ordinary ? malloc(size) : tarn_heap_malloc(heap, size);
}

void *
pma_calloc(size_t nmemb, size_t size)
{
    if (is_closed()) {
        return NULL;
    }
    return ordinary ? calloc(nmemb, size) : tarn_heap_calloc(heap, nmemb, size);
}

void *
pma_realloc(void *ptr, size_t size)
{
    if (is_closed()) {
        return NULL;
    }
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

static void
say_line(const char *line)
{
    fprintf(stderr, "pma: %s", line);
}

void
pma_check_and_dump(void)
{
    struct tarn_block_table table;
    tarn_image_figures figures;
    if (heap == NULL) {
        return;
    }
    int found = tarn_check_heap(heap, print, NULL);
    tarn_block_table_fill(&table, heap);
    tarn_image_info(heap, &figures);
    fprintf(stderr, "pma: %d faults; %zu blocks of %zu bytes; %zu bytes in use of %zu\n", found,
            table.blocks, table.bytes, figures.used, figures.capacity);
    tarn_block_table_say_small(&table, say_line);
    tarn_block_table_say_large(&table, say_line);
}

struct chain {
    struct chain *next;
};

static size_t
slices_in_use(void)
{
    tarn_image_figures figures;
    tarn_image_info(heap, &figures);
    return figures.used;
}

/* Takes and fills blocks until the heap has to grow for them, then gives all back. */
static void
fill_free_blocks(size_t size, unsigned long v)
{
    struct chain *chain = NULL;
    size_t before = slices_in_use();
    bool grown = false;
    while (!grown) {
        for (size_t bytes = 0; bytes < FILL_STEP && !grown; bytes += size) {
            struct chain *block = tarn_heap_malloc(heap, size);
            if (block == NULL) {
                grown = true;
                break;
            }
            unsigned long *words = (unsigned long *)block;
            for (size_t i = 0; i < size / sizeof v; i++) {
                words[i] = v;
            }
            block->next = chain;
            chain = block;
        }
        grown = grown || slices_in_use() > before;
    }
    while (chain != NULL) {
        struct chain *next = chain->next;
        tarn_heap_free(heap, chain);
        chain = next;
    }
}

/* Free memory is what can be had without growing: blocks of each size in turn. Free slices go back
 * first, and are zero. */
void
pma_set_avail_mem(const unsigned long v)
{
    if (heap == NULL) {
        return;
    }
    tarn_heap_trim(heap);
    for (size_t size = tarn_good_size(1); size <= FILL_MOST; size = tarn_good_size(size + 1)) {
        fill_free_blocks(size, v);
    }
    tarn_heap_trim(heap);
}

int
pma_commit(void)
{
    if (ordinary || is_closed()) {
        return ordinary ? 0 : -1;
    }
    if (tarn_commit(heap) != 0) {
        trouble(tarn_error());
        return -1;
    }
    return 0;
}
