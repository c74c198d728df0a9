#include "heap/sample.h"

#include "heap/countdown.h"
#include "heap/large.h"
#include "heap/slab_list.h"

struct tn_cache tn_sampler;

static struct tn_lock lock = {.rank = TN_RANK_SAMPLES};
static const struct tn_sample_hooks *hooks;
static uintptr_t sampler_ids; /* a fork's child may need another one */

/* Blocks freed while this thread held the lock below us (in a signal's handler): a list through
 * their first words, for the next who has the lock. */
static _Atomic(void *) late;

/* This thread is taking a sample, or holds the lock. */
static _Thread_local volatile bool inside __attribute__((tls_model("initial-exec")));

bool
tn_sample_on(void)
{
    return atomic_load_explicit(&tn_sampling.on, memory_order_relaxed);
}

/* Ids are caches' addresses, which no thread pointer is, or in an image of its generation. */
static void
start_sampler(struct tn_heap *heap, struct tn_cache *cache)
{
    if (heap->generation != 0) {
        tn_lock(&heap->lock);
        tn_cache_init(cache, heap, 0);
        tn_unlock(&heap->lock);
    } else {
        tn_cache_init(cache, heap, 0);
        sampler_ids += 2;
        cache->id = (uintptr_t)cache + sampler_ids;
    }
    cache->counted = false;
    heap->sampler = cache;
}

/* Under the lock. NULL: no memory for one. */
static struct tn_cache *
sampler_of(struct tn_heap *heap)
{
    if (heap->sampler == NULL) {
        size_t page = tn_os_page_size();
        struct tn_cache *cache = tn_os_reserve(page, page);
        if (cache == NULL || !tn_os_commit(cache, page)) {
            return NULL;
        }
        start_sampler(heap, cache);
    }
    return heap->sampler;
}

static void
start_counting(struct tn_heap *heap)
{
    tn_lock(&heap->lock);
    for (struct tn_cache *cache = heap->caches; cache != NULL; cache = cache->next) {
        tn_count_start(cache);
    }
    tn_unlock(&heap->lock);
}

void
tn_sample_start(size_t bytes, const struct tn_sample_hooks *what)
{
    if (!tn_process_heap_start() || tn_options.check) { /* no sample would be laid out, checked.h */
        return;
    }
    tn_lock(tn_registry_lock());
    if (tn_sample_lock()) {
        if (tn_sampler.heap == NULL) {
            start_sampler(&tn_process_heap, &tn_sampler);
        }
        hooks = what;
        atomic_store(&tn_sampling.interval, tn_max(bytes, 1));
        atomic_fetch_add(&tn_sampling.starts, 1);
        atomic_store(&tn_sampling.on, true);
        for (struct tn_heap *heap = tn_registry_heaps(); heap != NULL; heap = heap->next_heap) {
            start_counting(heap);
        }
        tn_sample_unlock();
    }
    tn_unlock(tn_registry_lock());
}

void
tn_sample_stop(void)
{
    atomic_store(&tn_sampling.on, false);
}

static void free_late(void);

bool
tn_sample_lock(void)
{
    if (inside) {
        return false;
    }
    inside = true;
    tn_lock(&lock);
    free_late();
    return true;
}

void
tn_sample_unlock(void)
{
    tn_unlock(&lock);
    inside = false;
}

/* A block of an owned class, in a slab of samples. Under the lock. */
static void *
take(struct tn_heap *heap, unsigned class)
{
    struct tn_cache *sampler = sampler_of(heap);
    if (sampler == NULL) {
        return NULL;
    }
    struct tn_slab *slab = sampler->bin[class].current;
    if (!tn_slab_has_free(slab)) {
        slab = tn_bin_refill(sampler, class);
        if (slab == NULL) {
            return NULL;
        }
    }
    slab->flags |= TN_SAMPLES;
    return tn_slab_pop(slab);
}

static void
mark(struct tn_heap *heap, struct tn_slab *slab)
{
    if (heap == &tn_process_heap) {
        tn_set_kind(slab, TN_SAMPLED);
    } else {
        slab->flags |= TN_SAMPLES;
    }
}

static void
unmark(struct tn_slab *slab)
{
    slab->flags &= (uint8_t)~TN_SAMPLES;
    tn_set_kind(slab, TN_LARGE);
}

static bool
bytes_due(struct tn_cache *cache, size_t size)
{
    return tn_count_bytes(cache, size) && !inside;
}

static bool
class_due(struct tn_cache *cache, unsigned class, size_t size)
{
    return class < TN_OWNED ? tn_count_block(cache, class, size) && !inside
                            : bytes_due(cache, size);
}

void *
tn_sample_class(struct tn_cache *cache, unsigned class, size_t size)
{
    if (!class_due(cache, class, size)) {
        return NULL;
    }
    void *frames[TN_STACK_MOST];
    inside = true; /* what the walk allocates is no sample */
    unsigned depth = hooks->look(frames, TN_STACK_MOST);
    void *block;
    bool zero;
    if (class >= TN_OWNED) {
        block = tn_large_take(cache->heap, cache, tn_classes[class].size, TN_SLICE, 0, &zero);
        if (block != NULL) {
            struct tn_slab *slab = tn_slice_of(tn_space_of(block), block);
            if (cache->heap == &tn_process_heap) {
                slab->large_size = tn_classes[class].size;
            }
            mark(cache->heap, slab);
        }
    }
    tn_lock(&lock);
    free_late();
    if (class < TN_OWNED) {
        block = take(cache->heap, class);
    }
    if (block != NULL) {
        hooks->record(block, size, frames, depth);
    }
    tn_sample_unlock();
    return block;
}

void
tn_sample_large(struct tn_cache *cache, void *block, size_t size)
{
    if (!bytes_due(cache, size)) {
        return;
    }
    void *frames[TN_STACK_MOST];
    inside = true;
    unsigned depth = hooks->look(frames, TN_STACK_MOST);
    tn_lock(&lock);
    free_late();
    mark(cache->heap, tn_slab_head_of(tn_space_of(block), block));
    hooks->record(block, size, frames, depth);
    tn_sample_unlock();
}

void
tn_sample_drop(struct tn_slab *slab)
{
    if (tn_is_sample(slab)) {
        unmark(slab);
        tn_sample_forget_object(slab->large_start);
    }
}

void
tn_sample_anew(struct tn_heap *heap, void *block, size_t size)
{
    struct tn_cache *cache = tn_sample_on() ? tn_cache_of_heap(heap) : NULL;
    if (cache != NULL && cache->counted) {
        tn_sample_large(cache, block, size);
    }
}

void
tn_sample_object(void *object, size_t size)
{
    struct tn_cache *cache = tn_cache_of_thread();
    if (cache == NULL || !cache->counted || !bytes_due(cache, size)) {
        return;
    }
    void *frames[TN_STACK_MOST];
    inside = true;
    unsigned depth = hooks->look(frames, TN_STACK_MOST);
    tn_lock(&lock);
    free_late();
    hooks->record(object, size, frames, depth);
    tn_sample_unlock();
}

void
tn_sample_forget_object(void *object)
{
    if (atomic_load_explicit(&tn_sampling.starts, memory_order_relaxed) != 0 && tn_sample_lock()) {
        hooks->forget(object);
        tn_sample_unlock();
    }
}

void
tn_sample_forget_memory(const void *start, size_t size)
{
    if (atomic_load_explicit(&tn_sampling.starts, memory_order_relaxed) != 0 && tn_sample_lock()) {
        hooks->forget_all(start, size);
        tn_sample_unlock();
    }
}

/* The heap's sampler is its own no more. Under the lock. */
static struct tn_cache *
part(struct tn_heap *heap)
{
    struct tn_cache *cache = heap->sampler;
    if (heap != &tn_process_heap) {
        heap->sampler = NULL;
        return cache;
    }
    return NULL;
}

void
tn_sample_forget(struct tn_heap *heap)
{
    if (heap->sampler == NULL && atomic_load(&tn_sampling.starts) == 0) {
        return;
    }
    uint32_t count = atomic_load(&heap->space_count);
    for (uint32_t i = 0; i < count; i++) {
        tn_sample_forget_memory(heap->spaces[i]->base, heap->spaces[i]->size);
    }
    if (tn_sample_lock()) {
        struct tn_cache *cache = part(heap);
        tn_sample_unlock();
        if (cache != NULL) {
            tn_os_release(cache, tn_os_page_size());
        }
    }
}

void
tn_sample_retire(struct tn_heap *heap)
{
    if (heap->sampler != NULL && tn_sample_lock()) {
        struct tn_cache *cache = part(heap);
        if (cache != NULL) {
            tn_cache_leave(cache);
            tn_os_release(cache, tn_os_page_size());
        }
        tn_sample_unlock();
    }
}

/* Under the lock, and it stays held. */
static void
free_locked(struct tn_space *space, struct tn_slab *slab, void *p, const char *call)
{
    bool own = space->heap == &tn_process_heap && tn_self != &tn_no_cache;
    if (tn_kind(slab) == TN_SLAB) {
        tn_free_small(space->heap->sampler, space, slab, p, call);
    } else {
        unmark(slab);
        tn_large_give(own ? tn_self : NULL, slab);
    }
    if (hooks != NULL) { /* an image may bear marks of a process that was profiled */
        hooks->forget(p);
    }
}

static void
free_late(void)
{
    if (TN_LIKELY(atomic_load_explicit(&late, memory_order_relaxed) == NULL)) {
        return;
    }
    void *p = atomic_exchange(&late, NULL);
    while (p != NULL) {
        void *next = *(void **)p;
        struct tn_space *space = tn_space_of(p);
        free_locked(space, tn_slab_head_of(space, p), p, "free");
        p = next;
    }
}

void
tn_sample_free(struct tn_space *space, struct tn_slab *slab, void *p, const char *call)
{
    if (!tn_sample_lock()) {
        void *next = atomic_load(&late);
        do {
            *(void **)p = next;
        } while (!atomic_compare_exchange_weak(&late, &next, p));
        return;
    }
    free_locked(space, slab, p, call);
    tn_sample_unlock();
}

/* Where the lock was held the samplers' slabs may be half changed: they are left as other threads'
 * are, by an owner that is not there. */
void
tn_sample_forked(void)
{
    if (!tn_lock_reset(&lock)) {
        return;
    }
    for (struct tn_heap *heap = tn_registry_heaps(); heap != NULL; heap = heap->next_heap) {
        heap->sampler = NULL;
    }
    start_sampler(&tn_process_heap, &tn_sampler);
    atomic_store(&late, NULL);
    if (hooks != NULL) {
        hooks->reset();
    }
}
