/*
 * Blocks of more than 64 KiB: whole slices. A cache keeps the last few freed of up to 512 KiB.
 */
#ifndef TN_LARGE_H
#define TN_LARGE_H

#include "heap/heap.h"

/* The user's pointer is start bytes into the slices; align is a power of two. cache may be NULL. */
void *tn_large_take(struct tn_heap *heap, struct tn_cache *cache, size_t size, size_t align,
                    size_t start, bool *zero);
void tn_large_give(struct tn_cache *cache, struct tn_slab *slab);
bool tn_large_resize(struct tn_slab *slab, size_t size);

/* A block of size bytes with the same contents, by moving its pages; NULL where it cannot be. */
void *tn_large_move(struct tn_slab *slab, size_t size);

#endif
