/*
 * Memory that holds no block goes back to the system: free slices in bulk (space.c), the free
 * pages inside slabs by what is written here.
 *
 * Without a thread of its own the heap can only act while the program frees. So each slab that
 * drains is looked at a few times on its way (free.c), and the pages that have probably become
 * free, by its count of live blocks, are summed for its cache. When the sum passes a limit the
 * slabs worth it are purged, unless that was regretted too often lately (regret.h). A page's blocks
 * leave the free list and are carved again when they are needed.
 */
#ifndef TN_PURGE_H
#define TN_PURGE_H

#include "heap/heap.h"

/* Everything of the process heap that can go now; other threads' caches follow when they next need
 * a slab. Returns the bytes given back at once. */
size_t tn_purge_all(void);

/* The same for any heap. */
size_t tn_purge_heap(struct tn_heap *heap);

/* The cache's owner has been asked to give back what it keeps. */
void tn_purge_cache(struct tn_cache *cache);

/* A slab enters or leaves a bin of the cache. */
void tn_purge_enter(struct tn_cache *cache, const struct tn_slab *slab);
void tn_purge_leave(struct tn_cache *cache, const struct tn_slab *slab);

/* A slab in a bin has drained to so many live blocks. Sets when to look again. */
void tn_purge_look(struct tn_cache *cache, struct tn_slab *slab, unsigned live);

/* So many more blocks, or fewer, lie on the lists of central slabs of a class. */
void tn_purge_central_listed(struct tn_heap *heap, unsigned class, int blocks);

/* Purges the central slabs where there are too many. */
void tn_purge_central_look(struct tn_heap *heap);

/* Purging these units of a slab of the class was a mistake: they are needed again. */
void tn_purge_regret(struct tn_heap *heap, const struct tn_class *class, uint64_t units);

#endif
