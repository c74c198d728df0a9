/*
 * A large block that is reallocated moves with its pages, which are not copied. But the system
 * knows a page of anonymous memory by the address at which it was first touched, so that pages that
 * were moved are a mapping of their own for good, which joins no neighbour, and those around it
 * are cut in two: without a limit a program that moves many blocks has thousands of mappings, of
 * 65,530 that it may have. Therefore
 *  - a block says which of its slices came from elsewhere, and in how many pieces: those from its
 *    start on, each moved in one call, for older systems move no more than one mapping at a time;
 *  - these slices are mapped anew when they are freed, after which they are as any other;
 *  - a heap has a limited number of pieces, the more the larger the block that is to move is,
 *    since copying costs by size; where there are no more it is copied, and is whole again;
 *  - pieces of two blocks never touch: between them is a slice that no pages were moved to. A slice
 *    freed between two pieces would be a mapping apart, and for good once its pages were touched.
 * What a fork's child inherited joins nothing anew, so in such memory blocks are copied.
 */
#include "heap/large.h"
#include "heap/sample.h"
#include "heap/slab_list.h"

#include <string.h>

#define MOVE_LEAST  ((size_t)64) /* slices: below 4 MiB a copy is as cheap as moving the pages */
#define PIECES_STEP 16u          /* for blocks of 4 MiB, and for each doubling; two mappings each */

static uint32_t
pieces_allowed(size_t span)
{
    return PIECES_STEP * (tn_log2(span / MOVE_LEAST) + 1);
}

/* False: the heap has as many pieces as it should have for blocks of so many slices. */
static bool
reserve_piece(struct tn_heap *heap, size_t span)
{
    if (atomic_fetch_add_explicit(&heap->moved, 1, memory_order_relaxed) < pieces_allowed(span)) {
        return true;
    }
    atomic_fetch_sub_explicit(&heap->moved, 1, memory_order_relaxed);
    return false;
}

static bool
is_inherited(const struct tn_space *space, const struct tn_slab *slab)
{
    return tn_slab_index(space, slab) < space->inherited;
}

/* Slices from elsewhere, from the start of a block on. */
static size_t
moved_of(const struct tn_slab *slab)
{
    return slab->flags & TN_MOVED ? slab->moved : 0;
}

/* Where the piece ends that begins at this slice of a block. */
static size_t
piece_end(const struct tn_slab *slab, size_t from)
{
    size_t moved = moved_of(slab);
    if (from >= moved) {
        return slab->span;
    }
    size_t end = from + 1;
    while (end < moved && (slab[end].flags & TN_MOVED) == 0) {
        end++;
    }
    return end;
}

bool
tn_large_unmove(struct tn_slab *slab, size_t from)
{
    struct tn_space *space = tn_space_of(slab);
    char *start = tn_slab_base(space, slab) + (from << TN_SLICE_SHIFT);
    size_t size = (slab->span - from) << TN_SLICE_SHIFT;
    bool done = space->backing->renew(space, start, size);
    if (from != 0) {
        slab->moved = (uint32_t)tn_min(slab->moved, from);
    } else if (done && !is_inherited(space, slab)) {
        atomic_fetch_sub_explicit(&space->heap->moved, slab->pieces, memory_order_relaxed);
    }
    return done || space->backing->purge(space, start, size);
}

/* NULL: none that may be moved to. */
static struct tn_slab *
take_target(struct tn_heap *heap, const struct tn_backing *backing, size_t span)
{
    bool zero;
    struct tn_slab *target = tn_heap_take(heap, span + 2, TN_SLICE, &zero);
    if (target == NULL) {
        return NULL;
    }
    struct tn_space *space = tn_space_of(target);
    if (space->backing != backing || is_inherited(space, target)) {
        tn_heap_give(target, span + 2, zero);
        return NULL;
    }
    return tn_space_narrow(space, target, 1, span, 1, zero);
}

/* Moves a block piece by piece, or copies one that cannot be moved after others were. Returns the
 * pieces; 0: not even the first one could be. */
static uint32_t
move_pieces(struct tn_slab *slab, struct tn_slab *target)
{
    struct tn_space *space = tn_space_of(slab);
    char *from = tn_slab_base(space, slab);
    char *to = tn_slab_base(tn_space_of(target), target);
    uint32_t pieces = 0;
    size_t end;
    for (size_t i = 0; i < slab->span; i = end) {
        end = piece_end(slab, i);
        size_t offset = i << TN_SLICE_SHIFT;
        size_t size = (end - i) << TN_SLICE_SHIFT;
        if (!space->backing->move(space, from + offset, to + offset, size)) {
            if (i == 0) {
                return 0;
            }
            memcpy(to + offset, from + offset, size);
        }
        target[i].flags |= TN_MOVED;
        pieces++;
    }
    return pieces;
}

void *
tn_large_move(struct tn_slab *slab, size_t size)
{
    struct tn_space *space = tn_space_of(slab);
    struct tn_heap *heap = space->heap;
    size_t had = slab->span;
    size_t span = tn_large_slices(size);
    if (had < MOVE_LEAST || slab->large_start != tn_slab_base(space, slab) ||
        space->backing->move == NULL || is_inherited(space, slab) || span < had) {
        return NULL;
    }
    bool one_more = moved_of(slab) < had;
    if (one_more && !reserve_piece(heap, had)) {
        return NULL;
    }
    struct tn_slab *target = take_target(heap, space->backing, span);
    uint32_t pieces = target != NULL ? move_pieces(slab, target) : 0;
    uint32_t counted = (slab->flags & TN_MOVED ? slab->pieces : 0) + one_more;
    if (pieces == 0) {
        if (target != NULL) {
            tn_heap_give(target, span, false);
        }
        atomic_fetch_sub_explicit(&heap->moved, one_more, memory_order_relaxed);
        return NULL;
    }
    /* Fewer than counted when the block has been shorter in between. */
    atomic_fetch_sub_explicit(&heap->moved, counted - pieces, memory_order_relaxed);
    tn_sample_drop(slab);
    void *moved = tn_large_finish(target, span, 0);
    target->flags = TN_MOVED;
    target->moved = (uint32_t)had;
    target->pieces = pieces;
    bool zero = moved_of(slab) == 0 ||
                space->backing->renew(space, tn_slab_base(space, slab), had << TN_SLICE_SHIFT);
    tn_set_kind(slab, TN_HELD);
    tn_heap_give(slab, had, zero);
    return moved;
}
