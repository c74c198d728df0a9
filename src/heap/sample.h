/*
 * Sampling the process heap's allocations: a block of n bytes is one with probability
 * 1 - exp(-(n + 1) / interval), as if bytes were drawn by a Poisson process (the way of tcmalloc's
 * sampler). What becomes of samples is said by hooks; src/watch keeps them with their stacks.
 *
 * While nobody samples, this costs nothing. A thread that is counted has a direct table that leads
 * nowhere, so that its allocations come to the slow path, which counts bytes down.
 *
 * A sampled block's free must be noticed while all other frees stay as they are. Up to 8 KiB it
 * lies in a slab of samples: owned by a cache that is no thread's, so that free takes the slow path
 * there. A larger one takes slices of its own, of the kind TN_SAMPLED instead of TN_LARGE.
 */
#ifndef TN_SAMPLE_H
#define TN_SAMPLE_H

#include "heap/heap.h"

#pragma GCC visibility push(hidden)

#define TN_STACK_MOST 64u /* frames of a stack */

/* Called one after the other, under the samples' lock, but for look. */
struct tn_sample_hooks {
    /* The stack that asks for memory, innermost first. Without the lock; may allocate. */
    unsigned (*look)(void **frames, unsigned most);
    void (*record)(void *block, size_t size, void *const *frames, unsigned depth);
    void (*forget)(void *block);
    void (*reset)(void); /* in a fork's child that cannot trust what was recorded */
};

/* Every interval bytes in the mean; 1: every block. From now on for the calling thread, for others
 * as soon as they see it, at their next slow path at the latest. hooks: const, for ever. */
void tn_sample_start(size_t interval, const struct tn_sample_hooks *hooks);
/* Blocks sampled so far stay known. A thread is back on its fast path an interval later. */
void tn_sample_stop(void);
bool tn_sample_on(void);

/* What guards the records; a thread that holds it takes no samples. False: it is held by the
 * calling thread already, below us. */
bool tn_sample_lock(void);
void tn_sample_unlock(void);

/* For a cache that is counted: counts a block of size bytes. If it is to be a sample, a block for
 * it; NULL: it is none. */
void *tn_sample_class(struct tn_cache *cache, unsigned class, size_t size);
/* The same for a large block that is there already. */
void tn_sample_large(struct tn_cache *cache, void *block, size_t size);
/* A large block that is changing its size is no sample any more. */
void tn_sample_drop(struct tn_slab *slab);
/* A block of a slab of samples, or of slices that are one. */
void tn_sample_free(struct tn_space *space, struct tn_slab *slab, void *p, const char *call);

/* The cache whose slabs hold samples; none of a heap's list. */
extern struct tn_cache tn_sampler;
/* In a fork's child: true when its slabs are as they were. */
bool tn_sample_forked(void);

/* free.c: the rest of free for a block of a slab of an owned class. */
void tn_free_small(struct tn_cache *cache, struct tn_space *space, struct tn_slab *slab, void *p,
                   const char *call);
/* alloc.c: malloc of a thread that is counted, or has no cache yet. */
void *tn_malloc_counted(size_t size);
void tn_malloc_count_start(void);
/* bin.c: the direct table anew, after cache->counted has changed. */
void tn_bin_redirect(struct tn_cache *cache);
/* cache.c */
void tn_cache_init(struct tn_cache *cache, struct tn_heap *heap, uintptr_t thread);

#pragma GCC visibility pop

#endif
