/*
 * When the next sample is due, sample.h: what a cache gives out is counted down to it.
 *
 * Each class of blocks in a cache's own slabs has a sample to come of its own, so many blocks away;
 * all else counts bytes together. Processes that are Poisson's each are one together.
 *
 * A class need not count while its sample is further away than the fast paths can come: as many
 * blocks as lie on the current slab's list, and as many more as are freed into it, which the slab's
 * count of frees limits. Its owner looks when the list is at its end, or that count; how many were
 * given out is known then: those that were listed, and freed, less those that are listed. Only near
 * its sample does a class count block by block: its direct entries lead nowhere, so that every
 * allocation takes the slow path.
 */
#ifndef TN_COUNTDOWN_H
#define TN_COUNTDOWN_H

#include "heap/slab_list.h"

#pragma GCC visibility push(hidden)

struct tn_sampling {
    _Atomic bool on;
    _Atomic uint64_t starts;
    _Atomic size_t interval; /* bytes */
};

extern struct tn_sampling tn_sampling; /* written in sample.c, under the samples' lock */

/* By any thread, under the heap's lock: the cache's owner begins anew when it comes by. */
void tn_count_start(struct tn_cache *cache);

/* The others by the owner, for a cache that is counted. */

/* Whether the block of a slab, of size bytes, that is about to be given out is to be a sample. */
bool tn_count_block(struct tn_cache *cache, unsigned class, size_t size);
/* The same for anything else. */
bool tn_count_bytes(struct tn_cache *cache, size_t size);
/* The class's current slab has so many blocks on its list, but for one that has counted already. */
void tn_count_refilled(struct tn_cache *cache, unsigned class, unsigned listed);
/* The current slab's count of frees is at its end. */
void tn_count_look(struct tn_cache *cache, unsigned class);
/* The current slab's list is about to change otherwise than by blocks taken and freed. */
void tn_count_pause(struct tn_cache *cache, unsigned class);

/* Whether the counts are of the present profile. */
static inline bool
tn_count_stands(const struct tn_cache *cache)
{
    return cache->counted_since == atomic_load_explicit(&tn_sampling.starts, memory_order_relaxed);
}

/* A block of the class's current slab, counted; NULL where there is more to do. */
static inline void *
tn_count_pop(struct tn_cache *cache, unsigned class)
{
    struct tn_bin *bin = &cache->bin[class];
    if (TN_LIKELY(bin->until > 0 && tn_slab_has_free(bin->current) &&
                  !tn_slab_head_is_odd(bin->current) && tn_count_stands(cache))) {
        bin->until -= bin->allowed == 0;
        return tn_slab_pop(bin->current);
    }
    return NULL;
}

#pragma GCC visibility pop

#endif
