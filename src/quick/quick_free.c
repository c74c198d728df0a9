/* free: a quick size goes on its list, everything else to the index at once. */
#include "quick/core.h"
#include "quick/guard.h"

/* Multiples of 8 from the lowest payload to `object`; beyond any span for one that is not at a
 * multiple of 8, lies below, or is NULL. */
static inline uintptr_t
distance(const struct tarn_quick *q, const void *object)
{
    uintptr_t bytes = (uintptr_t)object - q->low;

    return bytes >> 3 | bytes << (sizeof bytes * 8 - 3);
}

/* free when no quick list takes the block. What is amiss here is found again, and named, by
 * tn_quick_release. */
static TN_NOINLINE void
free_to_index(struct tarn_quick *q, struct tn_block *block, tn_word head)
{
    if (TN_UNLIKELY((uintptr_t)tn_after(block, head & ~TN_FLAGS) > q->end ||
                    tn_give(q, block, head) != NULL)) {
        tn_quick_release(q, tn_payload(block), "free", TN_CALLER);
    }
}

void
tarn_quick_free(struct tarn_quick *q, void *object)
{
    if (TN_LIKELY(distance(q, object) < q->span)) {
        struct tn_block *block = tn_before((struct tn_block *)object, TN_WORD);
        tn_word head = block->head;

        if (TN_LIKELY(((head - TN_USED) & (TN_USED | TN_ODD)) == 0)) {
            if (head >= q->top || !tn_quick_push(q, block, head)) {
                free_to_index(q, block, head);
            }
            return;
        }
    }
    tn_quick_release(q, object, "free", TN_CALLER);
}
