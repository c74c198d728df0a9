/* Pools of a heap that was there before: found by name, and put right after the heap came back. */
#include "pool/pool.h"

#include "heap/fast.h"
#include "os/os.h"

#include <errno.h>
#include <string.h>

/* Serials are of one process; a pool that has one of another session has to be put right. */
static _Atomic uint64_t serials;
#define NO_SERIAL UINT64_MAX /* that no thread knows a cache by */

/* The life of a heap in this process. */
static uint64_t
session_of(const struct tn_heap *heap)
{
    static _Atomic uint64_t process;
    uint64_t number = atomic_load(&process);
    if (number == 0) {
        uint64_t fresh = tn_os_random() | 1;
        number = atomic_compare_exchange_strong(&process, &number, fresh) ? fresh : number;
    }
    return number ^ (heap->serial << 20);
}

static void
attach(struct tn_pool *pool, struct tn_heap *heap)
{
    bool torn = tn_lock_reset(&pool->lock);
    pool->lock.rank = TN_RANK_POOL;
    pool->heap = heap;
    pool->session = session_of(heap);
    pool->face.face.serial =
        pool->mode == TN_POOL_SHARED ? atomic_fetch_add(&serials, 1) + 1 : NO_SERIAL;
    pool->thread = tn_pool_is_shared(pool) ? 0 : tn_os_thread();
    atomic_store(&pool->waiting, 0);
    if (torn) {
        tn_pool_recount(pool);
    }
    for (struct tn_pool_cache *cache = pool->caches; cache != NULL; cache = cache->next) {
        tn_pool_cache_drop(pool, cache);
    }
    tn_pool_tell(pool, pool->some_first);
    tn_pool_tell(pool, pool->none_first);
    if (tn_pool_is_shared(pool)) {
        tn_pool_watch();
    }
}

void
tn_pool_attach(struct tn_pool *pool, struct tn_heap *heap)
{
    if (pool->session != session_of(heap)) {
        attach(pool, heap);
    }
}

/* Attached by the opening, and without the functions that tarn_pool_find will be given. */
static uint64_t
lone_session_of(const struct tn_heap *heap)
{
    return session_of(heap) ^ 1;
}

bool
tn_pool_is_attached(const struct tn_pool *pool, const struct tn_heap *heap)
{
    return pool->session == session_of(heap) || pool->session == lone_session_of(heap);
}

/* The functions of a pool, over a rollback to a state that may not have them. */
struct kept {
    struct kept *next;
    struct tn_pool *pool;
    struct tn_pool was;
};

void *
tn_pool_before(struct tn_heap *heap)
{
    struct kept *list = NULL;
    for (struct tn_pool *pool = heap->root->pools; pool != NULL; pool = pool->next) {
        struct kept *kept = pool->session == session_of(heap) ? tn_malloc(sizeof *kept) : NULL;
        if (kept != NULL) {
            *kept = (struct kept){.next = list, .pool = pool, .was = *pool};
            list = kept;
        }
    }
    return list;
}

/* Whether the pool is the one that these functions are of. */
static bool
is_same(const struct kept *kept, const struct tn_pool *pool)
{
    return kept->pool == pool && kept->was.size == pool->size && kept->was.secret == pool->secret &&
           strcmp(kept->was.label.name, pool->label.name) == 0;
}

static void
attach_again(struct tn_pool *pool, struct tn_heap *heap, const struct kept *kept)
{
    bool known = pool->session == session_of(heap);
    while (kept != NULL && !is_same(kept, pool)) {
        kept = kept->next;
    }
    if (kept != NULL || !known) {
        pool->construct = kept != NULL ? kept->was.construct : NULL;
        pool->destruct = kept != NULL ? kept->was.destruct : NULL;
        pool->context = kept != NULL ? kept->was.context : NULL;
    }
    attach(pool, heap);
    if (kept == NULL && !known) {
        pool->session = lone_session_of(heap);
    }
}

void
tn_pool_attach_all(struct tn_heap *heap, void *before)
{
    for (struct tn_pool *pool = heap->root->pools; pool != NULL; pool = pool->next) {
        attach_again(pool, heap, before);
    }
    for (struct kept *kept = before; kept != NULL;) {
        struct kept *next = kept->next;
        tn_free(kept, "tarn_rollback");
        kept = next;
    }
}

tarn_pool *
tarn_pool_find(tarn_heap *given, const char *name, const struct tarn_pool_options *options)
{
    struct tn_heap *heap = tn_pool_heap(given);
    if (heap == NULL) {
        return NULL;
    }
    if (heap->read_only) {
        errno = EROFS;
        return NULL;
    }
    tn_lock(tn_pools_lock());
    struct tn_pool *pool = heap->root->pools;
    while (pool != NULL && strcmp(pool->label.name, name) != 0) {
        pool = pool->next;
    }
    if (pool != NULL && pool->session != session_of(heap)) {
        pool->construct = options != NULL ? options->construct : NULL;
        pool->destruct = options != NULL ? options->destruct : NULL;
        pool->context = options != NULL ? options->context : NULL;
        tn_pool_attach(pool, heap);
    }
    tn_unlock(tn_pools_lock());
    return (tarn_pool *)pool;
}

void
tarn_pool_adopt(tarn_pool *face)
{
    struct tn_pool *pool = (struct tn_pool *)face;
    if (!tn_pool_is_shared(pool)) {
        pool->thread = tn_os_thread();
    }
}
