/* The quick lists' own block, lent to them while there is plenty, and the way back to the index. */
#include "quick/quick_lists.h"
#include "quick/core.h"
#include "quick/guard.h"
#include "quick/proof.h"

void
tn_quick_lend(struct tarn_quick *q)
{
    tn_word largest = TN_QUICKS(q->flags);
    struct tn_block *block;
    tn_word size;

    if (q->lists != 0 || largest == 0 || q->map < q->plenty) {
        return;
    }
    block = tn_take(q, tn_round(q, ((largest - TN_MIN) / 8 + 1) * sizeof(struct tn_list)), 0);
    if (block == NULL) {
        return;
    }
    block->head |= TN_ODD;
    q->lists = (uintptr_t)tn_payload(block) - TN_MIN * (sizeof(struct tn_list) / 8);
    for (size = TN_MIN; size <= largest; size += 8) {
        tn_quick_list(q, size)->top = 0;
        tn_quick_list(q, size)->room = TN_DEPTH(q->flags);
    }
    if (!(q->flags & TN_GUARDED)) {
        q->small_top = (uint16_t)((largest - TN_MIN) / 4 + 2);
        q->top = q->small_top;
        q->small = (uint32_t)(largest - TN_WORD + 1);
    }
}

int
tn_quick_flush_one(struct tarn_quick *q, const char **what)
{
    struct tn_block *block;
    void *payload = NULL;
    tn_word size;

    if (q->lists == 0) {
        return 0;
    }
    for (size = TN_QUICKS(q->flags); size >= TN_MIN && payload == NULL; size -= 8) {
        payload = tn_quick_pop(q, tn_quick_list(q, size));
    }
    if (payload == NULL) {
        payload = tn_quick_list(q, TN_MIN);
        *tn_head(payload) &= ~TN_ODD;
        q->lists = 0;
        q->top = 0;
        q->small_top = 0;
        q->small = 0;
    }
    block = tn_before((struct tn_block *)payload, TN_WORD);
    *what = tn_quick_is_plausible(q, block) ? tn_quick_give_clean(q, block) : tn_quick_implausible;
    return *what == NULL;
}

void
tarn_quick_flush(struct tarn_quick *q)
{
    const char *what = NULL;
    int more;

    do {
        uintptr_t saved = tn_quick_lock(q);

        more = tn_quick_flush_one(q, &what);
        tn_quick_unlock(q, saved);
    } while (more);
    if (what != NULL) {
        tn_quick_panic(q, "flush", what, NULL);
    }
}
