/*
 * The long way, of pools with checks, a limit or a profile: one cache for all threads, under the
 * lock where the pool is shared, and a second bit for each object that tells whether it is out.
 */
#include "pool/pool.h"

#include "heap/sample.h"
#include "os/os.h"
#include "os/wait.h"

#include <errno.h>
#include <string.h>

#define POISON 0xde

/* The pages of an object in a pool with guards, and their length; the guard comes after them. */
static char *
pages_of(const struct tn_pool *pool, void *object, size_t *length)
{
    *length = pool->stride - pool->align;
    return (char *)object - pool->lead;
}

void
tn_pool_open_object(const struct tn_pool *pool, void *object)
{
    if (pool->flags & TARN_POOL_GUARD) {
        size_t length;
        char *pages = pages_of(pool, object, &length);
        tn_os_commit(pages, length);
    }
    tn_inspector_open(object, pool->size);
}

static bool
guard_opened(const struct tn_pool *pool, void *object)
{
    size_t length;
    char *pages = pages_of(pool, object, &length);
    return tn_os_commit(pages, length);
}

void
tn_pool_open_slab(const struct tn_pool *pool, struct tn_slab *slab)
{
    char *base = tn_slab_base(tn_pool_space(pool, slab), slab);
    size_t size = (size_t)pool->span << TN_SLICE_SHIFT;
    if (pool->flags & TARN_POOL_GUARD) {
        tn_os_commit(base, size);
    }
    tn_inspector_open(base, size);
}

/* Objects that are out are no more. */
void
tn_pool_tell_gone(const struct tn_pool *pool, const struct tn_slab *slab)
{
    for (uint32_t i = 0; TN_INSPECTED && pool->mode == TN_POOL_LONG && i < slab->entered; i++) {
        if (tn_pool_live_bits(pool, slab)[i / 64] >> i % 64 & 1) {
            tn_inspector_free(pool->heap, tn_pool_first(pool, slab) + i * pool->stride, pool->size);
        }
    }
}

/* After the pool came back with its heap. One of another mode, which a build without an inspector
 * made, stays open. */
void
tn_pool_tell(const struct tn_pool *pool, const struct tn_slab *slab)
{
    for (; TN_INSPECTED && pool->mode == TN_POOL_LONG && slab != NULL; slab = slab->next) {
        char *first = tn_pool_first(pool, slab);
        tn_inspector_close(first - pool->lead, (size_t)pool->span << TN_SLICE_SHIFT);
        for (uint32_t i = 0; i < slab->entered; i++) {
            if (tn_pool_live_bits(pool, slab)[i / 64] >> i % 64 & 1) {
                tn_inspector_block(pool->heap, first + i * pool->stride, pool->size, true);
            }
        }
    }
}

void
tn_pool_mark_free(const struct tn_pool *pool, void *object)
{
    if (pool->flags & TARN_POOL_POISON) {
        tn_pool_open_object(pool, object);
        memset(object, POISON, pool->size);
    }
    if (pool->flags & TARN_POOL_GUARD) {
        size_t length;
        char *pages = pages_of(pool, object, &length);
        tn_os_forbid(pages, length);
    }
    if (pool->mode == TN_POOL_LONG) {
        tn_inspector_close(object, pool->size);
    }
}

static uint64_t
canary_of(const struct tn_pool *pool, const void *object)
{
    return tn_mix(pool->secret ^ (uintptr_t)object);
}

bool
tn_pool_canary_holds(const struct tn_pool *pool, const void *object)
{
    uint64_t canary = canary_of(pool, object);
    return memcmp((const char *)object + pool->size, &canary, sizeof canary) == 0;
}

static void
check_thread(const struct tn_pool *pool, const char *call)
{
    if (pool->thread != 0 && tn_pool_is_checked(pool) && !tn_os_is_thread(pool->thread)) {
        tn_pool_die_thread(pool, call);
    }
}

/* Sleeps until an object comes back. The lock is held before and after. */
static void
wait_for_free(struct tn_pool *pool)
{
    atomic_fetch_add_explicit(&pool->waiting, 1, memory_order_relaxed);
    uint32_t seen = atomic_load_explicit(&pool->frees, memory_order_relaxed);
    tn_pool_unlock(pool);
    tn_os_wait(&pool->frees, seen);
    tn_pool_lock(pool);
    atomic_fetch_sub_explicit(&pool->waiting, 1, memory_order_relaxed);
}

static void
prepare(struct tn_pool *pool, void *object, const char *call)
{
    if (pool->flags & TARN_POOL_POISON) {
        const unsigned char *bytes = object;
        for (size_t i = 0; i < pool->size; i++) {
            if (bytes[i] != POISON) {
                tn_pool_die_touched(pool, object, i, call);
            }
        }
    }
    if (pool->flags & TARN_POOL_CANARY) {
        uint64_t canary = canary_of(pool, object);
        memcpy((char *)object + pool->size, &canary, sizeof canary);
    }
}

void *
tn_pool_alloc_long(struct tn_pool *pool, const char *call)
{
    struct tn_pool_cache *cache = pool->central;
    int saved = errno;
    TN_LOOK_AWAY;
    check_thread(pool, call);
    tn_pool_lock(pool);
    while (!tn_pool_settle(cache) && !tn_pool_refill(pool, cache)) {
        if (!(pool->flags & TARN_POOL_WAIT) || pool->out < pool->limit) {
            tn_pool_unlock(pool);
            errno = ENOMEM;
            return NULL;
        }
        wait_for_free(pool);
    }
    void *object = *cache->face.top;
    if ((pool->flags & TARN_POOL_GUARD) && !guard_opened(pool, object)) {
        tn_pool_unlock(pool);
        errno = ENOMEM; /* the system's limit on mappings */
        return NULL;
    }
    struct tn_place place;
    if (!tn_pool_locate(pool, object, &place)) {
        tn_pool_die_wrong(pool, object, call);
    }
    cache->face.top--;
    tn_pool_live_bits(pool, place.slab)[place.index / 64] |= (uint64_t)1 << place.index % 64;
    prepare(pool, object, call);
    if (TN_INSPECTED) {
        cache->face.top[1] = NULL; /* nor is it found there by a search for leaks */
    }
    tn_inspector_block(pool->heap, object, pool->size, pool->construct != NULL);
    tn_pool_unlock(pool);
    if (pool->flags & TARN_POOL_PROFILE) {
        tn_sample_object(object, pool->size);
    }
    errno = saved;
    return object;
}

void
tn_pool_free_long(struct tn_pool *pool, void *object, const char *call)
{
    int saved = errno;
    struct tn_place place;
    check_thread(pool, call);
    tn_pool_lock(pool);
    if (!tn_pool_locate(pool, object, &place)) {
        tn_pool_die_wrong(pool, object, call);
    }
    tn_inspector_free(pool->heap, object, pool->size);
    TN_LOOK_AWAY;
    uint64_t bit = (uint64_t)1 << place.index % 64;
    uint64_t *live = &tn_pool_live_bits(pool, place.slab)[place.index / 64];
    if ((*live & bit) == 0) {
        tn_pool_die_free(pool, object, call);
    }
    if ((pool->flags & TARN_POOL_CANARY) && !tn_pool_canary_holds(pool, object)) {
        tn_pool_die_overrun(pool, object, call);
    }
    if (pool->flags & TARN_POOL_PROFILE) {
        tn_sample_forget_object(object);
    }
    *live &= ~bit;
    tn_pool_mark_free(pool, object);
    tn_pool_push(pool, pool->central, object, call);
    bool wake = atomic_load_explicit(&pool->waiting, memory_order_relaxed) != 0;
    if (wake) {
        atomic_fetch_add_explicit(&pool->frees, 1, memory_order_relaxed);
    }
    tn_pool_unlock(pool);
    if (wake) {
        tn_os_wake(&pool->frees, 1);
    }
    errno = saved;
}
