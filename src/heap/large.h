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

/* A block of size bytes with the same contents, by moving its pages; NULL where it cannot be, or
 * where a copy is better. */
void *tn_large_move(struct tn_slab *slab, size_t size);

/* Between these files. Makes slices live as a large block, which begins start bytes into them. */
void *tn_large_finish(struct tn_slab *slab, size_t span, size_t start);
size_t tn_large_slices(size_t bytes);
/* Slices of a block that may have been moved to where they are, from the given one to its end, no
 * longer tell of it. True when they are zero. */
bool tn_large_unmove(struct tn_slab *slab, size_t from);

#endif
