/*
 * tarn/stats.h: what the process heap, or another, holds; counted when asked.
 *
 * Nothing is counted while the program runs: the figures come from a walk over the descriptors of
 * the heap's slabs, one for each 64 KiB it has ever used, and over the free lists of the slabs that
 * threads are allocating from at the moment. Other threads go on meanwhile: each slab's figures are
 * those of some moment during the call. With no other thread inside the allocator they are exact.
 *
 * All may be called by any thread at any time, in a fork's child too; not in a signal handler. None
 * allocates from a heap; those that print take pages of their own meanwhile, and print nothing
 * where there are none. Cost: about 5 ns for each 64 KiB the heap has used, and for each thread up
 * to a walk over the free blocks of one slab per size class.
 */
#ifndef TARN_STATS_H
#define TARN_STATS_H

#include "tarn/heap.h"
#include "tarn/pool.h"

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#    pragma GCC visibility push(default)
#endif

#define TARN_STATS_CLASSES 128 /* room for more classes than there are */

/* Blocks of one size, all in bytes of the class, not of what was asked for. */
struct tarn_stats_class {
    size_t size; /* bytes of a block */
    size_t live; /* blocks that a program holds */
    size_t room; /* blocks that the slabs of this size have place for, the live ones included */
    size_t slabs;
};

/* All in bytes unless the name says blocks, count or threads. Always:
 * committed = live_bytes + slab_free_bytes + cached_bytes + dirty_bytes + clean_bytes + own_bytes
 */
struct tarn_stats {
    size_t size; /* set by the caller: sizeof(struct tarn_stats) */

    size_t live_bytes; /* in blocks that a program holds, small and large */
    size_t live_blocks;
    size_t large_bytes; /* of these, in blocks of more than 64 KiB */
    size_t large_blocks;

    size_t slab_free_bytes; /* in slabs, but in no live block */
    size_t cached_bytes;    /* free slices that threads keep for their next slabs and blocks */
    size_t dirty_bytes;     /* free slices that still have memory */
    size_t clean_bytes;     /* free slices without memory: purged, or never touched */
    size_t own_bytes;       /* the allocator's own: descriptors' table, threads' caches */

    size_t committed_bytes; /* made usable by the system, whether touched or not */
    size_t reserved_bytes;  /* address space */
    size_t space_count;     /* reserved ranges */
    size_t threads;         /* that have a cache */
    size_t free_runs_count; /* pieces that the free slices are in */

    size_t class_count;
    struct tarn_stats_class classes[TARN_STATS_CLASSES]; /* by size; class_count of them */

    size_t resident_bytes; /* in memory, of the whole process; over live_bytes: fragmentation */
    size_t purged_bytes;   /* given back to the system since the process began, by all heaps */
};

/* Fills in as many bytes of *stats as stats->size says and this version knows; the rest is zero.
 * Returns the bytes that this version knows, or 0 (and nothing is written) where size is less than
 * that of its own field. A program built with an older tarn/stats.h thus gets what it knows. */
size_t tarn_stats(struct tarn_stats *stats);

/* The same of another heap. heap is not being destroyed meanwhile. */
size_t tarn_heap_stats(tarn_heap *heap, struct tarn_stats *stats);

/* mallocsummary: a page of text about the process heap, for people: calls print for each line,
 * without its newline. print may allocate. */
void tarn_summary(void (*print)(void *context, const char *line), void *context);

/* The same of another heap, an image's too, and of a pool. */
void tarn_heap_summary(tarn_heap *heap, void (*print)(void *context, const char *line),
                       void *context);
void tarn_pool_summary(const tarn_pool *pool, void (*print)(void *context, const char *line),
                       void *context);

enum tarn_stats_form {
    TARN_STATS_JSON,       /* one object; the names of struct tarn_stats */
    TARN_STATS_PROMETHEUS, /* text format 0.0.4; gauges and a counter, named tarn_... */
};

/* The statistics of a heap as text for machines, line by line as above. */
void tarn_stats_write(tarn_heap *heap, enum tarn_stats_form form,
                      void (*print)(void *context, const char *line), void *context);

#if defined(__GNUC__)
#    pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
