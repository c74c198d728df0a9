/* Threads of shared pools: finding one's cache, what happens when a thread ends or forks. */
#include "pool/pool.h"

#include "os/os.h"

#include <pthread.h>
#include <string.h>

__thread struct tarn_pool_known_ tarn_pool_known_[TARN_POOL_KNOWN_];

/* The heaps' lists of pools; taken before any pool's lock. */
static struct tn_lock pools_lock = {.rank = TN_RANK_POOLS};
static pthread_key_t exit_key;
static _Atomic bool exit_key_made;

struct tn_lock *
tn_pools_lock(void)
{
    return &pools_lock;
}

/* Caches are never taken from the list, and only its owner or nobody changes whose one is. */
static struct tn_pool_cache *
find_or_make(struct tn_pool *pool, uintptr_t id)
{
    struct tn_pool_cache *idle = NULL;
    tn_lock(&pool->lock);
    struct tn_pool_cache *cache = pool->caches;
    for (; cache != NULL && cache->thread != id; cache = cache->next) {
        idle = cache->thread == 0 ? cache : idle;
    }
    if (cache == NULL) {
        cache = idle;
        if (cache == NULL) {
            cache = tn_pool_cache_new(pool);
            if (cache != NULL) {
                cache->next = pool->caches;
                pool->caches = cache;
            }
        }
        if (cache != NULL) {
            cache->thread = id;
        }
    }
    tn_unlock(&pool->lock);
    return cache;
}

static TN_NOINLINE struct tn_pool_cache *
learn(struct tn_pool *pool)
{
    struct tn_pool_cache *cache = find_or_make(pool, tn_os_thread());
    if (cache != NULL) {
        struct tarn_pool_known_ *known = tn_pool_known(pool);
        known->serial = pool->face.face.serial;
        known->cache = &cache->face;
        if (atomic_load_explicit(&exit_key_made, memory_order_acquire)) {
            pthread_setspecific(exit_key, &exit_key);
        }
    }
    return cache;
}

struct tn_pool_cache *
tn_pool_here(struct tn_pool *pool)
{
    const struct tarn_pool_known_ *known = tn_pool_known(pool);
    return known->serial == pool->face.face.serial ? (struct tn_pool_cache *)known->cache
                                                   : learn(pool);
}

void
tn_pool_cache_drop(struct tn_pool *pool, struct tn_pool_cache *cache)
{
    for (void **object = cache->bottom + 1; object <= cache->face.top; object++) {
        struct tn_place place;
        if (*object != NULL && tn_pool_locate(pool, *object, &place) && !tn_pool_has_bit(&place)) {
            tn_pool_put(pool, &place);
        }
    }
    cache->face.top = cache->bottom;
    cache->thread = 0;
}

/* Every shared pool that this process may have put something into. In an image that is open for
 * reading, and in one that is just being opened, pools are as another process left them. */
static void
each_of_threads(void (*visit)(struct tn_pool *pool, uintptr_t id), uintptr_t id)
{
    for (struct tn_heap *heap = tn_registry_heaps(); heap != NULL; heap = heap->next_heap) {
        struct tn_pool *pool = heap->read_only ? NULL : heap->root->pools;
        for (; pool != NULL; pool = pool->next) {
            if (tn_pool_is_shared(pool) && tn_pool_is_attached(pool, heap)) {
                visit(pool, id);
            }
        }
    }
}

static void
leave_cache(struct tn_pool *pool, uintptr_t id)
{
    if (pool->central != NULL) {
        return;
    }
    tn_lock(&pool->lock);
    for (struct tn_pool_cache *cache = pool->caches; cache != NULL; cache = cache->next) {
        if (cache->thread == id) {
            tn_pool_flush(pool, cache, tn_pool_count(cache), "tarn_pool_free");
            cache->thread = 0;
        }
    }
    tn_unlock(&pool->lock);
}

/* The end of a thread, among its other destructors; one that runs later and allocates makes this
 * run again. */
static void
at_thread_exit(void *unused)
{
    (void)unused;
    memset(tarn_pool_known_, 0, sizeof tarn_pool_known_);
    tn_lock(tn_registry_lock());
    tn_lock(&pools_lock);
    each_of_threads(leave_cache, tn_os_thread());
    tn_unlock(&pools_lock);
    tn_unlock(tn_registry_lock());
}

/* A pool in whose lock a thread was that is no more. Objects on their way may be in the central
 * cache or the depot as well as among the bits: all of them go to the bits, once. */
static void
restore(struct tn_pool *pool)
{
    tn_pool_recount(pool);
    if (pool->central == NULL) {
        return;
    }
    tn_pool_cache_drop(pool, pool->central);
    while (pool->depot != NULL) {
        struct tn_pool_cache stored = {.face.top = pool->depot,
                                       .bottom = pool->depot - pool->slots};
        pool->depot = (void **)*stored.bottom;
        tn_pool_cache_drop(pool, &stored);
    }
    *pool->central->bottom = NULL;
}

/* What others had in their caches is free, and a pool whose lock was held is counted anew. */
static void
keep_one_thread(struct tn_pool *pool, uintptr_t id)
{
    if (tn_lock_reset(&pool->lock)) {
        restore(pool);
    }
    atomic_store(&pool->waiting, 0);
    for (struct tn_pool_cache *cache = pool->caches; cache != NULL; cache = cache->next) {
        if (cache->thread != 0 && cache->thread != id) {
            tn_pool_cache_drop(pool, cache);
        }
    }
}

/* The child of a fork has one thread, and the memory of all. */
static void
in_child(void)
{
    tn_lock_reset(&pools_lock);
    each_of_threads(keep_one_thread, tn_os_thread());
}

void
tn_pool_watch(void)
{
    if (!atomic_load_explicit(&exit_key_made, memory_order_relaxed) &&
        pthread_key_create(&exit_key, at_thread_exit) == 0) {
        atomic_store_explicit(&exit_key_made, true, memory_order_release);
        pthread_atfork(NULL, NULL, in_child);
    }
}

static void
hold_pools(bool held)
{
    if (held) {
        tn_lock(&pools_lock);
    } else {
        tn_unlock(&pools_lock);
    }
}

const struct tn_heap_hooks tn_heap_hooks = {
    .hold = hold_pools,
    .before = tn_pool_before,
    .back = tn_pool_attach_all,
    .doubt = tn_pool_doubt_all,
};
