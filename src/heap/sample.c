#include "heap/sample.h"

#include "base/random.h"
#include "heap/large.h"
#include "heap/slab_list.h"

/* tn_no_cache has until_sample 0 for ever: a thread without a cache comes to malloc_any. */

struct tn_cache tn_sampler;

static struct tn_lock lock = {.rank = TN_RANK_SAMPLES};
static const struct tn_sample_hooks *hooks;
static _Atomic bool on;
static _Atomic uint64_t starts;
static _Atomic size_t interval;
static uintptr_t sampler_ids; /* a fork's child may need another one */

/* Blocks freed while this thread held the lock below us (in a signal's handler): a list through
 * their first words, for the next who has the lock. */
static _Atomic(void *) late;

/* This thread is taking a sample, or holds the lock. */
static _Thread_local volatile bool inside __attribute__((tls_model("initial-exec")));

bool
tn_sample_on(void)
{
    return atomic_load_explicit(&on, memory_order_relaxed);
}

static void
start_sampler(void)
{
    tn_cache_init(&tn_sampler, &tn_process_heap, 0);
    sampler_ids += 2;
    tn_sampler.id = (uintptr_t)&tn_sampler + sampler_ids;
    tn_sampler.counted = false;
}

void
tn_sample_start(size_t bytes, const struct tn_sample_hooks *what)
{
    struct tn_heap *heap = &tn_process_heap;
    if (!tn_process_heap_start() || tn_options.check) { /* no sample would be laid out, checked.h */
        return;
    }
    if (!tn_sample_lock()) {
        return;
    }
    if (tn_sampler.heap == NULL) {
        tn_malloc_count_start();
        start_sampler();
    }
    hooks = what;
    atomic_store(&interval, tn_max(bytes, 1));
    atomic_fetch_add(&starts, 1);
    atomic_store(&on, true);
    tn_lock(&heap->lock);
    for (struct tn_cache *cache = heap->caches; cache != NULL; cache = cache->next) {
        cache->until_sample = 0;
        __atomic_store_n(&cache->counted, true, __ATOMIC_RELEASE);
        tn_bin_redirect(cache); /* an owner that changes an entry now changes it back later */
    }
    tn_unlock(&heap->lock);
    tn_sample_unlock();
}

void
tn_sample_stop(void)
{
    atomic_store(&on, false);
}

static void
uncount(struct tn_cache *cache)
{
    cache->until_sample = 0;
    cache->counted = false;
    tn_bin_redirect(cache);
}

/* Bytes until the next sample. */
static int64_t
draw(struct tn_cache *cache, size_t mean)
{
    if (mean == 1) {
        return 0;
    }
    return (int64_t)(tn_random_exponential(&cache->dice) * (double)mean);
}

/* The count has run out: whether this block is a sample. Blocks larger than what is left come here
 * too, and may be one of several sampled bytes; they count once. */
static TN_COLD bool
run_out(struct tn_cache *cache)
{
    uint64_t start = atomic_load(&starts);
    size_t mean = atomic_load(&interval);
    if (!tn_sample_on()) {
        uncount(cache);
        return false;
    }
    if (cache->counted_since != start) {
        cache->counted_since = start;
        cache->dice = tn_mix((uintptr_t)cache ^ (start << 48) ^ tn_os_random());
        cache->until_sample += draw(cache, mean);
        if (mean != 1 && cache->until_sample >= 0) {
            return false;
        }
    }
    cache->until_sample = draw(cache, mean);
    return !inside;
}

static inline bool
is_sample(struct tn_cache *cache, size_t size)
{
    cache->until_sample -= (int64_t)size + 1;
    return TN_UNLIKELY(cache->until_sample < 0) && run_out(cache);
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
take(unsigned class)
{
    struct tn_slab *slab = tn_sampler.bin[class].current;
    if (!tn_slab_has_free(slab)) {
        slab = tn_bin_refill(&tn_sampler, class);
        if (slab == NULL) {
            return NULL;
        }
    }
    slab->flags |= TN_SAMPLES;
    return tn_slab_pop(slab);
}

void *
tn_sample_class(struct tn_cache *cache, unsigned class, size_t size)
{
    if (!is_sample(cache, size)) {
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
            slab->large_size = tn_classes[class].size;
            tn_set_kind(slab, TN_SAMPLED);
        }
    }
    tn_lock(&lock);
    free_late();
    if (class < TN_OWNED) {
        block = take(class);
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
    if (!is_sample(cache, size)) {
        return;
    }
    void *frames[TN_STACK_MOST];
    inside = true;
    unsigned depth = hooks->look(frames, TN_STACK_MOST);
    tn_lock(&lock);
    free_late();
    tn_set_kind(tn_slice_of(tn_space_of(block), block), TN_SAMPLED);
    hooks->record(block, size, frames, depth);
    tn_sample_unlock();
}

void
tn_sample_drop(struct tn_slab *slab)
{
    if (tn_kind(slab) != TN_SAMPLED) {
        return;
    }
    tn_set_kind(slab, TN_LARGE);
    if (tn_sample_lock()) {
        hooks->forget(slab->large_start);
        tn_sample_unlock();
    }
}

/* Under the lock, and it stays held. */
static void
free_locked(struct tn_space *space, struct tn_slab *slab, void *p, const char *call)
{
    if (tn_kind(slab) == TN_SAMPLED) {
        hooks->forget(p);
        tn_set_kind(slab, TN_LARGE);
        tn_large_give(tn_self != &tn_no_cache ? tn_self : NULL, slab);
    } else {
        tn_free_small(&tn_sampler, space, slab, p, call);
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

bool
tn_sample_forked(void)
{
    if (!tn_lock_reset(&lock)) {
        return true;
    }
    start_sampler();
    atomic_store(&late, NULL);
    if (hooks != NULL) {
        hooks->reset();
    }
    return false;
}
