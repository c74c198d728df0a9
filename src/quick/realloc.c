/* realloc: in place when the object's slack, a shrink, or a free block behind it allows; else into
 * a new block; else, as a last resort, down into a free block before it. */
#include "quick/core.h"
#include "quick/guard.h"
#include "quick/memory.h"

/* When no block is left that could take the object: joins it with its free neighbours if that is
 * room enough, and slides it down. Returns the new block, or NULL. Heaps without a lock only, as
 * the object's bytes are moved with the heap in between. */
static TN_COLD struct tn_block *
slide(struct tarn_quick *q, struct tn_block *block, tn_word size)
{
    tn_word head = block->head;
    tn_word old = head & ~TN_FLAGS;
    struct tn_block *next = tn_after(block, old);
    tn_word behind = next->head & TN_USED ? 0 : next->head;
    tn_word before;
    tn_word whole;
    struct tn_block *prev;

    if (!(head & TN_PREV_FREE)) {
        return NULL;
    }
    before = *tn_tag(block, 0);
    prev = tn_before(block, before);
    whole = before + old + behind;
    if (prev->head != before || whole < size) {
        return NULL;
    }
    tn_unlink(q, prev, tn_bin(before));
    if (behind != 0) {
        tn_unlink(q, next, tn_bin(behind));
    }
    memmove(tn_payload(prev), tn_payload(block), old - TN_WORD);
    if (whole - size < TN_MIN) {
        size = whole;
        tn_after(prev, whole)->head &= ~TN_PREV_FREE;
    } else {
        tn_word rest = whole - size;

        next = tn_after(prev, size);
        tn_mark_free(next, rest);
        tn_insert(q, next, rest);
        tn_after(next, rest)->head |= TN_PREV_FREE;
    }
    prev->head = size | TN_USED;
    tn_count(q, size - old);
    return prev;
}

/* Gives back what a block has beyond `size` bytes, if that is enough for a block. Returns 1, or -1
 * when the block behind is damaged. */
TN_CORE int
trim(struct tarn_quick *q, struct tn_block *block, tn_word size)
{
    tn_word head = block->head;
    struct tn_block *rest;

    if ((head & ~TN_FLAGS) - size >= TN_MIN) {
        rest = tn_split(block, size);
        if (TN_UNLIKELY(!tn_give(q, rest, rest->head))) {
            block->head = head;
            return -1;
        }
    }
    return 1;
}

void *
tarn_quick_realloc(struct tarn_quick *q, void *object, size_t size)
{
    struct tn_block *block = tn_before((struct tn_block *)object, TN_WORD);
    struct tn_block *to = block;
    uintptr_t place;
    tn_word head;
    tn_word bytes;
    size_t old;
    size_t kept;
    int resized;

    if (TN_UNLIKELY(object == NULL)) {
        return size == 0 ? NULL : tarn_quick_malloc(q, size);
    }
    if (TN_UNLIKELY(size == 0)) {
        tn_quick_release(q, object, "realloc", TN_CALLER);
        return NULL;
    }
    place = tn_place(q, object);
    if (TN_UNLIKELY(place >= q->span || size >= q->limit)) {
        return tn_quick_reallocate(q, object, size, TN_CALLER);
    }
    head = block->head;
    if (TN_UNLIKELY(place + tn_quarter(head) / 2 + TN_MIN / 8 > q->span ||
                    tn_after(block, head & ~TN_FLAGS)->head & TN_PREV_FREE)) {
        return tn_quick_reallocate(q, object, size, TN_CALLER);
    }
    old = (head & ~TN_FLAGS) - TN_WORD;
    kept = old < size ? old : size;
    bytes = tn_round(q, size);
    resized = bytes > (head & ~TN_FLAGS) ? tn_grow(q, block, bytes) : trim(q, block, bytes);
    if (resized <= 0) {
        to = resized < 0 ? NULL : tn_take(q, bytes, 0);
        if (to != NULL) {
            memcpy(tn_payload(to), object, old);
            tarn_quick_free(q, object);
        } else if (resized < 0 || (to = slide(q, block, bytes)) == NULL) {
            /* Flush, ask for more, or report the damage; then it may fit after all. */
            return tn_quick_reallocate(q, object, size, TN_CALLER);
        }
    }
    memset((char *)tn_payload(to) + kept, 0, (to->head & ~TN_FLAGS) - TN_WORD - kept);
    return tn_payload(to);
}
