/*
 * Everything about free that is not its fast path: looking at a slab when its count says so,
 * blocks of slabs that others own or nobody does, large blocks, and pointers that are none.
 */
#include "heap/alloc.h"
#include "heap/checked.h"
#include "heap/countdown.h"
#include "heap/fast.h"
#include "heap/large.h"
#include "heap/misuse.h"
#include "heap/purge.h"
#include "heap/sample.h"
#include "heap/slab_list.h"
#include "os/probe.h"

#include <errno.h>

static inline bool
looks_free(const struct tn_slab *slab, const char *base, const void *p)
{
    uintptr_t next = tn_slab_link(slab, *(const uintptr_t *)p);
    return next == tn_slab_none(slab) || next - (uintptr_t)base < (size_t)slab->span_small
                                                                      << TN_SLICE_SHIFT;
}

/* The owner may be changing another flag; this one is as it was when the slab was made. */
static TN_RACY bool
holds_samples(const struct tn_slab *slab)
{
    return (slab->flags & TN_SAMPLES) != 0;
}

/* The owner's look at one of its slabs whose count of frees has run out. */
static void
look(struct tn_cache *cache, struct tn_slab *slab)
{
    tn_fork_look();
    if (slab->flags & TN_CURRENT) {
        if (TN_UNLIKELY(cache->counted)) {
            tn_count_look(cache, slab->size_class);
        } else {
            slab->left = TN_LEFT_CURRENT;
        }
        if (cache ==
            tn_self) { /* a thread whose current slabs always suffice comes by here alone */
            tn_look_round();
        }
        return;
    }
    unsigned live = slab->floor;
    tn_slab_assert(slab);
    if (live == 0) {
        tn_bin_remove(cache, slab->size_class, slab);
        tn_slab_retire(cache, slab);
    } else {
        bool wanted = tn_bin_wanted(cache, slab->size_class);
        tn_purge_look(cache, slab, live);
        if (wanted) {
            tn_bin_leave_surplus(cache, slab->size_class);
        }
    }
}

void
tn_free_look_in(struct tn_cache *cache, struct tn_slab *slab)
{
    look(cache, slab);
}

void
tn_free_look(struct tn_slab *slab)
{
    /* A cache left behind after a last destructor is this thread's, which has not met it yet. */
    look(tn_self != &tn_no_cache ? tn_self : tn_cache_of_thread(), slab);
}

static void
free_own(struct tn_cache *cache, struct tn_slab *slab, void *p)
{
    tn_slab_push(slab, p);
    if (--slab->left == 0) {
        look(cache, slab);
    }
}

/* The caller has just cleared FULL: the slab is its own now, with every block live but p. */
static void
claim(struct tn_cache *cache, struct tn_slab *slab, void *p)
{
    unsigned class = slab->size_class;
    tn_slab_push(slab, p);
    tn_slab_set_live(slab, tn_class_of_slab(slab)->capacity - 1u);
    tn_slab_set_owner(slab, cache->id);
    tn_bin_append(cache, class, slab);
    if (tn_bin_wanted(cache, class)) {
        tn_bin_leave_surplus(cache, class);
    }
}

/* A block of a slab that is not the cache's: claim the slab if it is nobody's and full, else leave
 * the block on its remote list (essay in remote.h). cache may be NULL: nothing is claimed. */
static void
free_remote(struct tn_cache *cache, struct tn_heap *heap, struct tn_slab *slab, char *base, void *p)
{
    uintptr_t *block = p;
    uint64_t word = atomic_load_explicit(&slab->remote, memory_order_relaxed);
    uint64_t next;
    do {
        if ((word & TN_REMOTE_FULL) && cache != NULL) {
            next = word & ~TN_REMOTE_FULL;
        } else {
            uint64_t first = tn_remote_first(word);
            *block = first == TN_REMOTE_END ? tn_slab_end(slab)
                                            : tn_slab_link(slab, (uintptr_t)(base + first * 8));
            next = (word & ~TN_REMOTE_END) + TN_REMOTE_ONE;
            next |= (uint64_t)((char *)p - base) / 8;
        }
    } while (!atomic_compare_exchange_weak_explicit(&slab->remote, &word, next,
                                                    memory_order_acq_rel, memory_order_relaxed));
    if ((word & TN_REMOTE_FULL) && cache != NULL) {
        claim(cache, slab, p);
    } else if (tn_remote_shared(next) != 0 && tn_remote_shared(next) == tn_remote_count(next)) {
        tn_slab_unshare_if_empty(heap, slab);
    }
}

/* The head of the slab or large block that p starts; ends the process when it starts none. */
static struct tn_slab *
find_block(const void *p, const char *call, struct tn_space **in)
{
    struct tn_space *space = tn_space_of(p);
    if (space == NULL) {
        tn_die_foreign(p, call);
    }
    *in = space;
    struct tn_slab *slab = tn_slab_head_of(space, p);
    const char *base = tn_slab_base(space, slab);
    size_t offset = (size_t)((const char *)p - base);
    enum tn_kind kind = tn_kind(slab);
    if (TN_LIKELY(kind == TN_SLAB)) {
        const struct tn_class *class = tn_class_of_slab(slab);
        unsigned index = tn_block_index(class, offset);
        const char *start = base + (size_t)index * class->size;
        if (index >= class->capacity || tn_slab_is_bare(slab, index)) {
            tn_die_not_a_block(p, call);
        }
        if (p != start) {
            tn_die_inside(p, start, class->size, call);
        }
        return slab;
    }
    switch (kind) {
    case TN_LARGE:
    case TN_SAMPLED:
        if (p != slab->large_start) {
            tn_die_inside(p, slab->large_start, slab->large_size, call);
        }
        return slab;
    case TN_META:
        tn_die_not_a_block(p, call);
    case TN_POOL:
        tn_die_pooled(p, slab, call);
    default:
        if (tn_slab_index(space, slab) < space->map->frontier) {
            tn_die_already_free(p, NULL, call);
        }
        tn_die_not_a_block(p, call);
    }
}

struct tn_slab *
tn_block_head(const void *p, const char *call)
{
    struct tn_space *space;
    return find_block(p, call, &space);
}

static inline size_t
room_of(const struct tn_slab *slab)
{
    return tn_kind(slab) == TN_SLAB ? tn_class_of_slab(slab)->size : slab->large_size;
}

static inline void
free_small(struct tn_cache *cache, struct tn_space *space, struct tn_slab *slab, void *p,
           const char *call)
{
    bool own = cache != NULL && tn_slab_owner(slab) == cache->id;
    if (cache != NULL && tn_owner_is_stale(cache->heap, tn_slab_owner(slab))) {
        own = tn_stale_claim(cache, slab);
    }
    char *base = tn_slab_base(space, slab);
    bool marked = looks_free(slab, base, p);
    if (own ? (marked || tn_options.check) && tn_slab_lists(space, slab, p) : marked) {
        tn_die_already_free(p, slab, call);
    }
    if (own) {
        free_own(cache, slab, p);
    } else {
        free_remote(cache, space->heap, slab, base, p);
    }
}

void
tn_free_small(struct tn_cache *cache, struct tn_space *space, struct tn_slab *slab, void *p,
              const char *call)
{
    free_small(cache, space, slab, p, call);
}

static void
free_in(struct tn_cache *cache, void *p, const char *call)
{
    if (TN_UNLIKELY(tn_options.check) && tn_checked_owns(p)) {
        tn_checked_free(p, call);
        return;
    }
    struct tn_space *space;
    struct tn_slab *slab = find_block(p, call, &space);
    tn_inspector_free(space->heap, p, room_of(slab));
    TN_LOOK_AWAY;
    if (cache == NULL || cache->heap != space->heap) {
        if (space->heap->read_only) {
            tn_die_read_only(p, call);
        }
        if (cache != NULL || tn_options.check) {
            cache = tn_cache_of_heap(space->heap);
        }
    }
    if (tn_kind(slab) != TN_SLAB) {
        if (tn_is_sample(slab)) {
            tn_sample_free(space, slab, p, call);
        } else {
            tn_large_give(cache, slab);
        }
        return;
    }
    if (slab->size_class >= TN_OWNED) {
        if (looks_free(slab, tn_slab_base(space, slab), p)) {
            tn_die_already_free(p, slab, call);
        }
        tn_central_free(cache, space, slab, p);
        return;
    }
    if (TN_UNLIKELY(holds_samples(slab)) && space->heap->sampler != NULL) {
        tn_sample_free(space, slab, p, call);
    } else {
        free_small(cache, space, slab, p, call);
    }
}

/* A large block into the cache. False: there is more to ask. */
static TN_INLINE bool
free_large(struct tn_cache *cache, const struct tn_heap *heap, struct tn_slab *slab, const void *p)
{
    if (p != slab->large_start || slab->span > TN_LARGE_KEPT ||
        cache->large_count == TN_LARGE_STOCK) {
        return false;
    }
    if (heap != &tn_process_heap) {
        if (TN_UNLIKELY(slab->flags & TN_SAMPLES)) {
            return false;
        }
        tn_slab_set_owner(slab, tn_held_mark(cache));
    }
    tn_set_kind(slab, TN_HELD);
    cache->large[cache->large_count++] = slab;
    return true;
}

/* What most frees need that the fast path leaves, without the questions that only other blocks
 * raise: blocks of slabs that are not the cache's own, and larger ones into the cache. p is so far
 * behind the start of the heap's first space, in the slice of this descriptor. False: ask them. */
static TN_INLINE bool
free_usual(struct tn_cache *cache, struct tn_heap *heap, struct tn_slab *slab, size_t offset,
           void *p)
{
    enum tn_kind kind = tn_kind(slab);
    if (kind == TN_LARGE) {
        return free_large(cache, heap, slab, p);
    }
    size_t inside = offset & (TN_SLICE - 1);
    if (kind == TN_INNER) {
        inside += (size_t)slab->back << TN_SLICE_SHIFT;
        slab -= slab->back;
        kind = tn_kind(slab);
    }
    if (TN_UNLIKELY(kind != TN_SLAB)) {
        return false;
    }
    const struct tn_class *class = tn_class_of_slab(slab);
    unsigned index = tn_block_index(class, inside);
    if (TN_UNLIKELY((size_t)index * class->size != inside || index >= class->capacity ||
                    tn_top(p) == TN_LINK_TOP)) {
        return false;
    }
    if (slab->size_class < TN_OWNED) {
        uintptr_t owner = tn_slab_owner(slab);
        if (owner == cache->id || (heap != &tn_process_heap && tn_owner_is_stale(heap, owner)) ||
            holds_samples(slab) || tn_slab_is_bare(slab, index)) {
            return false;
        }
        free_remote(cache, heap, slab, (char *)p - inside, p);
        return true;
    }
    unsigned i = slab->size_class - TN_OWNED;
    if ((heap != &tn_process_heap && heap->no_stash) || cache->stashed[i] == TN_STASH ||
        tn_slab_is_bare(slab, index)) {
        return false;
    }
    *(uintptr_t *)p = tn_slab_end(slab);
    cache->stash[i].block[cache->stashed[i]++] = p;
    return true;
}

static TN_NOINLINE void
free_any(void *p, const char *call)
{
    if (p != NULL) {
        TN_PROBE1(tarn, free, p);
        free_in(tn_cache_of_thread(), p, call);
    }
}

void
tn_free_slow(void *p, const char *call)
{
    struct tn_cache *cache = tn_self;
    size_t offset = (uintptr_t)p - tn_window_base;
    if (offset < tn_window_size && cache != &tn_no_cache) {
        tn_fork_look();
        if (free_usual(cache, &tn_process_heap, &tn_window_slabs[offset >> TN_SLICE_SHIFT], offset,
                       p)) {
            TN_PROBE1(tarn, free, p);
            return;
        }
    }
    free_any(p, call);
}

void
tn_heap_free_slow(struct tn_heap *heap, void *p)
{
    const struct tn_other *other = &tn_other;
    size_t offset = (uintptr_t)p - other->base;
    if (TN_BELOW(offset, &other->size)) {
        tn_fork_look();
        if (free_usual(other->cache, other->cache->heap, &other->slabs[offset >> TN_SLICE_SHIFT],
                       offset, p)) {
            return;
        }
    }
    tn_cache_free(tn_cache_of_heap(heap), p, "tarn_heap_free");
}

void
tn_cache_free(struct tn_cache *cache, void *p, const char *call)
{
    if (p != NULL) {
        free_in(cache, p, call);
    }
}

void
tn_cache_give(struct tn_cache *cache, void *block, const char *call)
{
    struct tn_space *space;
    struct tn_slab *slab = find_block(block, call, &space);
    if (tn_kind(slab) == TN_LARGE) {
        tn_large_give(cache, slab);
    } else if (slab->size_class >= TN_OWNED) {
        tn_central_free(cache, space, slab, block);
    } else if (cache != NULL && tn_slab_owner(slab) == cache->id) {
        free_own(cache, slab, block);
    } else {
        free_remote(cache, space->heap, slab, tn_slab_base(space, slab), block);
    }
}

/* Whether a block whose first word looks like a link is free: on a list, where that can be asked,
 * that is of the thread's own slabs. */
static bool
is_listed(struct tn_space *space, const struct tn_slab *slab, const void *p)
{
    return tn_kind(slab) == TN_SLAB && looks_free(slab, tn_slab_base(space, slab), p) &&
           (tn_slab_owner(slab) != tn_thread_mark() || tn_slab_lists(space, slab, p));
}

size_t
tn_usable(const void *p, const char *call)
{
    if (p == NULL) {
        return 0;
    }
    if (TN_UNLIKELY(tn_options.check) && tn_checked_owns(p)) {
        return tn_checked_usable((void *)(uintptr_t)p, call);
    }
    struct tn_space *space;
    const struct tn_slab *slab = find_block(p, call, &space);
    if (!TN_INSPECTED && TN_UNLIKELY(tn_top(p) == TN_LINK_TOP) && is_listed(space, slab, p)) {
        tn_die_already_free(p, slab, call);
    }
    return tn_inspector_size(p, room_of(slab));
}

size_t
tn_object_size(const void *p, const char *call)
{
    TN_LOOK_AWAY;
    struct tn_space *space = tn_space_of(p);
    if (p == NULL || space == NULL) {
        return p == NULL || tn_checked_owns(p) ? 0 : SIZE_MAX;
    }
    struct tn_slab *slab = tn_slab_head_of(space, p);
    if (tn_is_large(tn_kind(slab))) {
        size_t inside = (size_t)((const char *)p - slab->large_start);
        return inside <= slab->large_size ? tn_inspector_size(p, slab->large_size - inside)
                                          : SIZE_MAX;
    }
    const struct tn_class *class = tn_class_of_slab(slab);
    const char *base = tn_slab_base(space, slab);
    size_t offset = (size_t)((const char *)p - base);
    unsigned index = tn_block_index(class, offset);
    if (tn_kind(slab) != TN_SLAB || index >= class->capacity || tn_slab_is_bare(slab, index)) {
        if (tn_checked_owns(p)) {
            tn_die_not_a_block(p, call);
        }
        return SIZE_MAX;
    }
    if (tn_checked_owns(p)) {
        return tn_checked_object(p, call);
    }
    size_t start = (size_t)index * class->size;
    if (looks_free(slab, base, base + start)) {
        tn_die_already_free(p, slab, call);
    }
    return tn_inspector_size(p, class->size - (offset - start));
}

static bool
resize(struct tn_space *space, struct tn_slab *slab, void *p, size_t size)
{
    if (tn_kind(slab) == TN_SLAB) {
        return size <= tn_class_of_slab(slab)->size;
    }
    if (tn_kind(slab) == TN_SAMPLED &&
        slab->large_size <= TN_SLAB_MAX) { /* a sample that would lie in a slab otherwise */
        return size <= slab->large_size;
    }
    if (size <= TN_SLAB_MAX / 2 || !tn_large_resize(slab, size)) {
        return false;
    }
    tn_sample_drop(slab);
    tn_sample_anew(space->heap, p, size);
    return true;
}

bool
tn_resize_in_place(void *p, size_t size, const char *call)
{
    if (TN_UNLIKELY(tn_options.check) && tn_checked_owns(p)) {
        return tn_checked_resize(p, size, call);
    }
    struct tn_space *space;
    struct tn_slab *slab = find_block(p, call, &space);
    bool done = !space->heap->read_only && resize(space, slab, p, size);
    if (done) {
        tn_inspector_resize(space->heap, p, size, room_of(slab));
    }
    return done;
}
