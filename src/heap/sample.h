/*
 * Sampling allocations of all heaps: a block of n bytes is one with probability
 * 1 - exp(-(n + 1) / interval), as if bytes were drawn by a Poisson process (the way of tcmalloc's
 * sampler). What becomes of samples is said by hooks; src/watch keeps them with their stacks.
 *
 * While nobody samples, this costs nothing. When a thread's next sample is due: countdown.h.
 *
 * A sampled block's free must be noticed while all other frees stay as they are. Up to 8 KiB it
 * lies in a slab of samples: owned by a cache of its heap that is no thread's, so that free takes
 * the slow path there. A larger one takes slices of its own: in the process heap, whose frees of
 * large blocks have a fast path, of the kind TN_SAMPLED; in others, and so in images, TN_LARGE with
 * the flag TN_SAMPLES. What an image was left with means nothing to the process that opens it next:
 * frees there find no sample.
 *
 * An object of a pool has no place of its own: pools that take the long way for it say themselves
 * when one is given out and comes back.
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
    void (*forget_all)(const void *start, size_t size); /* all that lie there */
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
/* A large block that is changing its size is no sample any more, */
void tn_sample_drop(struct tn_slab *slab);
/* and counts as a new one when it has, also where its pages were moved to. */
void tn_sample_anew(struct tn_heap *heap, void *block, size_t size);
/* A block of a slab of samples, or of slices that are one. */
void tn_sample_free(struct tn_space *space, struct tn_slab *slab, void *p, const char *call);

/* Whether a block in slices of its own is a sample. */
static inline bool
tn_is_sample(const struct tn_slab *slab)
{
    return tn_kind(slab) == TN_SAMPLED ||
           (tn_kind(slab) == TN_LARGE && (slab->flags & TN_SAMPLES) != 0);
}

/* An object of a pool that has just been given out, and one that is about to be free. Without any
 * lock but, for the second, the pool's. */
void tn_sample_object(void *object, size_t size);
void tn_sample_forget_object(void *object);
/* The same for all objects in some memory. */
void tn_sample_forget_memory(const void *start, size_t size);

/* The heap ends, or is not what it was (an image was rolled back): its samples are no more. */
void tn_sample_forget(struct tn_heap *heap);
/* The heap's sampler leaves its slabs to all, as a thread does that ends. */
void tn_sample_retire(struct tn_heap *heap);

/* The process heap's cache whose slabs hold samples; none of the heap's list. */
extern struct tn_cache tn_sampler;
/* In a fork's child, before anything else is put right. */
void tn_sample_forked(void);

/* free.c: the rest of free for a block of a slab of an owned class. */
void tn_free_small(struct tn_cache *cache, struct tn_space *space, struct tn_slab *slab, void *p,
                   const char *call);
/* cache.c */
void tn_cache_init(struct tn_cache *cache, struct tn_heap *heap, uintptr_t thread);

#pragma GCC visibility pop

#endif
