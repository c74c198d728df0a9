#include "heap/thread.h"

#include "heap/checked.h"
#include "heap/sample.h"
#include "heap/slab_list.h"
#include "os/os.h"

#include <pthread.h>
#include <string.h>

static pthread_key_t exit_key;
static _Atomic bool exit_key_made;

/*
 * A thread's end, among its other destructors. Any that run later and allocate get a new cache,
 * and this is called again; what is left after the last round is taken over by the next thread
 * that gets the same thread pointer (cache.c).
 */
static void
at_thread_exit(void *unused)
{
    (void)unused;
    uintptr_t id = tn_thread_mark();
    tn_cache_forget_thread();
    tn_lock(tn_registry_lock());
    for (struct tn_heap *heap = tn_registry_heaps(); heap != NULL; heap = heap->next_heap) {
        tn_lock(&heap->lock);
        struct tn_cache *cache = heap->caches;
        while (cache != NULL && cache->thread != id) {
            cache = cache->next;
        }
        tn_unlock(&heap->lock);
        if (cache != NULL) {
            tn_cache_retire(cache);
        }
    }
    tn_unlock(tn_registry_lock());
}

/* A slab of a thread that did not come along: its list may be half changed, but is never wrong in
 * a way that gives a block twice. What is neither listed nor bare counts as live. */
static void
orphan(struct tn_heap *heap, struct tn_space *space, struct tn_slab *slab)
{
    slab->flags |= TN_CURRENT; /* count by walking */
    uint64_t word = atomic_load_explicit(&slab->remote, memory_order_relaxed);
    if (tn_slab_check(space, slab) != NULL) {
        slab->head = tn_slab_none(slab);
    }
    unsigned live = tn_slab_live(space, slab);
    slab->flags &= (uint8_t)~TN_CURRENT;
    if (live == 0 || tn_remote_count(word) == live) {
        tn_slab_set_owner(slab, 0);
        tn_set_kind(slab, TN_HELD);
        slab->span = slab->span_small;
        tn_heap_give(slab, slab->span_small, false);
    } else if (!tn_slab_has_free(slab) && slab->bare == 0 && tn_remote_count(word) == 0) {
        tn_slab_set_owner(slab, 0);
        atomic_store_explicit(&slab->remote, TN_REMOTE_END | TN_REMOTE_FULL, memory_order_relaxed);
    } else {
        tn_slab_share(heap, slab, live);
    }
}

/* Slabs of other threads become everybody's; shared lists are made anew when the lock that guards
 * them was held. */
static void
orphan_slabs(struct tn_heap *heap, struct tn_space *space, const struct tn_cache *own, bool relist)
{
    struct tn_map *map = space->map;
    const struct tn_cache *sampler = heap->sampler;
    for (size_t i = map->first; i < map->frontier; i++) {
        struct tn_slab *slab = &space->slabs[i];
        if (tn_kind(slab) != TN_SLAB || slab->size_class >= TN_OWNED) {
            continue;
        }
        uintptr_t owner = tn_slab_owner(slab);
        uint64_t word = atomic_load_explicit(&slab->remote, memory_order_relaxed);
        bool mine = (own != NULL && owner == own->id) ||
                    (sampler != NULL && owner == sampler->id) ||
                    (owner == tn_rest_mark(heap) && heap->resting_count != 0);
        if (mine || (word & TN_REMOTE_FULL)) {
            continue;
        }
        if (owner != 0) {
            orphan(heap, space, slab);
        } else if (tn_remote_shared(word) == 0) {
            orphan(heap, space, slab); /* between two states */
        } else if (relist) {
            unsigned live = tn_remote_shared(word);
            atomic_store_explicit(&slab->remote, word & (TN_REMOTE_SHARED - 1),
                                  memory_order_relaxed);
            tn_slab_share(heap, slab, live);
        }
    }
}

/* Lists the central slabs of a heap anew, those with room. Blocks in the stashes of threads that
 * did not come along stay live for ever. */
static void
relist_central(struct tn_heap *heap, struct tn_space *space)
{
    struct tn_map *map = space->map;
    for (size_t i = map->first; i < map->frontier; i++) {
        struct tn_slab *slab = &space->slabs[i];
        if (tn_kind(slab) == TN_SLAB && slab->size_class >= TN_OWNED) {
            tn_central_restore(heap, space, slab);
        }
    }
}

/* True when any was held. */
static bool
reset_central_locks(struct tn_heap *heap)
{
    bool held = false;
    for (unsigned i = 0; i < TN_CENTRAL; i++) {
        held |= tn_lock_reset(&heap->central[i]);
    }
    if (held) {
        for (unsigned class = TN_OWNED; class < TN_CLASSES; class ++) {
            heap->root->shared[class] = NULL;
        }
    }
    return held;
}

static void
mark_stock(const struct tn_cache *cache)
{
    for (struct tn_slab *slab = cache->stock; slab != NULL; slab = slab->next) {
        slab->flags |= TN_CURRENT;
    }
}

/* Slices that caches of other threads held, or were purging, become nobody's: TN_NONE, and free
 * at the rebuild. */
static void
drop_held(struct tn_space *space, const struct tn_cache *own)
{
    struct tn_map *map = space->map;
    if (own != NULL) {
        mark_stock(own);
        for (unsigned i = 0; i < own->large_count; i++) {
            own->large[i]->flags |= TN_CURRENT;
        }
    }
    if (space->heap->sampler != NULL) {
        mark_stock(space->heap->sampler);
    }
    for (size_t i = map->first; i < map->frontier; i++) {
        struct tn_slab *slab = &space->slabs[i];
        enum tn_kind kind = tn_kind(slab);
        if (kind == TN_HELD && (slab->flags & TN_CURRENT)) {
            slab->flags &= (uint8_t)~TN_CURRENT;
        } else if (kind == TN_HELD || kind == TN_PURGING) {
            tn_set_kind(slab, TN_NONE);
        }
    }
}

/*
 * The child of a fork has the memory of all threads but only one of them, and any lock may have
 * been held. None is taken before the fork: another thread could hold a lock of the C library that
 * fork waits for, and wait for ours. Instead the child puts right what was being changed, from
 * the descriptors alone. A process with one thread and no lock held has nothing to do.
 */
static void
put_right(void)
{
    uintptr_t id = tn_thread_mark();
    tn_checked_forked();
    tn_lock_reset(tn_registry_lock());
    tn_sample_forked();
    for (struct tn_heap *heap = tn_registry_heaps(); heap != NULL; heap = heap->next_heap) {
        bool relist = tn_lock_reset(&heap->lock);
        uint32_t count = atomic_load(&heap->space_count);
        for (uint32_t i = 0; i < count; i++) {
            struct tn_space *space = heap->spaces[i];
            if (space->backing->forked != NULL) {
                space->backing->forked(space);
            }
        }
        if (heap->read_only) {
            continue;
        }
        bool central = reset_central_locks(heap);
        atomic_store(&heap->central_left, 0);
        bool alone =
            heap->caches == NULL || (heap->caches->thread == id && heap->caches->next == NULL);
        struct tn_cache *own = heap->caches;
        while (own != NULL && own->thread != id) {
            own = own->next;
        }
        heap->caches = own; /* the others' memory is not worth a risk */
        if (own != NULL) {
            own->next = NULL;
        }
        atomic_store(&heap->cache_count, own != NULL);
        if (relist) {
            memset(heap->resting, 0, sizeof heap->resting);
            heap->resting_count = 0;
            heap->idle = NULL;
            heap->cache_memory_left = 0;
            for (unsigned class = 0; class < TN_OWNED; class ++) {
                heap->root->shared[class] = NULL;
            }
        }
        for (uint32_t i = 0; i < count; i++) {
            struct tn_space *space = heap->spaces[i];
            bool held = tn_lock_reset(&space->lock);
            if (central) {
                relist_central(heap, space);
            }
            if (held || relist || !alone) {
                drop_held(space, own);
                tn_space_rebuild(space);
                orphan_slabs(heap, space, own, relist);
            }
        }
    }
}

struct tn_fork_mark tn_fork_mark;
static atomic_bool wiped; /* the mark tells */

void
tn_fork_repair(void)
{
    if (wiped && atomic_exchange(&tn_fork_mark.right, 1) == 0) {
        put_right();
    }
}

static void
in_child(void)
{
    if (wiped) {
        tn_fork_repair();
    } else {
        put_right();
    }
}

void
tn_thread_start_watching(void)
{
    static atomic_bool begun;
    if (atomic_exchange(&begun, true)) {
        return;
    }
    atomic_store(&tn_fork_mark.right, 1);
    atomic_store(&wiped, tn_os_page_size() == TN_FORK_PAGE &&
                             tn_os_wipe_on_fork(&tn_fork_mark, TN_FORK_PAGE));
    if (pthread_key_create(&exit_key, at_thread_exit) == 0) {
        atomic_store_explicit(&exit_key_made, true, memory_order_release);
    }
    pthread_atfork(NULL, NULL, in_child);
    tn_thread_watch();
}

bool
tn_thread_watch(void)
{
    return atomic_load_explicit(&exit_key_made, memory_order_acquire) &&
           pthread_setspecific(exit_key, &exit_key) == 0;
}
