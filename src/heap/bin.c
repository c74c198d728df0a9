/*
 * The slabs of one class in one cache: the current one, allocated from until it is full, and
 * others with free blocks. A slab's way:
 *
 *   new -> current -> full, nobody's -> (a block is freed: claimed) -> in a bin -> current -> ...
 *                                                                      in a bin, empty -> slices
 *
 * When its thread ends a current slab rests, for a thread to take it as it is; others are shared.
 * So are those of a bin that has several, when another thread had to make a new slab of the class.
 */
#include "heap/countdown.h"
#include "heap/purge.h"
#include "heap/slab_list.h"

#define STALE_STEP  256u /* slices looked at when a class runs short */
#define OFFER_LOOKS 64u  /* slabs that are looked at when others want some */
#define OFFER_ROOM                                                                                 \
    8u /* an offered slab has more than this part of its blocks free: one with                     \
          a block or two is not worth the lock */

static void
set_direct(struct tn_cache *cache, unsigned class, struct tn_slab *slab)
{
    size_t most = tn_classes[class].size;
    if (most > TN_SMALL_MAX) {
        return;
    }
    size_t i = class == 0 ? 0 : tn_classes[class - 1].size / 8 + 1;
    for (; i <= most / 8; i++) {
        cache->direct[i] = slab;
    }
}

void
tn_bin_direct(struct tn_cache *cache, unsigned class, bool open)
{
    struct tn_slab *none = (struct tn_slab *)(uintptr_t)&tn_empty_slab; /* never written to */
    set_direct(cache, class, open ? cache->bin[class].current : none);
}

static void
set_current(struct tn_cache *cache, unsigned class, struct tn_slab *slab)
{
    slab->flags |= TN_CURRENT;
    slab->left = TN_LEFT_CURRENT;
    slab->floor = 0;
    cache->bin[class].current = slab;
    set_direct(cache, class, slab);
}

void
tn_bin_append(struct tn_cache *cache, unsigned class, struct tn_slab *slab)
{
    struct tn_bin *bin = &cache->bin[class];
    slab->next = NULL;
    slab->prev = bin->last;
    if (bin->last != NULL) {
        bin->last->next = slab;
    } else {
        bin->first = slab;
    }
    bin->last = slab;
    bin->count++;
    tn_purge_enter(cache, slab);
}

void
tn_bin_remove(struct tn_cache *cache, unsigned class, struct tn_slab *slab)
{
    struct tn_bin *bin = &cache->bin[class];
    if (slab->prev != NULL) {
        slab->prev->next = slab->next;
    } else {
        bin->first = slab->next;
    }
    if (slab->next != NULL) {
        slab->next->prev = slab->prev;
    } else {
        bin->last = slab->prev;
    }
    bin->count--;
    tn_purge_leave(cache, slab);
}

/* Lets a full slab go that was current. When blocks came back in the meantime, it stays. */
static void
let_go(struct tn_cache *cache, struct tn_slab *slab)
{
    slab->flags &= (uint8_t)~TN_CURRENT;
    tn_slab_set_owner(slab, 0);
    uint64_t none = TN_REMOTE_END;
    if (!atomic_compare_exchange_strong_explicit(&slab->remote, &none,
                                                 TN_REMOTE_END | TN_REMOTE_FULL,
                                                 memory_order_release, memory_order_relaxed)) {
        tn_slab_set_owner(slab, cache->id);
        unsigned came = tn_slab_collect(tn_space_of(slab), slab);
        tn_slab_set_live(slab, tn_class_of_slab(slab)->capacity - came);
        tn_bin_append(cache, slab->size_class, slab);
    }
}

static void
set_shared_hint(struct tn_heap *heap, unsigned class)
{
    _Atomic uint32_t *word = &heap->shared_classes[class / 32];
    uint32_t bit = (uint32_t)1 << class % 32;
    if (heap->root->shared[class] != NULL || heap->resting[class] != NULL) {
        atomic_fetch_or_explicit(word, bit, memory_order_relaxed);
    } else {
        atomic_fetch_and_explicit(word, ~bit, memory_order_relaxed);
    }
}

void
tn_shared_hints(struct tn_heap *heap)
{
    for (unsigned class = 0; class < TN_OWNED; class ++) {
        set_shared_hint(heap, class);
    }
}

/* Under the heap's lock. */
static void
unlink_shared(struct tn_heap *heap, struct tn_slab *slab)
{
    if (slab->prev != NULL) {
        slab->prev->next = slab->next;
    } else {
        heap->root->shared[slab->size_class] = slab->next;
    }
    if (slab->next != NULL) {
        slab->next->prev = slab->prev;
    }
    set_shared_hint(heap, slab->size_class);
}

/* Leaves a slab with live blocks, and some free, to all threads. The heap's lock is held. */
void
tn_slab_share(struct tn_heap *heap, struct tn_slab *slab, unsigned live)
{
    unsigned class = slab->size_class;
    slab->flags &= (uint8_t)~TN_CURRENT;
    slab->prev = NULL;
    slab->next = heap->root->shared[class];
    if (slab->next != NULL) {
        slab->next->prev = slab;
    }
    heap->root->shared[class] = slab;
    set_shared_hint(heap, class);
    tn_slab_set_owner(slab, 0);
    uint64_t word =
        atomic_fetch_add_explicit(&slab->remote, live * TN_REMOTE_SHARED, memory_order_acq_rel);
    if (tn_remote_count(word) == live) { /* the last ones came just before */
        unlink_shared(heap, slab);
        atomic_store_explicit(&slab->remote, TN_REMOTE_END, memory_order_relaxed);
        tn_set_kind(slab, TN_HELD);
        tn_heap_give(slab, slab->span_small, false);
    }
}

/* Called by who pushed the last live block of a shared slab. */
void
tn_slab_unshare_if_empty(struct tn_heap *heap, struct tn_slab *slab)
{
    bool empty = false;
    tn_lock(&heap->lock);
    uint64_t word = atomic_load_explicit(&slab->remote, memory_order_acquire);
    if (tn_kind(slab) == TN_SLAB && tn_remote_shared(word) != 0 &&
        tn_remote_shared(word) == tn_remote_count(word)) {
        unlink_shared(heap, slab);
        atomic_store_explicit(&slab->remote, TN_REMOTE_END, memory_order_relaxed);
        tn_set_kind(slab, TN_HELD);
        empty = true;
    }
    tn_unlock(&heap->lock);
    if (empty) {
        tn_heap_give(slab, slab->span_small, false);
    }
}

bool
tn_slab_rest(struct tn_heap *heap, struct tn_slab *slab)
{
    unsigned class = slab->size_class;
    if (heap->generation != 0 || heap->resting_count == TN_RESTING || (slab->flags & TN_SAMPLES) ||
        (!tn_slab_has_free(slab) && slab->bare == 0)) {
        return false;
    }
    tn_slab_set_owner(slab, tn_rest_mark(heap));
    slab->next = heap->resting[class];
    heap->resting[class] = slab;
    heap->resting_count++;
    set_shared_hint(heap, class);
    return true;
}

struct tn_slab *
tn_slab_wake(struct tn_heap *heap, unsigned class)
{
    struct tn_slab *slab = heap->resting[class];
    if (slab != NULL) {
        heap->resting[class] = slab->next;
        heap->resting_count--;
        set_shared_hint(heap, class);
    }
    return slab;
}

/* Free blocks of a slab in a bin, those on its remote list included. */
static unsigned
room_in(const struct tn_slab *slab)
{
    unsigned came = tn_remote_count(atomic_load_explicit(&slab->remote, memory_order_relaxed));
    return tn_class_of_slab(slab)->capacity - (slab->floor + slab->left - came);
}

/* Another cache had to make a slab of the class; who comes first answers, also when that cache's
 * thread has ended: more like it will come. */
void
tn_bin_leave_surplus(struct tn_cache *cache, unsigned class)
{
    struct tn_heap *heap = cache->heap;
    struct tn_bin *bin = &cache->bin[class];
    uintptr_t by = cache != heap->sampler
                       ? atomic_exchange_explicit(&heap->wanted[class], 0, memory_order_relaxed)
                       : 0;
    if (by == 0) {
        return;
    }
    unsigned least = tn_classes[class].capacity / OFFER_ROOM;
    struct tn_slab *next = bin->first;
    bool any = false;
    for (unsigned i = 0; i < OFFER_LOOKS && bin->count > TN_SURPLUS && next != NULL; i++) {
        struct tn_slab *slab = next;
        next = slab->next;
        if (room_in(slab) > least) {
            tn_bin_remove(cache, class, slab);
            tn_lock(&heap->lock);
            tn_cache_leave_slab(heap, slab);
            tn_unlock(&heap->lock);
            any = true;
        }
    }
    if (any && next != NULL && bin->count > TN_SURPLUS) { /* the others: the next time */
        atomic_store_explicit(&heap->wanted[class], by, memory_order_relaxed);
    }
}

/* A resting or shared slab of the class becomes the cache's; NULL when there is none. */
static struct tn_slab *
adopt(struct tn_cache *cache, unsigned class)
{
    struct tn_heap *heap = cache->heap;
    if (tn_stale_left(heap)) {
        tn_stale_sweep(heap, STALE_STEP);
    }
    uint32_t hint = atomic_load_explicit(&heap->shared_classes[class / 32], memory_order_relaxed);
    if ((hint >> class % 32 & 1) == 0 || cache == heap->sampler) {
        return NULL;
    }
    tn_lock(&heap->lock);
    struct tn_slab *slab = tn_slab_wake(heap, class);
    if (slab == NULL && heap->root->shared[class] != NULL) {
        slab = heap->root->shared[class];
        unlink_shared(heap, slab);
        atomic_fetch_and_explicit(&slab->remote, TN_REMOTE_SHARED - 1, memory_order_acquire);
    }
    if (slab != NULL) {
        tn_slab_set_owner(slab, cache->id);
    }
    tn_unlock(&heap->lock);
    if (slab != NULL && TN_UNLIKELY(cache->counted)) {
        slab->flags |= TN_CURRENT; /* its live blocks are found by a walk */
        tn_slab_set_live(slab, tn_slab_live(tn_space_of(slab), slab));
    }
    return slab;
}

/* An empty slab of the class from the stock, lists and all; else the last of the stock, for any
 * class. NULL when the stock is empty. */
static struct tn_slab *
take_stock(struct tn_cache *cache, unsigned class)
{
    struct tn_slab **link = &cache->stock;
    while (*link != NULL && (*link)->size_class != class) {
        link = &(*link)->next;
    }
    if (*link == NULL) {
        link = &cache->stock;
    }
    struct tn_slab *slab = *link;
    if (slab != NULL) {
        *link = slab->next;
        cache->stock_count--;
    }
    return slab;
}

static struct tn_slab *
make_slab(struct tn_cache *cache, unsigned class)
{
    struct tn_slab *slab = take_stock(cache, class);
    if (slab != NULL && slab->size_class == class) {
        slab->left = 0;
        slab->floor = 0;
        tn_set_kind(slab, TN_SLAB);
        tn_slab_set_owner(slab, cache->id);
        return slab;
    }
    bool zero = false;
    if (slab == NULL) {
        slab = tn_heap_take(cache->heap, 1, TN_SLICE, &zero);
        if (slab == NULL) {
            return NULL;
        }
        atomic_store_explicit(&cache->heap->wanted[class], cache->id, memory_order_relaxed);
    }
    tn_slab_init(cache, slab, class, zero);
    tn_cache_look_at_heads(cache);
    return slab;
}

void
tn_slab_retire(struct tn_cache *cache, struct tn_slab *slab)
{
    tn_slab_assert(slab);
    bool kept = cache->stock_count < TN_STOCK;
    tn_slab_set_owner(slab, kept ? tn_held_mark(cache) : 0);
    slab->span = 1;
    tn_set_kind(slab, TN_HELD);
    if (kept) {
        slab->next = cache->stock;
        cache->stock = slab;
        cache->stock_count++;
        return;
    }
    tn_heap_give(slab, 1, false);
}

/* How many blocks are listed now; 0: the slab is full. */
static unsigned
replenish(struct tn_cache *cache, struct tn_space *space, struct tn_slab *slab)
{
    uint64_t bare = slab->bare;
    unsigned listed = tn_slab_replenish(space, slab);
    tn_slab_assert(slab);
    if (slab->flags & TN_PURGED) {
        tn_purge_regret(cache->heap, tn_class_of_slab(slab), bare ^ slab->bare);
    }
    return listed;
}

static void
count(struct tn_cache *cache, unsigned class, unsigned listed)
{
    if (TN_UNLIKELY(cache->counted)) {
        tn_count_refilled(cache, class, listed);
    }
}

/* Blocks that a slab in no bin has listed, for a cache that is counted. */
static unsigned
listed_in(const struct tn_slab *slab)
{
    unsigned live = (unsigned)slab->floor + slab->left;
    return tn_class_of_slab(slab)->capacity - live - (slab->bare ? tn_slab_bare_blocks(slab) : 0);
}

/* A slab that becomes the current one, or NULL. */
static struct tn_slab *
find_slab(struct tn_cache *cache, unsigned class)
{
    struct tn_slab *slab = cache->bin[class].first;
    if (slab != NULL) {
        tn_bin_remove(cache, class, slab);
        if (tn_bin_wanted(cache, class)) {
            tn_bin_leave_surplus(cache, class);
        }
    } else {
        slab = adopt(cache, class);
    }
    return slab != NULL ? slab : make_slab(cache, class);
}

struct tn_slab *
tn_bin_refill(struct tn_cache *cache, unsigned class)
{
    struct tn_slab *full = cache->bin[class].current;
    if (atomic_load_explicit(&cache->trim_wanted, memory_order_relaxed)) {
        tn_purge_cache(cache);
    }
    unsigned listed = full != &tn_empty_slab ? replenish(cache, tn_space_of(full), full) : 0;
    if (listed != 0) {
        count(cache, class, listed);
        return full;
    }
    struct tn_slab *slab = find_slab(cache, class);
    if (slab == NULL) {
        tn_bin_direct(cache, class, !cache->counted);
        return NULL;
    }
    if (TN_UNLIKELY(cache->counted)) {
        listed = listed_in(slab);
    }
    set_current(cache, class, slab);
    if (full != &tn_empty_slab) {
        let_go(cache, full);
    }
    if (!tn_slab_has_free(slab)) {
        listed = replenish(cache, tn_space_of(slab), slab);
    }
    count(cache, class, listed);
    return slab;
}
