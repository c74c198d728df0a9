#include "heap/large.h"

#include "heap/slab_list.h"
#include "os/os.h"

/* A block of no bytes, which only its alignment brings here, has one too. */
size_t
tn_large_slices(size_t bytes)
{
    return tn_max((bytes >> TN_SLICE_SHIFT) + ((bytes & (TN_SLICE - 1)) != 0), 1);
}

void *
tn_large_finish(struct tn_slab *slab, size_t span, size_t start)
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
    size_t span = tn_large_slices(size + start);
    if (cache != NULL && span <= TN_LARGE_KEPT && align <= TN_SLICE) {
        struct tn_slab *kept = take_kept(cache, span);
        if (kept != NULL) {
            *zero = false;
            return tn_large_finish(kept, kept->span, start);
        }
    }
    struct tn_slab *slab = tn_heap_take(heap, span, tn_max(align, TN_SLICE), zero);
    return slab != NULL ? tn_large_finish(slab, span, start) : NULL;
}

void
tn_large_give(struct tn_cache *cache, struct tn_slab *slab)
{
    bool kept = cache != NULL && slab->span <= TN_LARGE_KEPT; /* never one that was moved */
    bool zero = (slab->flags & TN_MOVED) != 0 && tn_large_unmove(slab, 0);
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
    tn_heap_give(slab, slab->span, zero);
}

bool
tn_large_resize(struct tn_slab *slab, size_t size)
{
    struct tn_space *space = tn_space_of(slab);
    size_t start = (size_t)(slab->large_start - tn_slab_base(space, slab));
    if (size > PTRDIFF_MAX - start) {
        return false;
    }
    size_t span = tn_large_slices(size + start);
    size_t had = slab->span;
    bool zero;
    if (span <= TN_LARGE_KEPT && (slab->flags & TN_MOVED)) {
        return false;
    }
    if (span > had) {
        if (span > UINT32_MAX || !tn_space_extend(space, slab, had, span, &zero)) {
            return false;
        }
    }
    if (span < had) {
        zero = (slab->flags & TN_MOVED) != 0 && tn_large_unmove(slab, span);
    }
    slab->span = (uint32_t)span;
    slab->large_size = (span << TN_SLICE_SHIFT) - start;
    if (span < had) {
        tn_set_kind(&slab[span], TN_NONE);
        tn_space_give(space, &slab[span], had - span, zero);
    }
    return true;
}
