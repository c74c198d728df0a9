/* free: a quick size goes on its list, everything else to the index at once. */
#include "quick/core.h"
#include "quick/guard.h"

/* free when no quick list takes the block. What is amiss here is found again, and named, by
 * tn_quick_release. */
static TN_NOINLINE void
free_to_index(struct tarn_quick *q, struct tn_block *block, tn_word head)
{
    if (TN_UNLIKELY((head & (TN_USED | TN_ODD)) != TN_USED ||
                    (uintptr_t)tn_after(block, head & ~TN_FLAGS) > q->end ||
                    !tn_give(q, block, head))) {
        tn_quick_release(q, tn_payload(block), "free", TN_CALLER);
    }
}

void
tarn_quick_free(struct tarn_quick *q, void *object)
{
    if (TN_LIKELY(tn_place(q, object) < q->span)) {
        struct tn_block *block = tn_before((struct tn_block *)object, TN_WORD);
        tn_word head = block->head;

        if (tn_quarter(head) >= q->top || !tn_quick_push(q, block, head)) {
            free_to_index(q, block, head);
        }
        return;
    }
    tn_quick_release(q, object, "free", TN_CALLER);
}
