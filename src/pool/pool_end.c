/* Taking everything back: reset, trim, close, destroy. */
#include "pool/pool.h"

#include "heap/sample.h"
#include "os/wait.h"

#include <limits.h>
#include <string.h>

static void
fill_bits(const struct tn_pool *pool, struct tn_slab *slab)
{
    for (uint32_t i = 0; i < slab->entered; i += 64) {
        uint32_t rest = slab->entered - i;
        slab->bits[i / 64] = rest >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << rest) - 1;
    }
    slab->unused = slab->entered;
    slab->hint = 0;
    if (pool->mode != TN_POOL_LONG) {
        return;
    }
    if (pool->flags & TARN_POOL_PROFILE) {
        tn_sample_forget_memory(tn_slab_base(tn_pool_space(pool, slab), slab),
                                (size_t)pool->span << TN_SLICE_SHIFT);
    }
    uint64_t *live = tn_pool_live_bits(pool, slab);
    char *first = tn_pool_first(pool, slab);
    tn_pool_tell_gone(pool, slab);
    for (uint32_t w = 0; w < pool->words; w++) {
        for (uint64_t bits = live[w]; bits != 0; bits &= bits - 1) {
            tn_pool_mark_free(pool, first + (w * 64 + tn_lowest_bit(bits)) * pool->stride);
        }
        live[w] = 0;
    }
}

void
tarn_pool_reset(tarn_pool *face)
{
    struct tn_pool *pool = (struct tn_pool *)face;
    tn_pool_lock(pool);
    tn_pool_drop_tiles(pool);
    for (struct tn_slab *slab = pool->some_first; slab != NULL; slab = slab->next) {
        fill_bits(pool, slab);
    }
    while (pool->none_first != NULL) {
        struct tn_slab *slab = pool->none_first;
        tn_pool_unlist(pool, slab);
        fill_bits(pool, slab);
        tn_pool_list(pool, slab);
    }
    pool->out = 0;
    atomic_fetch_add(&pool->frees, 1);
    tn_pool_unlock(pool);
    if (pool->flags & TARN_POOL_WAIT) {
        tn_os_wake(&pool->frees, INT_MAX);
    }
}

size_t
tarn_pool_trim(tarn_pool *face)
{
    struct tn_pool *pool = (struct tn_pool *)face;
    if (pool->flags & TARN_POOL_STRICT) {
        return 0;
    }
    struct tn_pool_cache *cache = pool->central != NULL ? pool->central : tn_pool_here(pool);
    size_t bytes = 0;
    tn_pool_lock(pool);
    if (cache != NULL) {
        tn_pool_flush(pool, cache, tn_pool_count(cache), "tarn_pool_trim");
    }
    struct tn_slab *next;
    for (struct tn_slab *slab = pool->some_first; slab != NULL; slab = next) {
        next = slab->next;
        if (slab->unused == slab->entered && pool->entered - slab->entered >= pool->kept) {
            tn_pool_slab_end(pool, slab, false);
            bytes += (size_t)pool->span << TN_SLICE_SHIFT;
        }
    }
    tn_pool_unlock(pool);
    return bytes;
}

static void
unlink_pool(struct tn_pool *pool)
{
    tn_lock(tn_pools_lock());
    struct tn_pool **link = &pool->heap->root->pools;
    while (*link != pool) {
        link = &(*link)->next;
    }
    *link = pool->next;
    tn_unlock(tn_pools_lock());
}

static void
end(struct tn_pool *pool, bool destructed)
{
    unlink_pool(pool);
    while (pool->some_first != NULL) {
        tn_pool_slab_end(pool, pool->some_first, destructed);
    }
    while (pool->none_first != NULL) {
        tn_pool_slab_end(pool, pool->none_first, destructed);
    }
    tn_pool_memory_end(pool);
}

static void
destruct_one(struct tn_pool *pool, void *object, void *context)
{
    (void)context;
    tn_pool_open_object(pool, object);
    pool->destruct(object, pool->context);
}

static bool
keep_lowest(void *context, void *object)
{
    void **lowest = context;
    if (*lowest == NULL || (uintptr_t)object < (uintptr_t)*lowest) {
        *lowest = object;
    }
    return true;
}

/* Every pointer in a cache is looked at, and goes back to the bits. */
static void
flush_all(struct tn_pool *pool)
{
    static const char call[] = "tarn_pool_free";
    tn_pool_lock(pool);
    if (pool->central != NULL) {
        tn_pool_flush(pool, pool->central, tn_pool_count(pool->central), call);
    }
    for (struct tn_pool_cache *cache = pool->caches; cache != NULL; cache = cache->next) {
        tn_pool_flush(pool, cache, tn_pool_count(cache), call);
    }
    tn_pool_unlock(pool);
}

void
tarn_pool_close(tarn_pool *face)
{
    struct tn_pool *pool = (struct tn_pool *)face;
    if (pool == NULL) {
        return;
    }
    bool strict = (pool->flags & TARN_POOL_STRICT) != 0;
    if (!strict) {
        flush_all(pool);
    }
    if (pool->out != 0) {
        void *first = NULL;
        tarn_pool_walk(face, keep_lowest, &first);
        if (first != NULL) {
            tn_pool_die_out(pool, pool->out - tn_pool_cached(pool), first);
        }
    }
    strict = strict && pool->destruct != NULL;
    if (strict) {
        struct tn_slab *slab = pool->some_first;
        while (slab != NULL && slab->unused == 0) {
            slab = slab->next;
        }
        strict = slab == NULL; /* else some went back to the bits */
    }
    if (strict) {
        tn_pool_each_cached(pool, destruct_one, NULL);
    }
    end(pool, strict);
}

void
tarn_pool_destroy(tarn_pool *face)
{
    if (face != NULL) {
        end((struct tn_pool *)face, false);
    }
}
