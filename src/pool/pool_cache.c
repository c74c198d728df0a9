/* Objects on their way between the caches and the bits. */
#include "pool/pool.h"

#include <string.h>

/* The tile of a cache that is full goes to the depot, an empty one takes its place. */
static bool
store_tile(struct tn_pool *pool, struct tn_pool_cache *cache)
{
    void **last = tn_pool_tile_new(pool);
    if (last == NULL) {
        return false;
    }
    *cache->bottom = (void *)pool->depot;
    pool->depot = cache->face.top;
    tn_pool_cache_init(pool, cache, last);
    return true;
}

/* The tile stored last becomes the cache's, whose own is empty. */
static void
fetch_tile(struct tn_pool *pool, struct tn_pool_cache *cache)
{
    void **last = pool->depot;
    tn_pool_tile_end(pool, cache->bottom + pool->slots);
    tn_pool_cache_init(pool, cache, last);
    pool->depot = (void **)*cache->bottom;
    *cache->bottom = NULL;
    cache->face.top = last;
}

void
tn_pool_flush(struct tn_pool *pool, struct tn_pool_cache *cache, size_t count, const char *call)
{
    void **object = cache->bottom + 1;
    void **end = object + count;
    for (; object != end; object++) {
        struct tn_place place;
        if (*object == NULL) {
            continue;
        }
        if (!tn_pool_locate(pool, *object, &place)) {
            tn_pool_die_wrong(pool, *object, call);
        }
        if (tn_pool_has_bit(&place)) {
            tn_pool_die_free(pool, *object, call);
        }
        tn_pool_put(pool, &place);
    }
    size_t rest = tn_pool_count(cache) - count;
    memmove(cache->bottom + 1, end, rest * sizeof *end);
    cache->face.top = cache->bottom + rest;
}

void
tn_pool_push(struct tn_pool *pool, struct tn_pool_cache *cache, void *object, const char *call)
{
    if (tn_pool_is_full(cache) && !((pool->flags & TARN_POOL_STRICT) && store_tile(pool, cache))) {
        tn_pool_flush(pool, cache, pool->slots / 2 + 1, call);
    }
    *++cache->face.top = object;
}

/* A whole block onto the stack, the highest address last, as a list's maker would. */
static void
push_entered(struct tn_pool *pool, struct tn_pool_cache *cache, size_t most)
{
    struct tn_slab *next;
    for (struct tn_slab *slab = pool->some_first; slab != NULL && most > 0; slab = next) {
        next = slab->next;
        while (slab->unused > 0 && most > 0) {
            void *object;
            tn_pool_take_from(pool, slab, &object, 1);
            tn_pool_push(pool, cache, object, "tarn_pool_alloc");
            most--;
        }
        if (!tn_pool_has_some(pool, slab)) {
            tn_pool_unlist(pool, slab);
            tn_pool_list(pool, slab);
        }
    }
}

static bool
refill_strict(struct tn_pool *pool, struct tn_pool_cache *cache)
{
    for (;;) {
        while (pool->depot != NULL) {
            fetch_tile(pool, cache);
            if (tn_pool_settle(cache)) {
                return true;
            }
        }
        if (pool->out >= pool->limit) {
            return false;
        }
        push_entered(pool, cache, pool->limit - pool->out);
        if (tn_pool_settle(cache)) {
            return true;
        }
        if (!tn_pool_enter(pool)) {
            return false;
        }
    }
}

/* The lock is given up when objects enter: the cache may be full of others afterwards. */
bool
tn_pool_refill(struct tn_pool *pool, struct tn_pool_cache *cache)
{
    if (pool->flags & TARN_POOL_STRICT) {
        return refill_strict(pool, cache);
    }
    while (!tn_pool_settle(cache)) {
        if (pool->out >= pool->limit) {
            return false;
        }
        unsigned want = (unsigned)tn_min(pool->next_batch, pool->limit - pool->out);
        pool->next_batch = (uint32_t)tn_min(pool->batch, pool->next_batch * 2);
        void **at = cache->bottom + want;
        unsigned got = tn_pool_take(pool, at, want);
        if (got == 0) {
            if (!tn_pool_enter(pool)) {
                return tn_pool_settle(cache);
            }
            continue;
        }
        if (got < want) {
            memmove(cache->bottom + 1, at - got + 1, got * sizeof *at);
        }
        cache->face.top = cache->bottom + got;
    }
    return true;
}

static void
each_in(struct tn_pool *pool, void **top, void **bottom,
        void (*visit)(struct tn_pool *pool, void *object, void *context), void *context)
{
    for (; top != bottom; top--) {
        if (*top != NULL) {
            visit(pool, *top, context);
        }
    }
}

void
tn_pool_each_cached(struct tn_pool *pool,
                    void (*visit)(struct tn_pool *pool, void *object, void *context), void *context)
{
    if (pool->central != NULL) {
        each_in(pool, pool->central->face.top, pool->central->bottom, visit, context);
    }
    for (void **last = pool->depot; last != NULL; last = last[-(ptrdiff_t)pool->slots]) {
        each_in(pool, last, last - pool->slots, visit, context);
    }
    for (struct tn_pool_cache *cache = pool->caches; cache != NULL; cache = cache->next) {
        each_in(pool, cache->face.top, cache->bottom, visit, context);
    }
}

static void
count_one(struct tn_pool *pool, void *object, void *context)
{
    (void)pool, (void)object;
    ++*(size_t *)context;
}

size_t
tn_pool_cached(const struct tn_pool *pool)
{
    size_t count = 0;
    tn_pool_each_cached((struct tn_pool *)(uintptr_t)pool, count_one, &count);
    return count;
}

/* Empties every cache, without giving the objects to anybody. */
void
tn_pool_drop_tiles(struct tn_pool *pool)
{
    while (pool->depot != NULL) {
        void **last = pool->depot;
        pool->depot = last[-(ptrdiff_t)pool->slots];
        tn_pool_tile_end(pool, last);
    }
    if (pool->central != NULL) {
        pool->central->face.top = pool->central->bottom;
    }
    for (struct tn_pool_cache *cache = pool->caches; cache != NULL; cache = cache->next) {
        cache->face.top = cache->bottom;
    }
}
