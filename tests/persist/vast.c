/*
 * Images far larger than what is in them: so much used of so much capacity, on a sparse file; and
 * an opening makes no more system calls for a capacity of 1 TiB than for one of 1 MiB.
 *
 *     vast FILE CAPACITY_GIB USED_GIB
 */
#include "calls.h"
#include "say_fault.h"

#include <tarn/persist.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define GIB   ((size_t)1 << 30)
#define PIECE ((size_t)3 << 20)
#define TOUCH ((size_t)256 << 10) /* a byte is written every so many */

struct piece {
    struct piece *next;
    uint64_t number;
};

static const char *path;

static void
need(bool right, const char *what)
{
    if (!right) {
        fprintf(stderr, "%s: %s: %s\n", path, what, tarn_error());
        exit(1);
    }
}

static tarn_heap *
open_heap(unsigned flags)
{
    tarn_heap *heap = tarn_open(path, &(tarn_options){.flags = flags});
    need(heap != NULL, "cannot be opened");
    return heap;
}

static void
build(size_t capacity, size_t used)
{
    tarn_heap *heap = tarn_create(path, &(tarn_options){.capacity = capacity});
    need(heap != NULL, "cannot be made");
    struct piece *all = NULL;
    uint64_t count = used / PIECE;
    for (uint64_t i = 0; i < count; i++) {
        struct piece *piece = tarn_heap_malloc(heap, PIECE - 4096);
        need(piece != NULL, "is full before its time");
        for (size_t at = 0; at < PIECE - 4096; at += TOUCH) {
            memset((char *)piece + at, (int)(i + at / TOUCH), 64);
        }
        *piece = (struct piece){all, i};
        all = piece;
        if (i % 256 == 255) {
            tarn_set_root(heap, all);
            need(tarn_commit(heap) == 0, "cannot be committed");
        }
    }
    tarn_set_root(heap, all);
    need(tarn_close(heap) == 0, "cannot be closed");
}

static void
compare(tarn_heap *heap, size_t used)
{
    const struct piece *piece = tarn_root(heap);
    for (uint64_t i = used / PIECE; i-- > 0; piece = piece->next) {
        need(piece != NULL && piece->number == i, "a piece is missing");
        for (size_t at = TOUCH; at < PIECE - 4096; at += TOUCH) {
            need(((const char *)piece)[at] == (char)(i + at / TOUCH), "a piece is another");
        }
    }
    need(piece == NULL, "there are too many pieces");
}

static void
large(size_t capacity, size_t used)
{
    tarn_image_figures figures;
    build(capacity, used);
    tarn_heap *heap = open_heap(TARN_READ_ONLY);
    compare(heap, used);
    tarn_image_info(heap, &figures);
    need(figures.capacity == capacity && figures.used >= used / PIECE * (PIECE - 4096),
         "its figures are others");
    need(figures.file_space < figures.used / 8, "the file is not sparse");
    need(tarn_close(heap) == 0, "cannot be closed");
    need(tarn_check(path, say_fault, NULL) == 0, "is damaged");
    heap = open_heap(0);
    struct piece *first = tarn_root(heap);
    tarn_set_root(heap, first->next);
    tarn_heap_free(heap, first);
    tarn_heap_trim(heap);
    need(tarn_close(heap) == 0, "cannot be closed");
    heap = open_heap(TARN_READ_ONLY);
    compare(heap, used - used % PIECE - PIECE);
    tarn_close(heap);
    printf("%zu GiB used of %zu GiB, %llu MiB on disk\n", used / GIB, capacity / GIB,
           (unsigned long long)(figures.file_space >> 20));
}

static double
milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* System calls of an opening, and how long it took. */
static unsigned long
calls_to_open(size_t capacity, double *took)
{
    unlink(path);
    tarn_heap *heap = tarn_create(path, &(tarn_options){.capacity = capacity});
    need(heap != NULL, "cannot be made");
    tarn_set_root(heap, tarn_heap_malloc(heap, 100));
    need(tarn_close(heap) == 0, "cannot be closed");
    calls_inject(CALLS_ONCE, 1000000, 5); /* counts */
    *took = milliseconds();
    tarn_heap *opened = open_heap(0);
    *took = milliseconds() - *took;
    unsigned long calls = calls_count();
    calls_inject(CALLS_NONE, 0, 0);
    tarn_close_without_commit(opened);
    return calls;
}

int
main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: vast FILE CAPACITY_GIB USED_GIB\n");
        return 2;
    }
    path = argv[1];
    double short_time;
    double long_time;
    unsigned long few = calls_to_open((size_t)1 << 20, &short_time);
    unsigned long many = calls_to_open((size_t)1 << 40, &long_time);
    printf("an opening makes %lu system calls in %.2f ms at a capacity of 1 MiB, %lu in %.2f ms at "
           "1 TiB\n",
           few, short_time, many, long_time);
    need(few > 5 && many <= few + 2, "opening costs more system calls for more capacity");
    unlink(path);
    large(strtoull(argv[2], NULL, 10) * GIB, strtoull(argv[3], NULL, 10) * GIB);
    unlink(path);
    return 0;
}
