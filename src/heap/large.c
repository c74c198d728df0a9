#include "heap/large.h"

#include "heap/sample.h"
#include "heap/slab_list.h"
#include "os/os.h"

#define MOVE_LEAST ((size_t)64) /* slices: below 4 MiB a copy is as cheap as moving the pages */

/* A block of no bytes, which only its alignment brings here, has one too. */
static size_t
slices_for(size_t bytes)
{
    return tn_max((bytes >> TN_SLICE_SHIFT) + ((bytes & (TN_SLICE - 1)) != 0), 1);
}

static void *
finish(struct tn_slab *slab, size_t span, size_t start)
{
    char *base = tn_slab_base(tn_space_of(slab), slab);
    slab->large_start = base + start;
    slab->large_size = (span << TN_SLICE_SHIFT) - start;
    slab->span = (uint32_t)span;
    slab->flags = 0;
    tn_slab_set_owner(slab, 0);
    tn_set_kind(slab, TN_LARGE);
    return base + start;
}

/* A kept block that fits with at most a quarter to spare. */
static struct tn_slab *
take_kept(struct tn_cache *cache, size_t span)
{
    for (unsigned i = cache->large_count; i-- > 0;) {
        struct tn_slab *slab = cache->large[i];
        if (slab->span >= span && slab->span <= span + span / 4) {
            for (unsigned j = i + 1; j < cache->large_count; j++) {
                cache->large[j - 1] = cache->large[j];
            }
            cache->large_count--;
            return slab;
        }
    }
    return NULL;
}

void *
tn_large_take(struct tn_heap *heap, struct tn_cache *cache, size_t size, size_t align, size_t start,
              bool *zero)
{
    size_t span = slices_for(size + start);
    if (cache != NULL && span <= TN_LARGE_KEPT && align <= TN_SLICE) {
        struct tn_slab *kept = take_kept(cache, span);
        if (kept != NULL) {
            *zero = false;
            return finish(kept, kept->span, start);
        }
    }
    struct tn_slab *slab = tn_heap_take(heap, span, tn_max(align, TN_SLICE), zero);
    return slab != NULL ? finish(slab, span, start) : NULL;
}

void
tn_large_give(struct tn_cache *cache, struct tn_slab *slab)
{
    bool kept = cache != NULL && slab->span <= TN_LARGE_KEPT;
    tn_slab_set_owner(slab, kept ? tn_held_mark(cache) : 0);
    tn_set_kind(slab, TN_HELD);
    if (kept) {
        if (cache->large_count == TN_LARGE_STOCK) {
            struct tn_slab *oldest = cache->large[0];
            for (unsigned i = 1; i < TN_LARGE_STOCK; i++) {
                cache->large[i - 1] = cache->large[i];
            }
            cache->large[TN_LARGE_STOCK - 1] = slab;
            slab = oldest;
        } else {
            cache->large[cache->large_count++] = slab;
            return;
        }
    }
    tn_heap_give(slab, slab->span, false);
}

bool
tn_large_resize(struct tn_slab *slab, size_t size)
{
    struct tn_space *space = tn_space_of(slab);
    size_t start = (size_t)(slab->large_start - tn_slab_base(space, slab));
    if (size > PTRDIFF_MAX - start) {
        return false;
    }
    size_t span = slices_for(size + start);
    size_t had = slab->span;
    bool zero;
    if (span > had) {
        if (span > UINT32_MAX || !tn_space_extend(space, slab, had, span, &zero)) {
            return false;
        }
    }
    slab->span = (uint32_t)span;
    slab->large_size = (span << TN_SLICE_SHIFT) - start;
    if (span < had) {
        tn_set_kind(&slab[span], TN_NONE);
        tn_space_give(space, &slab[span], had - span, false);
    }
    return true;
}

void *
tn_large_move(struct tn_slab *slab, size_t size)
{
    struct tn_space *space = tn_space_of(slab);
    char *base = tn_slab_base(space, slab);
    if (slab->span < MOVE_LEAST || slab->large_start != base || space->backing->move == NULL) {
        return NULL;
    }
    bool zero;
    size_t span = slices_for(size);
    struct tn_slab *target = tn_heap_take(space->heap, span, TN_SLICE, &zero);
    if (target == NULL) {
        return NULL;
    }
    struct tn_space *target_space = tn_space_of(target);
    size_t bytes = (size_t)slab->span << TN_SLICE_SHIFT;
    if (target_space->backing != space->backing ||
        !space->backing->move(space, base, tn_slab_base(target_space, target), bytes)) {
        tn_heap_give(target, span, zero);
        return NULL;
    }
    tn_sample_drop(slab);
    void *moved = finish(target, span, 0);
    tn_set_kind(slab, TN_HELD);
    tn_heap_give(slab, slab->span, true);
    return moved;
}
