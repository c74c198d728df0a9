/* A pool's own memory, apart from its objects: slices in which it lies itself, caches, bitmaps. */
#include "pool/pool.h"

#include <string.h>

_Static_assert(TN_TILE * 4 <= TN_SLICE, "a slice holds the pool, its first cache and more");

static struct tn_pool_meta *
take_slice(struct tn_heap *heap)
{
    bool zero;
    struct tn_slab *slab = tn_heap_take(heap, 1, TN_SLICE, &zero);
    if (slab == NULL) {
        return NULL;
    }
    tn_set_kind(slab, TN_META);
    uint32_t count = atomic_load_explicit(&heap->space_count, memory_order_acquire);
    for (uint32_t i = 0; i < count; i++) {
        if (tn_space_has(heap->spaces[i], slab)) {
            void *slice = tn_slab_base(heap->spaces[i], slab);
            tn_inspector_open(slice, TN_SLICE);
            return slice;
        }
    }
    return NULL;
}

static void
give_slice(struct tn_pool *pool, struct tn_pool_meta *meta)
{
    struct tn_slab *slab = tn_slice_of(tn_pool_space(pool, meta), meta);
    tn_set_kind(slab, TN_NONE);
    tn_heap_give(slab, 1, false);
}

/* The pool lies in the first tile of its slice; in the second, one slot that is always NULL. */
struct tn_pool *
tn_pool_memory_new(struct tn_heap *heap)
{
    char *slice = (char *)take_slice(heap);
    if (slice == NULL) {
        return NULL;
    }
    memset(slice, 0, TN_TILE + sizeof(void *));
    struct tn_pool *pool = (struct tn_pool *)(slice + TN_RECORD_AT);
    pool->heap = heap;
    pool->metas = (struct tn_pool_meta *)slice;
    pool->fresh = slice + TN_TILE + sizeof(void *);
    pool->fresh_end = slice + TN_SLICE;
    pool->face.face.top = (void **)(slice + TN_TILE);
    return pool;
}

void
tn_pool_memory_end(struct tn_pool *pool)
{
    struct tn_pool_meta *meta = pool->metas;
    while (meta->next != NULL) {
        struct tn_pool_meta *next = meta->next;
        give_slice(pool, meta);
        meta = next;
    }
    give_slice(pool, meta);
}

/* size bytes of zero, of which the address plus shift is a multiple of align. */
static void *
carve(struct tn_pool *pool, size_t size, size_t align, size_t shift)
{
    for (;;) {
        char *start = (char *)(tn_align_up((uintptr_t)pool->fresh + shift, align) - shift);
        if (start <= pool->fresh_end && (size_t)(pool->fresh_end - start) >= size) {
            pool->fresh = start + size;
            return memset(start, 0, size);
        }
        struct tn_pool_meta *meta = take_slice(pool->heap);
        if (meta == NULL) {
            return NULL;
        }
        meta->next = pool->metas;
        pool->metas = meta;
        pool->fresh = (char *)(meta + 1);
        pool->fresh_end = (char *)meta + TN_SLICE;
    }
}

static size_t
bits_size(const struct tn_pool *pool)
{
    return (size_t)pool->words * sizeof(uint64_t) * (pool->mode == TN_POOL_LONG ? 2 : 1);
}

uint64_t *
tn_pool_bits_new(struct tn_pool *pool)
{
    void *bits = pool->free_bits;
    if (bits == NULL) {
        size_t size = bits_size(pool);
        return carve(pool, size, size % 64 == 0 ? 64 : sizeof(uint64_t), 0);
    }
    pool->free_bits = *(void **)bits;
    return memset(bits, 0, bits_size(pool));
}

void
tn_pool_bits_end(struct tn_pool *pool, uint64_t *bits)
{
    *(void **)(void *)bits = pool->free_bits;
    pool->free_bits = bits;
}

void **
tn_pool_tile_new(struct tn_pool *pool)
{
    void **last = pool->free_tiles;
    if (last != NULL) {
        pool->free_tiles = last[-(ptrdiff_t)pool->slots];
        last[-(ptrdiff_t)pool->slots] = NULL;
        return last;
    }
    size_t before = pool->slots * sizeof(void *);
    char *tile = carve(pool, before + sizeof(void *), TN_TILE, before);
    return tile != NULL ? (void **)(tile + before) : NULL;
}

void
tn_pool_tile_end(struct tn_pool *pool, void **last)
{
    last[-(ptrdiff_t)pool->slots] = (void *)pool->free_tiles;
    pool->free_tiles = last;
}

void
tn_pool_cache_init(struct tn_pool *pool, struct tn_pool_cache *cache, void **last)
{
    cache->bottom = last - pool->slots;
    cache->face.top = cache->bottom;
}

struct tn_pool_cache *
tn_pool_cache_new(struct tn_pool *pool)
{
    struct tn_pool_cache *cache = carve(pool, 64, 64, 0);
    if (cache == NULL) {
        return NULL;
    }
    void **last = tn_pool_tile_new(pool);
    if (last == NULL) {
        return NULL;
    }
    tn_pool_cache_init(pool, cache, last);
    return cache;
}
