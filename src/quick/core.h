/* The core: taking a block out of the index and giving one back. Straight-line code, called with
 * the heap to itself. What goes wrong is handed up as a sentence in *what, for the caller to report
 * once it has let go of the lock. */
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

static inline void
tn_count(struct tarn_quick *q, tn_word bytes)
{
    tn_word used = q->used + bytes;

    q->used = used;
    if (used > q->peak) {
        q->peak = used;
    }
}

/* Makes TN_BATCH - 1 blocks from `block` on, which a free one precedes, into a quick list. */
TN_CORE void
tn_cut_batch(struct tarn_quick *q, struct tn_block *block, tn_word size)
{
    struct tn_list *list = tn_quick_list(q, size);
    struct tn_block *second = tn_after(block, size);
    struct tn_block *third = tn_after(second, size);

    block->head = size | TN_USED | TN_ODD | TN_PREV_FREE;
    block->next = tn_link_to(q, &q->nil);
    second->head = size | TN_USED | TN_ODD;
    second->next = tn_link_to(q, block);
    third->head = size | TN_USED | TN_ODD;
    third->next = tn_link_to(q, second);
    list->top = tn_link_to(q, third);
    list->count = TN_BATCH - 1;
}

/* Takes a block of `size` bytes, a multiple of the granule, out of the index and returns it, in
 * use. NULL: there is none, or *what says what is broken. The first block of the size's own bin is
 * tried, then the first of the next bin that has one: any of its blocks fits. Small blocks are cut
 * from the end of a free one, which mostly can stay in its bin; large ones from its front, so that
 * the two sorts gather at opposite ends and a large one finds room to grow behind it.
 *
 * When `size` has an empty quick list that takes blocks below `top`, and the free block is large,
 * some more are cut for the list on the way. */
TN_CORE struct tn_block *
tn_take(struct tarn_quick *q, tn_word size, tn_word top, const char **what)
{
    unsigned bin = tn_bin(size);
    struct tn_block *block = tn_at(q, q->bin[bin]);
    tn_word whole = block->head;
    tn_word rest;

    if (whole < size) {
        bin = tn_map_above(&q->map, bin);
        if (TN_UNLIKELY(bin == 0)) {
            return NULL;
        }
        block = tn_at(q, q->bin[bin]);
        whole = block->head;
    }
    rest = whole - size;
    if (TN_UNLIKELY(*tn_tag(block, whole) != whole)) {
        *what = "free block damaged (write after free or overrun)";
        return NULL;
    }
    if (rest >= TN_MIN && size < q->front) {
        struct tn_block *taken = tn_after(block, rest);

        tn_after(taken, size)->head &= ~TN_PREV_FREE;
        if (tn_same_bin(rest, whole)) {
            tn_word less = rest - (TN_BATCH - 1) * size;

            if (TN_BATCH > 1 && size < top && rest >> 6 > size && tn_same_bin(less, whole) &&
                !tn_map_below(&q->map, &q->plenty)) {
                tn_count(q, TN_BATCH * size);
                taken->head = size | TN_USED;
                block->head = less;
                *tn_tag(block, less) = less;
                tn_cut_batch(q, tn_after(block, less), size);
                return taken;
            }
            tn_count(q, size);
            taken->head = size | TN_USED | TN_PREV_FREE;
            block->head = rest;
            *tn_tag(block, rest) = rest;
            return taken;
        }
        tn_count(q, size);
        taken->head = size | TN_USED | TN_PREV_FREE;
        block->head = rest;
        *tn_tag(block, rest) = rest;
        tn_pop(q, block, bin);
        tn_insert(q, block, rest);
        return taken;
    }
    tn_pop(q, block, bin);
    if (rest < TN_MIN) {
        tn_count(q, whole);
        tn_after(block, whole)->head &= ~TN_PREV_FREE;
        block->head = whole | TN_USED;
        return block;
    }
    tn_count(q, size);
    block->head = size | TN_USED;
    block = tn_after(block, size);
    block->head = rest;
    *tn_tag(block, rest) = rest;
    tn_insert(q, block, rest);
    return tn_before(block, size);
}

/* Gives a block in use back to the index, joined with its free neighbours. `head` is its header.
 * Returns NULL, or what is broken; then nothing has changed. */
TN_CORE const char *
tn_give(struct tarn_quick *q, struct tn_block *block, tn_word head)
{
    tn_word size = head & ~TN_FLAGS;
    struct tn_block *next = tn_after(block, size);
    tn_word next_head = next->head;
    tn_word whole = size;

    if (TN_UNLIKELY(next_head & TN_PREV_FREE)) {
        return "header damaged (overrun, or not an object's address)";
    }
    if (!(next_head & TN_USED)) {
        if (TN_UNLIKELY(*tn_tag(next, next_head) != next_head)) {
            return "block behind it damaged (overrun or write after free)";
        }
        whole += next_head;
    }
    if (head & TN_PREV_FREE) {
        tn_word before = *tn_tag(block, 0);
        struct tn_block *prev = tn_before(block, before);

        if (TN_UNLIKELY(prev->head != before)) {
            return "block before it damaged (overrun or write after free)";
        }
        q->used -= size;
        block->head = size; /* no longer in use, should it be freed again */
        whole += before;
        if (next_head & TN_USED) {
            next->head = next_head | TN_PREV_FREE;
        } else {
            tn_unlink(q, next);
        }
        prev->head = whole;
        *tn_tag(prev, whole) = whole;
        if (!tn_same_bin(before, whole)) {
            tn_unlink(q, prev);
            tn_insert(q, prev, whole);
        }
        return NULL;
    }
    q->used -= size;
    if (next_head & TN_USED) {
        next->head = next_head | TN_PREV_FREE;
    } else {
        tn_unlink(q, next);
    }
    block->head = whole;
    *tn_tag(block, whole) = whole;
    tn_insert(q, block, whole);
    return NULL;
}

/* A block of `size` bytes from its quick list, in use; NULL when there is none. */
TN_CORE struct tn_block *
tn_quick_pop(struct tarn_quick *q, tn_word size)
{
    struct tn_list *list = tn_quick_list(q, size);
    struct tn_block *block = tn_at(q, list->top);

    if (block == &q->nil) {
        return NULL;
    }
    list->top = block->next;
    list->count--;
    block->head &= ~TN_ODD;
    return block;
}

/* Puts a block in use on its quick list; returns whether there was room, and plenty of memory
 * besides. */
TN_CORE int
tn_quick_push(struct tarn_quick *q, struct tn_block *block, tn_word head)
{
    struct tn_list *list = tn_quick_list(q, head & ~TN_FLAGS);

    if (list->count >= TN_DEPTH || tn_map_below(&q->map, &q->plenty)) {
        return 0;
    }
    list->count++;
    block->head = head | TN_ODD;
    block->next = list->top;
    list->top = tn_link_to(q, block);
    return 1;
}

/* Makes a block in use `size` bytes large if it can without moving; returns whether it did. What
 * it gives up goes to the index, what it needs comes from a free block behind it. */
TN_CORE int
tn_resize(struct tarn_quick *q, struct tn_block *block, tn_word size, const char **what)
{
    tn_word head = block->head;
    tn_word old = head & ~TN_FLAGS;
    struct tn_block *next = tn_after(block, old);
    tn_word rest;

    if (size > old) {
        tn_word gain = next->head;

        if (gain & TN_USED || old + gain < size) {
            return 0;
        }
        if (TN_UNLIKELY(*tn_tag(next, gain) != gain)) {
            *what = "block behind it damaged (overrun or write after free)";
            return 0;
        }
        tn_unlink(q, next);
        rest = old + gain - size;
        if (rest < TN_MIN) {
            size += rest;
            rest = 0;
        }
        tn_count(q, size - old);
        block->head = head + (size - old);
        next = tn_after(block, size);
        if (rest == 0) {
            next->head &= ~TN_PREV_FREE;
        } else {
            next->head = rest;
            *tn_tag(next, rest) = rest;
            tn_insert(q, next, rest);
        }
        return 1;
    }
    rest = old - size;
    if (rest >= TN_MIN) {
        struct tn_block *tail = tn_after(block, size);

        block->head = size | (head & TN_FLAGS);
        tail->head = rest | TN_USED;
        *what = tn_give(q, tail, rest | TN_USED);
        if (TN_UNLIKELY(*what != NULL)) {
            block->head = head;
            return 0;
        }
    }
    return 1;
}

#endif
