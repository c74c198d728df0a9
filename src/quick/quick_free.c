/* free: a quick size goes on its list, everything else to the index at once. */
#include "quick/core.h"
#include "quick/guard.h"

/* free when no quick list takes the object; `reach` is the place behind it, or beyond all when it
 * is not in use. What is amiss here is found again, and named, by tn_quick_release. */
static TN_NOINLINE void
free_to_index(struct tarn_quick *q, void *object, tn_word head, uintptr_t reach)
{
    if (TN_UNLIKELY(reach > q->span ||
                    !tn_give(q, tn_before((struct tn_block *)object, TN_WORD), head))) {
        tn_quick_release(q, object, "free", TN_CALLER);
    }
}

void
tarn_quick_free(struct tarn_quick *q, void *object)
{
    uintptr_t place = tn_place(q, object);

    if (TN_LIKELY(place < q->span)) {
        tn_word head = *tn_head(object);
        tn_word quarter = tn_quarter(head);

        if (quarter >= q->top || !tn_quick_push(q, object, head & ~TN_FLAGS)) {
            free_to_index(q, object, head, place + quarter / 2 + TN_MIN / 8);
        }
        return;
    }
    tn_quick_release(q, object, "free", TN_CALLER);
}
