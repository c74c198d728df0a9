/* What caches of an image's earlier generations left behind: heap.h says what and why. */
#include "heap/slab_list.h"

static void
give_held(struct tn_slab *slab, size_t span)
{
    tn_slab_set_owner(slab, 0);
    slab->span = (uint32_t)span;
    tn_set_kind(slab, TN_HELD);
    tn_heap_give(slab, span, false);
}

/* A stale slab goes where its cache's retirement would have put it. Under the heap's lock. */
static void
settle_slab(struct tn_heap *heap, struct tn_space *space, struct tn_slab *slab)
{
    unsigned live = tn_slab_live(space, slab);
    uint64_t word = atomic_load_explicit(&slab->remote, memory_order_acquire);
    slab->flags &= (uint8_t)~TN_CURRENT;
    if (live == tn_remote_count(word)) {
        atomic_store_explicit(&slab->remote, TN_REMOTE_END, memory_order_relaxed);
        give_held(slab, slab->span_small);
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

bool
tn_stale_sweep(struct tn_heap *heap, uint32_t slices)
{
    struct tn_space *space = heap->spaces[0];
    tn_lock(&heap->lock);
    uint32_t next = atomic_load_explicit(&heap->stale_next, memory_order_relaxed);
    for (; next < heap->stale_end && slices > 0; next++, slices--) {
        struct tn_slab *slab = &space->slabs[next];
        if (!tn_owner_is_stale(heap, tn_slab_owner(slab))) {
            continue;
        }
        if (tn_kind(slab) == TN_SLAB) {
            settle_slab(heap, space, slab);
        } else if (tn_kind(slab) == TN_HELD) {
            give_held(slab, slab->span);
        }
    }
    atomic_store_explicit(&heap->stale_next, next, memory_order_relaxed);
    tn_unlock(&heap->lock);
    return next < heap->stale_end;
}

bool
tn_stale_claim(struct tn_cache *cache, struct tn_slab *slab)
{
    struct tn_heap *heap = cache->heap;
    bool own = false;
    tn_lock(&heap->lock);
    if (tn_kind(slab) == TN_SLAB && tn_owner_is_stale(heap, tn_slab_owner(slab))) {
        unsigned live = tn_slab_live(heap->spaces[0], slab);
        slab->flags &= (uint8_t)~TN_CURRENT;
        tn_slab_set_live(slab, live);
        tn_slab_set_owner(slab, cache->id);
        tn_bin_append(cache, slab->size_class, slab);
        own = true;
    }
    tn_unlock(&heap->lock);
    return own;
}
