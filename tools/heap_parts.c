/* Goes through an image slice by slice, as far as its descriptors make sense. */
#include "heap_view.h"

#include "pool/pool.h"

#include <string.h>

static bool
add_free(struct heap_part *part, unsigned block)
{
    uint64_t bit = (uint64_t)1 << block % 64;
    if (block >= part->blocks || (part->free[block / 64] & bit) != 0) {
        return false;
    }
    part->free[block / 64] |= bit;
    part->live--;
    return true;
}

/* Follows a list as far as it leads to blocks of the slab that were not met before: its end leads
 * out of the slab. */
static void
add_list(const struct heap_view *view, const struct tn_slab *slab, struct heap_part *part,
         uintptr_t block)
{
    for (;;) {
        uintptr_t link;
        uint64_t offset = block - view->base - part->at;
        if (offset >= part->blocks * part->block_size || offset % part->block_size != 0 ||
            !add_free(part, (unsigned)(offset / part->block_size))) {
            return;
        }
        memcpy(&link, view->memory + part->at + offset, sizeof link);
        block = link ^ slab->key;
    }
}

static uint64_t
slab_part(const struct heap_view *view, const struct tn_slab *slab, struct heap_part *part)
{
    if (slab->size_class >= TN_CLASSES) {
        return 0;
    }
    const struct tn_class *class = &tn_classes[slab->size_class];
    part->kind = HEAP_SLAB;
    part->block_size = class->size;
    part->blocks = class->capacity;
    part->live = class->capacity;
    unsigned units = class->unit_shift == 0 ? class->capacity : TN_SLICE >> class->unit_shift;
    for (unsigned unit = 0; unit < units && unit < 64; unit++) {
        unsigned from = 0;
        unsigned to = 0;
        if ((slab->bare >> unit & 1) != 0) {
            tn_slab_unit(class, unit, &from, &to);
        }
        for (; from < to; from++) {
            add_free(part, from);
        }
    }
    add_list(view, slab, part, slab->head);
    uint64_t word = atomic_load_explicit(&slab->remote, memory_order_relaxed);
    if (tn_remote_first(word) != TN_REMOTE_END) {
        add_list(view, slab, part, (uintptr_t)(view->base + part->at + tn_remote_first(word) * 8));
    }
    return class->span;
}

static uint64_t
large_part(const struct heap_view *view, const struct tn_slab *slab, struct heap_part *part)
{
    uint64_t size = (uint64_t)slab->span << TN_SLICE_SHIFT;
    uint64_t lead = (uintptr_t)slab->large_start - view->base - part->at;
    part->kind = HEAP_LARGE;
    part->lead = lead < size ? lead : 0;
    part->block_size = size - part->lead;
    part->blocks = 1;
    part->live = 1;
    return slab->span;
}

static uint64_t
pool_part(const struct heap_view *view, const struct tn_slab *slab, struct heap_part *part)
{
    uint64_t size = (uint64_t)slab->span << TN_SLICE_SHIFT;
    const struct tn_pool *pool = heap_at(view, tn_slab_owner(slab), sizeof *pool);
    uint64_t words = ((uint64_t)slab->entered + 63) / 64;
    part->kind = HEAP_POOL;
    part->pool_free = heap_at(view, (uintptr_t)slab->bits, words * 8);
    if (pool == NULL || part->pool_free == NULL || tn_slab_owner(slab) % 8 != 0 ||
        (uintptr_t)slab->bits % 8 != 0 || pool->stride == 0 || pool->lead > size ||
        pool->capacity > (size - pool->lead) / pool->stride || slab->entered > pool->capacity) {
        return slab->span;
    }
    part->lead = pool->lead;
    part->block_size = pool->stride;
    part->blocks = pool->capacity;
    part->pool_entered = slab->entered;
    part->live = slab->entered;
    for (unsigned i = 0; i < slab->entered; i++) {
        part->live -= (unsigned)(part->pool_free[i / 64] >> i % 64 & 1);
    }
    return slab->span;
}

bool
heap_is_live(const struct heap_part *part, unsigned block)
{
    if (part->kind == HEAP_SLAB) {
        return (part->free[block / 64] >> block % 64 & 1) == 0;
    }
    if (part->kind == HEAP_POOL) {
        return block < part->pool_entered && (part->pool_free[block / 64] >> block % 64 & 1) == 0;
    }
    return part->kind == HEAP_LARGE;
}

/* What begins at a slice: its slices, or 0 when that is nothing that can be. */
static uint64_t
take_part(const struct heap_view *view, uint32_t slice, struct heap_part *part)
{
    const struct tn_slab *slab = &view->slabs[slice];
    switch (tn_kind(slab)) {
    case TN_SLAB:
        return slab_part(view, slab, part);
    case TN_LARGE:
        return large_part(view, slab, part);
    case TN_POOL:
        return pool_part(view, slab, part);
    case TN_META:
        part->kind = HEAP_OWN;
        return 1;
    case TN_FREE:
    case TN_HELD:
    case TN_PURGING:
        part->kind = HEAP_FREE;
        part->zero = tn_kind(slab) == TN_FREE && (slab->flags & TN_ZERO) != 0;
        return slab->span;
    default:
        return 0;
    }
}

bool
heap_next_part(const struct heap_view *view, uint32_t *slice, struct heap_part *part)
{
    memset(part, 0, sizeof *part);
    if (*slice >= view->frontier) {
        return false;
    }
    if (*slice == 0) {
        part->kind = HEAP_OWN;
        part->size = (uint64_t)view->first << TN_SLICE_SHIFT;
        *slice = view->first;
        return true;
    }
    part->at = (uint64_t)*slice << TN_SLICE_SHIFT;
    uint64_t span = take_part(view, *slice, part);
    if (span == 0 || span > view->frontier - *slice) {
        memset(part, 0, sizeof *part);
        part->kind = HEAP_STRANGE;
        part->at = (uint64_t)*slice << TN_SLICE_SHIFT;
        span = 1;
    }
    part->size = span << TN_SLICE_SHIFT;
    *slice += (uint32_t)span;
    return true;
}

bool
heap_next_block(struct heap_blocks *blocks)
{
    for (;;) {
        const struct heap_part *part = &blocks->part;
        while (blocks->next < part->blocks) {
            unsigned i = blocks->next++;
            if (heap_is_live(part, i)) {
                blocks->at = part->at + part->lead + i * part->block_size;
                blocks->size = part->block_size;
                return true;
            }
        }
        blocks->next = 0;
        if (!heap_next_part(blocks->view, &blocks->slice, &blocks->part)) {
            return false;
        }
    }
}
