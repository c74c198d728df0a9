/* Allocation and freeing: everything that the inline functions of tarn/pool.h leave. */
#include "pool/pool.h"

#include <errno.h>
#include <string.h>

extern inline tarn_pool *tarn_pool_cache_(tarn_pool *pool);
extern inline void *tarn_pool_alloc(tarn_pool *pool);
extern inline void tarn_pool_free(tarn_pool *pool, void *object);

static void *
no_object(void)
{
    errno = ENOMEM;
    return NULL;
}

static TN_NOINLINE void *
refill_and_pop(struct tn_pool *pool, struct tn_pool_cache *cache)
{
    if (!tn_pool_settle(cache)) {
        int saved = errno;
        tn_pool_lock(pool);
        bool done = tn_pool_refill(pool, cache);
        tn_pool_unlock(pool);
        if (!done) {
            return no_object();
        }
        errno = saved;
    }
    return *cache->face.top--;
}

/* A thread for which there is no memory for a cache works on the bits. */
static TN_NOINLINE void *
alloc_without_cache(struct tn_pool *pool)
{
    void *object = NULL;
    tn_pool_lock(pool);
    while (tn_pool_take(pool, &object, 1) == 0) {
        if (!tn_pool_enter(pool)) {
            break;
        }
    }
    tn_pool_unlock(pool);
    return object != NULL ? object : no_object();
}

static TN_NOINLINE void
free_without_cache(struct tn_pool *pool, void *object, const char *call)
{
    struct tn_place place;
    tn_pool_lock(pool);
    if (!tn_pool_locate(pool, object, &place)) {
        tn_pool_die_wrong(pool, object, call);
    }
    if (tn_pool_has_bit(&place)) {
        tn_pool_die_free(pool, object, call);
    }
    tn_pool_put(pool, &place);
    tn_pool_unlock(pool);
}

void *
tarn_pool_alloc_slow(tarn_pool *face)
{
    struct tn_pool *pool = (struct tn_pool *)face;
    if (pool->mode == TN_POOL_LONG) {
        return tn_pool_alloc_long(pool, "tarn_pool_alloc");
    }
    if (pool->mode == TN_POOL_OWNER) {
        return refill_and_pop(pool, &pool->face);
    }
    struct tn_pool_cache *cache = tn_pool_here(pool);
    return cache != NULL ? refill_and_pop(pool, cache) : alloc_without_cache(pool);
}

static TN_NOINLINE void
make_room_and_push(struct tn_pool *pool, struct tn_pool_cache *cache, void *object,
                   const char *call)
{
    int saved = errno;
    tn_pool_lock(pool);
    tn_pool_push(pool, cache, object, call);
    tn_pool_unlock(pool);
    errno = saved;
}

static TN_NOINLINE void
free_longer(struct tn_pool *pool, void *object, const char *call)
{
    if (object == NULL) {
        return;
    }
    if (pool->mode == TN_POOL_LONG) {
        tn_pool_free_long(pool, object, call);
        return;
    }
    struct tn_pool_cache *cache = pool->mode == TN_POOL_SHARED ? tn_pool_here(pool) : &pool->face;
    if (cache == NULL) {
        free_without_cache(pool, object, call);
    } else {
        make_room_and_push(pool, cache, object, call);
    }
}

void
tarn_pool_free_slow(tarn_pool *face, void *object)
{
    free_longer((struct tn_pool *)face, object, "tarn_pool_free");
}

void *
tarn_pool_zalloc(tarn_pool *face)
{
    void *object = tarn_pool_alloc(face);
    return object != NULL ? memset(object, 0, ((struct tn_pool *)face)->size) : NULL;
}

static size_t
alloc_each(tarn_pool *face, void **objects, size_t count)
{
    size_t i = 0;
    while (i < count && (objects[i] = tarn_pool_alloc(face)) != NULL) {
        i++;
    }
    return i;
}

/* What the cache does not hold comes straight from the bits. */
size_t
tarn_pool_alloc_many(tarn_pool *face, void **objects, size_t count)
{
    struct tn_pool *pool = (struct tn_pool *)face;
    if (pool->mode == TN_POOL_LONG || (pool->flags & TARN_POOL_STRICT)) {
        return alloc_each(face, objects, count);
    }
    struct tn_pool_cache *cache = pool->mode == TN_POOL_SHARED ? tn_pool_here(pool) : &pool->face;
    int saved = errno;
    size_t got = 0;
    while (cache != NULL && got < count && tn_pool_settle(cache)) {
        objects[got++] = *cache->face.top--;
    }
    tn_pool_lock(pool);
    while (got < count && pool->out < pool->limit) {
        size_t room = tn_min(pool->limit - pool->out, count - got);
        unsigned want = (unsigned)tn_min(room, UINT16_MAX);
        unsigned came = tn_pool_take(pool, objects + got + want - 1, want);
        /* They came from the end downwards: turn them round. */
        void **low = objects + got + want - came;
        for (unsigned i = 0; i < came / 2; i++) {
            void *object = low[i];
            low[i] = low[came - 1 - i];
            low[came - 1 - i] = object;
        }
        if (came < want) {
            memmove(objects + got, low, came * sizeof *low);
        }
        got += came;
        if (came == 0 && !tn_pool_enter(pool)) {
            break;
        }
    }
    tn_pool_unlock(pool);
    errno = got == count ? saved : ENOMEM;
    return got;
}

void
tarn_pool_free_many(tarn_pool *face, void *const *objects, size_t count)
{
    tarn_pool *cache = face;
    for (size_t i = 0; i < count; i++) {
        if (((uintptr_t)cache->top & (TN_TILE - 1)) == 0) {
            free_longer((struct tn_pool *)face, objects[i], "tarn_pool_free_many");
            cache = tarn_pool_cache_(face);
        } else {
            *++cache->top = objects[i];
        }
    }
}
