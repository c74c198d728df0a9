/* Making a pool: how its objects lie in its slabs. */
#include "pool/pool.h"

#include "os/option.h"
#include "os/os.h"

#include <errno.h>
#include <string.h>

#define LINE         ((size_t)64)
#define CONSTRUCTED  ((size_t)4096) /* bytes of objects that are constructed at a time */
#define SPAN_TRIED   ((size_t)16)   /* slices of a slab, unless objects or blocks need more */
#define WASTE_SHARE  ((size_t)64) /* a slab's rest is at most this part of it, where that can be */
#define STRIDE_MOST  ((size_t)1 << 40)
#define CACHED_BYTES ((size_t)1 << 20) /* of the objects that a cache may hold */
#define CACHED_LEAST ((size_t)8)
#define BATCH_FIRST  ((size_t)8) /* objects from the bits at the first refill */

static bool
is_possible(size_t size, const struct tarn_pool_options *options, const struct tn_heap *heap)
{
    unsigned flags = options->flags;
    size_t name = options->name != NULL ? strlen(options->name) : 0;
    if (size == 0 || name >= sizeof((struct tn_label *)NULL)->name) {
        return false;
    }
    if (options->align != 0 && !tn_is_power_of_two(options->align)) {
        return false;
    }
    if (options->block_size > STRIDE_MOST) {
        return false;
    }
    if ((flags & TARN_POOL_WAIT) && (!(flags & TARN_POOL_SHARED) || options->limit == 0)) {
        return false;
    }
    if ((flags & TARN_POOL_POISON) && options->construct != NULL) {
        return false;
    }
    if ((flags & TARN_POOL_GUARD) && heap->spaces[0]->backing != &tn_anonymous_backing) {
        return false;
    }
    return (flags & ~(unsigned)(2 * TARN_POOL_PROFILE - 1)) == 0;
}

/* False: larger than anything. */
static bool
lay_out_object(struct tn_pool *pool, size_t size, size_t align)
{
    size_t canary = pool->flags & TARN_POOL_CANARY ? sizeof(uint64_t) : 0;
    canary += pool->flags & TARN_POOL_GUARD ? 0 : TN_RED_ZONE;
    if (align == 0) {
        align = tn_min((size_t)1 << tn_lowest_bit(size), 16);
    }
    if (size > STRIDE_MOST || align > STRIDE_MOST) {
        return false;
    }
    pool->size = size;
    if (pool->flags & TARN_POOL_SPREAD) {
        align = tn_max(align, LINE);
    }
    pool->align = align;
    pool->stride = tn_align_up(size + canary, align);
    if ((pool->flags & TARN_POOL_SPREAD) && align == LINE && pool->stride / LINE % 2 == 0) {
        pool->stride += LINE;
    }
    if (pool->flags & TARN_POOL_GUARD) {
        pool->align = tn_max(align, tn_os_page_size()); /* also the guard's size */
        size_t length = tn_align_up(pool->stride, pool->align);
        pool->lead = length - tn_align_up(size + canary, align);
        pool->stride = length + pool->align;
    }
    return true;
}

/* The fewest slices in which little is left over, or of SPAN_TRIED the best. */
static bool
lay_out_slab(struct tn_pool *pool, size_t block_size)
{
    size_t block = tn_max(block_size / pool->stride, 1);
    size_t least = (block * pool->stride + TN_SLICE - 1) >> TN_SLICE_SHIFT;
    size_t best = least;
    size_t best_rest = SIZE_MAX;
    for (size_t span = least; span <= tn_max(least, SPAN_TRIED); span++) {
        size_t bytes = span << TN_SLICE_SHIFT;
        size_t rest = bytes % pool->stride;
        if (best_rest == SIZE_MAX || rest / span < best_rest / best) {
            best = span;
            best_rest = rest;
        }
        if (rest <= bytes / WASTE_SHARE) {
            break;
        }
    }
    size_t bytes = best << TN_SLICE_SHIFT;
    if (best >= UINT32_MAX || bytes / pool->stride > UINT32_MAX / 2) {
        return false;
    }
    pool->span = (uint32_t)best;
    pool->capacity = (uint32_t)(bytes / pool->stride);
    pool->words = (pool->capacity + 63) / 64;
    if (best == 1) { /* exact for dividends and divisors of 16 bits */
        pool->inverse = ((uint64_t)1 << 32) / pool->stride + 1;
    }
    if (block_size == 0) {
        block = pool->construct != NULL ? tn_max(CONSTRUCTED / pool->stride, 1) : pool->capacity;
    }
    pool->block = (uint32_t)tn_min(tn_min(block, pool->capacity), pool->limit);
    return true;
}

static void
set_up_cache(struct tn_pool *pool)
{
    pool->slots =
        (uint32_t)tn_min(tn_max(CACHED_BYTES / pool->stride, CACHED_LEAST), TN_TILE_SLOTS);
    pool->batch = (uint32_t)tn_min(TN_BATCH, pool->slots / 2 + 1);
    pool->next_batch = (uint32_t)tn_min(pool->batch, BATCH_FIRST);
    if (tn_pool_is_checked(pool) || (pool->flags & TARN_POOL_PROFILE) ||
        (tn_pool_is_shared(pool) &&
         (pool->limit != SIZE_MAX || (pool->flags & TARN_POOL_STRICT)))) {
        pool->mode = TN_POOL_LONG;
        pool->central = &pool->own;
    } else if (tn_pool_is_shared(pool)) {
        pool->mode = TN_POOL_SHARED;
        return;
    } else {
        pool->mode = TN_POOL_OWNER;
        pool->central = &pool->face;
    }
    tn_pool_cache_init(pool, pool->central, tn_pool_tile_new(pool));
}

/* The memory that the first count objects take is made present. */
static bool
preallocate(struct tn_pool *pool, size_t count)
{
    tn_pool_lock(pool);
    while (pool->entered < count && tn_pool_enter(pool)) {
    }
    bool done = pool->entered >= count;
    tn_pool_unlock(pool);
    if (!done) {
        return false;
    }
    pool->kept = count;
    for (struct tn_slab *slab = pool->some_first; slab != NULL && count > 0; slab = slab->next) {
        size_t part = tn_min(count, slab->entered);
        if (!(pool->flags & TARN_POOL_GUARD)) {
            tn_os_populate(tn_slab_base(tn_pool_space(pool, slab), slab),
                           tn_align_up(part * pool->stride, tn_os_page_size()));
        }
        count -= part;
    }
    return true;
}

static void
link_pool(struct tn_pool *pool, struct tn_heap *heap)
{
    tn_lock(tn_pools_lock());
    tn_pool_attach(pool, heap);
    pool->next = heap->root->pools;
    heap->root->pools = pool;
    tn_unlock(tn_pools_lock());
}

static tarn_pool *
failed(int error)
{
    errno = error;
    return NULL;
}

tarn_pool *
tarn_pool_new(size_t size, const struct tarn_pool_options *given)
{
    static const struct tarn_pool_options none;
    const struct tarn_pool_options *options = given != NULL ? given : &none;
    struct tn_heap *heap = tn_pool_heap(options->heap);
    if (heap == NULL) {
        return failed(ENOMEM);
    }
    if (heap->read_only) {
        return failed(EROFS);
    }
    if (!is_possible(size, options, heap)) {
        return failed(EINVAL);
    }
    int saved = errno;
    struct tn_pool *pool = tn_pool_memory_new(heap);
    if (pool == NULL) {
        return failed(ENOMEM);
    }
    pool->flags = options->flags;
    if (tn_options.profile_pools && heap->generation == 0) {
        pool->flags |= TARN_POOL_PROFILE;
    }
    pool->limit = options->limit != 0 ? options->limit : SIZE_MAX;
    pool->construct = options->construct;
    pool->destruct = options->destruct;
    pool->context = options->context;
    if (!lay_out_object(pool, size, options->align) || !lay_out_slab(pool, options->block_size) ||
        options->preallocate > tn_os_memory() / pool->stride) {
        tn_pool_memory_end(pool);
        return failed(ENOMEM);
    }
    pool->secret = tn_mix(heap->root->secret ^ (uintptr_t)pool);
    pool->label.size = size;
    strcpy(pool->label.name, options->name != NULL ? options->name : "unnamed");
    set_up_cache(pool);
    link_pool(pool, heap);
    if (options->preallocate != 0 && !preallocate(pool, options->preallocate)) {
        tarn_pool_destroy((tarn_pool *)pool);
        return failed(ENOMEM);
    }
    errno = saved;
    return (tarn_pool *)pool;
}
