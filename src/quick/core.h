/* The core: taking a block out of the index and giving one back. Straight-line code, called with
 * the heap to itself. It only sees that something is broken; proof.c finds out what. */
#ifndef TN_QUICK_CORE_H
#define TN_QUICK_CORE_H

#include "quick/index.h"

/* The block size for `size` bytes of payload; `size` is below TN_LIMIT. */
static inline tn_word
tn_round(const struct tarn_quick *q, size_t size)
{
    tn_word bytes = ((tn_word)size + q->round) & q->mask;

    return bytes < TN_MIN ? (tn_word)TN_MIN : bytes;
}

/* Notes that `bytes` more are not free. */
static inline void
tn_count(struct tarn_quick *q, size_t bytes)
{
#if defined(__GNUC__)
    if (TN_UNLIKELY(__builtin_sub_overflow(q->below, (tn_word)bytes, &q->below))) {
        q->peak -= q->below;
        q->below = 0;
    }
#else
    q->below -= (tn_word)bytes;
    if (q->below > (tn_word)0 - (tn_word)bytes - 1) {
        q->peak -= q->below;
        q->below = 0;
    }
#endif
}

/* Writes a free block's header and tag. */
static inline void
tn_mark_free(struct tn_block *block, size_t size)
{
    block->head = (tn_word)size;
    *tn_tag(block, size) = (tn_word)size;
}

/* Multiples of 8 from the lowest payload to `object`; beyond any span for one that is not at a
 * multiple of 8, lies below, or is NULL. */
static inline uintptr_t
tn_place(const struct tarn_quick *q, const void *object)
{
    uintptr_t bytes = (uintptr_t)object - q->low;

    return bytes >> 3 | bytes << (sizeof bytes * 8 - 3);
}

/* Makes the TN_BATCH - 1 blocks from `block` on, which a free one precedes, into a quick list, the
 * last of it first but one. Of four objects given out in a row, the block behind these being the
 * first of them, every second one then has another beside it: a program that frees every second
 * object leaves gaps of two. */
TN_CORE void
tn_cut_batch(struct tarn_quick *q, struct tn_block *block, size_t size)
{
    struct tn_list *list = tn_quick_list(q, size);
    struct tn_block *second = tn_after(block, size);
    struct tn_block *third = tn_after(second, size);
    tn_word head = (tn_word)size | TN_USED | TN_ODD;

    block->head = head | TN_PREV_FREE;
    block->next = 0;
    third->head = head;
    third->next = tn_link_to(q, tn_payload(block));
    second->head = head;
    second->next = tn_link_to(q, tn_payload(third));
    list->top = tn_link_to(q, tn_payload(second));
    list->room -= (tn_room)(TN_BATCH - 1);
}

/* Takes a block of `size` bytes, a multiple of the granule, out of the index and returns it, in
 * use. NULL: there is none, or the one found is damaged. The first block of the size's own bin is
 * tried, then the first of the next bin that has one: any of its blocks fits. Small blocks are cut
 * from the end of a free one, which mostly can stay in its bin; large ones from its front, so that
 * the two sorts gather at opposite ends and a large one finds room to grow behind it.
 *
 * With `batch`, when `size` is of an empty quick list and the free block is large, some more are
 * cut for the list on the way. */
TN_CORE struct tn_block *
tn_take(struct tarn_quick *q, size_t size, int batch)
{
    size_t bin = tn_bin(size);
    struct tn_block *block = tn_at(q, *tn_bin_head(q, bin));
    size_t whole = block->head;
    struct tn_block *taken;
    size_t rest;

    if (whole < size) {
        tn_word above = tn_map_above(q->map, bin);

        if (TN_UNLIKELY(above == 0)) {
            return NULL;
        }
        bin = tn_low_bit(above);
        block = tn_at(q, *tn_bin_head(q, bin));
        whole = block->head;
    }
    if (TN_UNLIKELY(*tn_tag(block, whole) != whole)) {
        return NULL;
    }
    rest = whole - size;
    if (rest >= TN_MIN && size < q->front) {
        tn_after(block, whole)->head &= ~TN_PREV_FREE;
        taken = tn_after(block, rest);
        taken->head = (tn_word)size | TN_USED | TN_PREV_FREE;
        if (!tn_same_bin(rest, whole)) {
            tn_count(q, size);
            tn_pop(q, block, bin);
            tn_mark_free(block, rest);
            tn_insert(q, block, rest);
            return taken;
        }
        if (TN_BATCH > 1 && batch && (size - TN_MIN) / 4 < q->top && rest >> 6 > size &&
            tn_same_bin(rest - (TN_BATCH - 1) * size, whole)) {
            taken->head = (tn_word)size | TN_USED;
            rest -= (TN_BATCH - 1) * size;
            tn_cut_batch(q, tn_after(block, rest), size);
            tn_count(q, size * TN_BATCH);
            tn_mark_free(block, rest);
            return taken;
        }
        tn_count(q, size);
        tn_mark_free(block, rest);
        if (batch) {
            q->top = q->map < q->plenty ? 0 : q->small_top;
        }
        return taken;
    }
    tn_pop(q, block, bin);
    if (rest < TN_MIN) {
        size = whole;
        tn_after(block, whole)->head &= ~TN_PREV_FREE;
    } else {
        taken = tn_after(block, size);
        tn_mark_free(taken, rest);
        tn_insert(q, taken, rest);
    }
    tn_count(q, size);
    block->head = (tn_word)size | TN_USED;
    return block;
}

/* Gives a block in use back to the index, joined with its free neighbours. `head` is its header.
 * Returns 1, or 0 when it or a neighbour is damaged; then nothing has changed. */
TN_CORE int
tn_give(struct tarn_quick *q, struct tn_block *block, tn_word head)
{
    size_t size = head & ~TN_FLAGS;
    size_t before = 0; /* the free blocks before and behind it */
    struct tn_block *next = tn_after(block, size);
    size_t behind = next->head;

    if (head & TN_PREV_FREE) {
        before = *tn_tag(block, 0);
        if (TN_UNLIKELY(tn_before(block, before)->head != before)) {
            return 0;
        }
    }
    if (behind & TN_USED) {
        if (TN_UNLIKELY(behind & TN_PREV_FREE)) {
            return 0;
        }
        next->head = (tn_word)(behind + TN_PREV_FREE);
        q->below += (tn_word)size;
    } else {
        if (TN_UNLIKELY(*tn_tag(next, behind) != behind)) {
            return 0;
        }
        q->below += (tn_word)size;
        size += behind;
        if (TN_BATCH > 1 && before == 0 && tn_same_bin(behind, size)) {
            tn_mark_free(block, size);
            tn_replace(q, next, block);
            return 1;
        }
        tn_unlink(q, next, tn_bin(behind));
    }
    block->head = 0; /* no longer in use, should it be freed again */
    block = tn_before(block, before);
    size += before;
    tn_mark_free(block, size);
    if (!tn_same_bin(before, size)) {
        if (before != 0) {
            tn_unlink(q, block, tn_bin(before));
        }
        tn_insert(q, block, size);
    }
    return 1;
}

/* The payload of a block from the quick list, in use; NULL when there is none. */
TN_CORE void *
tn_quick_pop(struct tarn_quick *q, struct tn_list *list)
{
    tn_link *payload = (tn_link *)tn_at(q, list->top);

    if (TN_UNLIKELY(list->top == 0)) {
        return NULL;
    }
    list->top = *payload;
    list->room++;
    *tn_head(payload) &= ~TN_ODD;
    return payload;
}

/* A quarter of what a block has beyond the smallest size, by its header, when that is one in use
 * and not odd; one more when a free block precedes it. Of any other header, something beyond all of
 * them. */
static inline tn_word
tn_quarter(tn_word head)
{
    head -= TN_USED + (tn_word)TN_MIN;
    return head >> 2 | head << (sizeof head * 8 - 2);
}

/* Puts an object whose block has `size` bytes on its quick list; returns whether there was room. */
TN_CORE int
tn_quick_push(struct tarn_quick *q, void *object, size_t size)
{
    struct tn_list *list = tn_quick_list(q, size);
    tn_link *payload = (tn_link *)object;

    if (TN_UNLIKELY(--list->room < 0)) {
        list->room = 0;
        return 0;
    }
    *tn_head(payload) |= TN_ODD;
    *payload = list->top;
    list->top = tn_link_to(q, payload);
    return 1;
}

/* Makes a block in use `size` bytes large, which is more than it has, with room from a free block
 * behind it. Returns 1 when it did, 0 when there is no room, -1 when the block behind is damaged.
 */
TN_CORE int
tn_grow(struct tarn_quick *q, struct tn_block *block, size_t size)
{
    tn_word head = block->head;
    size_t old = head & ~TN_FLAGS;
    struct tn_block *next = tn_after(block, old);
    size_t gain = next->head;
    size_t rest = old + gain - size;

    if (gain & TN_USED || old + gain < size) {
        return 0;
    }
    if (TN_UNLIKELY(*tn_tag(next, gain) != gain)) {
        return -1;
    }
    tn_unlink(q, next, tn_bin(gain));
    if (rest < TN_MIN) {
        size += rest;
        tn_after(block, size)->head &= ~TN_PREV_FREE;
    } else {
        next = tn_after(block, size);
        tn_mark_free(next, rest);
        tn_insert(q, next, rest);
    }
    tn_count(q, size - old);
    block->head = head + (tn_word)(size - old);
    return 1;
}

/* Splits `size` bytes off the front of a block in use; returns what is behind them, in use too. */
static inline struct tn_block *
tn_split(struct tn_block *block, size_t size)
{
    struct tn_block *rest = tn_after(block, size);

    rest->head = (tn_word)((block->head & ~TN_FLAGS) - size) | TN_USED;
    block->head = (tn_word)size | (block->head & TN_FLAGS);
    return rest;
}

#endif
