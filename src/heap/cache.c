#include "heap/slab_list.h"

#include "heap/large.h"
#include "heap/sample.h"
#include "heap/thread.h"
#include "os/os.h"

#include <string.h>

/* A slab with nothing in it, for ever: its list is at its end, and no owner has id 0. */
const struct tn_slab tn_empty_slab = {.head = (uintptr_t)&tn_empty_slab.key};

#define NONE  ((struct tn_slab *)(uintptr_t)&tn_empty_slab)
#define EIGHT NONE, NONE, NONE, NONE, NONE, NONE, NONE, NONE
#define ALL128                                                                                     \
    EIGHT, EIGHT, EIGHT, EIGHT, EIGHT, EIGHT, EIGHT, EIGHT, EIGHT, EIGHT, EIGHT, EIGHT, EIGHT,     \
        EIGHT, EIGHT, EIGHT

_Static_assert(TN_DIRECT == 129, "every entry of the static cache is the empty slab");

/* What a thread has before its first allocation: every list is empty, so the first call takes the
 * slow path, which makes the real cache. The fast path never asks. */
struct tn_cache tn_no_cache = {.direct = {ALL128, NONE}, .counted = true};
_Thread_local struct tn_cache *tn_self __attribute__((tls_model("initial-exec"))) = &tn_no_cache;

_Thread_local struct tn_other tn_other __attribute__((tls_model("initial-exec")));

/* A destructor of the thread's has run, and another may yet: what it allocates must not be served
 * by tn_other, which may be gone before the cache. */
static _Thread_local bool ending __attribute__((tls_model("initial-exec")));

/* Memory for a cache; under the heap's lock. Caches are never given back while their heap lives. */
static struct tn_cache *
cache_memory(struct tn_heap *heap)
{
    struct tn_cache *cache = heap->idle;
    if (cache != NULL) {
        heap->idle = cache->next;
        return cache;
    }
    if (heap->generation != 0 && heap->cache_ids >> (TN_CACHE_ID_BITS - 1) != 0) {
        return NULL;
    }
    if (heap->generation != 0) { /* an image holds what lasts only */
        size_t page = tn_os_page_size();
        cache = tn_os_reserve(page, page);
        return cache != NULL && tn_os_commit(cache, page) ? cache : NULL;
    }
    size_t size = tn_align_up(sizeof *cache, 4096);
    if (heap->cache_memory_left < size) {
        bool zero;
        struct tn_space *space = heap->spaces[0];
        struct tn_slab *slab = tn_space_take(space, 1, TN_SLICE, &zero);
        if (slab == NULL) {
            return NULL;
        }
        tn_set_kind(slab, TN_META);
        heap->cache_memory = tn_slab_base(space, slab);
        tn_inspector_open(heap->cache_memory, TN_SLICE);
        heap->cache_memory_left = TN_SLICE;
    }
    cache = (struct tn_cache *)heap->cache_memory;
    heap->cache_memory += size;
    heap->cache_memory_left -= size;
    return cache;
}

/* A cache of an image keeps its id as long as the generation lasts. */
static uintptr_t
id_for(const struct tn_cache *cache, struct tn_heap *heap, uintptr_t thread)
{
    if (heap->generation == 0) {
        return thread;
    }
    if (cache->id >> TN_CACHE_ID_BITS == heap->generation) {
        return cache->id;
    }
    return heap->generation << TN_CACHE_ID_BITS | (uintptr_t)++heap->cache_ids << 1;
}

/* Of a cache that has none: there is nothing to allocate from. */
static void
forget_slabs(struct tn_cache *cache)
{
    for (size_t i = 0; i < TN_DIRECT; i++) {
        cache->direct[i] = NONE;
    }
    for (unsigned i = 0; i < TN_OWNED; i++) {
        cache->bin[i].current = NONE;
    }
    cache->loose = 0;
    cache->loose_left = 0;
}

void
tn_cache_init(struct tn_cache *cache, struct tn_heap *heap, uintptr_t thread)
{
    uintptr_t id = id_for(cache, heap, thread);
    memset(cache, 0, sizeof *cache);
    cache->heap = heap;
    cache->id = id;
    cache->thread = thread;
    forget_slabs(cache);
    cache->counted = tn_sample_on();
}

/* The calling thread's cache of a heap, made if need be. A cache already there under this thread's
 * id is one that a thread of the same id left behind after its last destructor: it is ours now. */
static struct tn_cache *
find_or_make(struct tn_heap *heap)
{
    uintptr_t thread = tn_thread_mark();
    if (heap->read_only) {
        return NULL;
    }
    tn_lock(&heap->lock);
    struct tn_cache *cache = heap->caches;
    while (cache != NULL && cache->thread != thread) {
        cache = cache->next;
    }
    if (cache == NULL) {
        cache = cache_memory(heap);
        if (cache != NULL) {
            tn_cache_init(cache, heap, thread);
            cache->next = heap->caches;
            heap->caches = cache;
            atomic_fetch_add_explicit(&heap->cache_count, 1, memory_order_relaxed);
        }
    }
    tn_unlock(&heap->lock);
    return cache;
}

static void
forget_other(struct tn_other *other)
{
    atomic_store_explicit(&other->heap, NULL, memory_order_relaxed);
    atomic_store_explicit(&other->size, 0, memory_order_relaxed);
}

/* The cache is the calling thread's. */
static void
set_other(struct tn_heap *heap, struct tn_cache *cache)
{
    struct tn_other *other = &tn_other;
    const struct tn_space *space = heap->spaces[0];
    forget_other(other);
    cache->other = other;
    other->cache = cache;
    other->base = (uintptr_t)space->base;
    other->slabs = space->slabs;
    other->id = cache->id;
    atomic_store_explicit(&other->heap, heap, memory_order_relaxed);
    atomic_store_explicit(&other->size, tn_options.check ? 0 : space->size, memory_order_relaxed);
}

/* Under the heap's lock, so that the thread has not ended. */
static void
part(struct tn_cache *cache)
{
    struct tn_other *other = cache->other;
    cache->other = NULL;
    if (other != NULL && atomic_load_explicit(&other->heap, memory_order_relaxed) == cache->heap) {
        forget_other(other);
    }
}

void
tn_cache_part_all(struct tn_heap *heap)
{
    tn_lock(&heap->lock);
    for (struct tn_cache *cache = heap->caches; cache != NULL; cache = cache->next) {
        part(cache);
    }
    tn_unlock(&heap->lock);
}

/* Under TARN_CHECK, and inspected, a thread's cache is here and tn_self stays as it is: so no call
 * of malloc or free is served on its fast path. */
static _Thread_local struct tn_cache *checked __attribute__((tls_model("initial-exec")));

struct tn_cache *
tn_cache_of_checked_thread(void)
{
    tn_fork_look();
    if (checked == NULL && tn_process_heap_start()) {
        checked = find_or_make(&tn_process_heap);
        tn_thread_watch();
    }
    return checked;
}

void
tn_cache_forget_thread(void)
{
    tn_self = &tn_no_cache;
    forget_other(&tn_other);
    ending = true;
    checked = NULL;
}

struct tn_cache *
tn_cache_of_thread(void)
{
    tn_fork_look();
    if (tn_self != &tn_no_cache) {
        return tn_self;
    }
    if (!tn_process_heap_start() || tn_options.check) {
        return NULL;
    }
    if (TN_INSPECTED) {
        return tn_cache_of_checked_thread();
    }
    struct tn_cache *cache = find_or_make(&tn_process_heap);
    if (cache != NULL) {
        tn_self = cache;
        tn_thread_watch(); /* may allocate */
    }
    return cache;
}

struct tn_cache *
tn_cache_of_heap(struct tn_heap *heap)
{
    if (heap == &tn_process_heap) {
        return tn_cache_of_thread();
    }
    tn_fork_look();
    struct tn_other *other = &tn_other;
    if (TN_IS(heap, &other->heap) &&
        (atomic_load_explicit(&other->size, memory_order_relaxed) != 0 || tn_options.check)) {
        return other->cache;
    }
    struct tn_cache *cache = find_or_make(heap);
    if (cache != NULL && !TN_INSPECTED && tn_thread_watch() && !ending) {
        set_other(heap, cache);
    }
    return cache;
}

/* To the space when empty, to all when it has room, else to whoever frees its first block. What
 * others freed stays on the remote list: to put it on the local one takes a walk over blocks that
 * are in their caches, and who takes the slab over needs none. */
void
tn_cache_leave_slab(struct tn_heap *heap, struct tn_slab *slab)
{
    struct tn_space *space = tn_space_of(slab);
    unsigned live = tn_slab_live(space, slab);
    slab->flags &= (uint8_t) ~(TN_CURRENT | TN_SAMPLES);
    if (live == 0) {
        tn_slab_set_owner(slab, 0);
        tn_set_kind(slab, TN_HELD);
        slab->span = slab->span_small;
        tn_heap_give(slab, slab->span_small, false);
        return;
    }
    if (!tn_slab_has_free(slab) && slab->bare == 0) {
        tn_slab_set_owner(slab, 0);
        uint64_t none = TN_REMOTE_END;
        if (atomic_compare_exchange_strong_explicit(&slab->remote, &none,
                                                    TN_REMOTE_END | TN_REMOTE_FULL,
                                                    memory_order_release, memory_order_relaxed)) {
            return;
        }
    }
    tn_slab_share(heap, slab, live);
}

static void
give_stocks(struct tn_cache *cache)
{
    while (cache->stock != NULL) {
        struct tn_slab *slab = cache->stock;
        cache->stock = slab->next;
        tn_heap_give(slab, 1, false);
    }
    while (cache->large_count > 0) {
        struct tn_slab *slab = cache->large[--cache->large_count];
        tn_heap_give(slab, slab->span, false);
    }
}

void
tn_cache_empty_stocks(struct tn_cache *cache)
{
    tn_central_empty_stash(cache);
    give_stocks(cache);
}

/* The heap's lock is held. */
static void
leave_slabs(struct tn_cache *cache)
{
    struct tn_heap *heap = cache->heap;
    for (unsigned class = 0; class < TN_OWNED; class ++) {
        struct tn_bin *bin = &cache->bin[class];
        if (bin->current != NONE && !tn_slab_rest(heap, bin->current)) {
            tn_cache_leave_slab(heap, bin->current);
        }
        while (bin->first != NULL) {
            struct tn_slab *slab = bin->first;
            tn_bin_remove(cache, class, slab);
            tn_cache_leave_slab(heap, slab);
        }
    }
}

void
tn_cache_leave(struct tn_cache *cache)
{
    TN_LOOK_AWAY;
    tn_cache_empty_stocks(cache);
    tn_lock(&cache->heap->lock);
    leave_slabs(cache);
    forget_slabs(cache);
    tn_unlock(&cache->heap->lock);
}

void
tn_cache_retire(struct tn_cache *cache)
{
    struct tn_heap *heap = cache->heap;
    TN_LOOK_AWAY;
    tn_central_empty_stash(cache);
    tn_lock(&heap->lock);
    struct tn_cache **link = &heap->caches;
    while (*link != NULL && *link != cache) {
        link = &(*link)->next;
    }
    if (*link != NULL) { /* else its thread's end and the closing of an image met */
        give_stocks(cache);
        leave_slabs(cache);
        *link = cache->next;
        atomic_fetch_sub_explicit(&heap->cache_count, 1, memory_order_relaxed);
        cache->next = heap->idle;
        heap->idle = cache;
    }
    tn_unlock(&heap->lock);
}

/* Of an image, whose caches have no stashes. */
void
tn_cache_leave_all(struct tn_heap *heap)
{
    tn_lock(&heap->lock);
    for (struct tn_cache *cache = heap->caches; cache != NULL; cache = cache->next) {
        give_stocks(cache);
        leave_slabs(cache);
        forget_slabs(cache);
    }
    tn_unlock(&heap->lock);
    tn_sample_retire(heap);
}

void
tn_cache_forget_all(struct tn_heap *heap)
{
    heap->cache_ids = 0;
    for (struct tn_cache *cache = heap->caches; cache != NULL; cache = cache->next) {
        struct tn_cache *next = cache->next;
        part(cache);
        tn_cache_init(cache, heap, cache->thread);
        cache->next = next;
    }
}

void
tn_cache_release_all(struct tn_heap *heap)
{
    struct tn_cache *lists[] = {heap->caches, heap->idle};
    for (unsigned i = 0; i < 2; i++) {
        struct tn_cache *next;
        for (struct tn_cache *cache = lists[i]; cache != NULL; cache = next) {
            next = cache->next;
            tn_os_release(cache, tn_os_page_size());
        }
    }
    heap->caches = NULL;
    heap->idle = NULL;
}
