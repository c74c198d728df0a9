/* Making a heap, handing regions in and taking them back. */
#include "quick/core.h"
#include "quick/guard.h"
#include "quick/memory.h"
#include "quick/proof.h"
#include "quick/quick_lists.h"
#include "quick/walk.h"

/* Sizes with a quick list, by the size of the first region: more lists than a small heap can use
 * would only cost it memory, and blocks lying on them would split it. */
static uint32_t
largest_quick(size_t region, unsigned options)
{
    if (options & (TARN_QUICK_IMMEDIATE | TARN_QUICK_CHECKED) || region < 8192) {
        return 0;
    }
    return region < 32768 ? 48 : region < 262144 ? 128 : region < 4194304 ? 256 : 512;
}

/* Lays one free block and the closing header between `start`, where the first payload may begin at
 * the earliest, and `end`. Returns the block, or NULL when there is no room. */
static struct tn_block *
lay(struct tarn_quick *q, uintptr_t start, uintptr_t end, struct tn_region *region)
{
    uintptr_t granule = (uintptr_t)(tn_word)~q->mask;
    uintptr_t payload = (start + TN_WORD + granule) & ~granule;
    uintptr_t close = (end & ~granule) - TN_WORD; /* the closing header, at a block's place */
    struct tn_block *block = (struct tn_block *)(payload - TN_WORD);
    uintptr_t size;

    if (close < payload || close - (payload - TN_WORD) < TN_MIN) {
        return NULL;
    }
    size = close - (payload - TN_WORD);
    if (size >= TN_LIMIT) {
        return NULL;
    }
#if TN_OFFSETS
    if ((intptr_t)(close - (uintptr_t)q) >= 0x7fff0000) {
        return NULL;
    }
#endif
    if (q->flags & TARN_QUICK_CHECKED) {
        memset(block, TN_CLEAN, size);
    }
    block->head = (tn_word)size;
    *tn_tag(block, size) = (tn_word)size;
    tn_after(block, size)->head = TN_USED | TN_PREV_FREE;
    region->size = (tn_word)size;
    return block;
}

/* Makes low, extent and span take in a region's block. */
static void
cover(struct tarn_quick *q, const struct tn_block *block, tn_word size)
{
    uintptr_t payload = (uintptr_t)tn_payload(block);
    uintptr_t end = payload + size; /* behind the closing header */
    uintptr_t known = q->low + (uintptr_t)q->extent * 8;

    if (q->low == 0 || payload < q->low) {
        q->low = payload;
    }
    q->extent = (tn_word)(((end > known ? end : known) - q->low) / 8);
    q->span = q->flags & TN_GUARDED ? 0 : q->extent;
}

struct tarn_quick *
tarn_quick_init(void *memory, size_t size, unsigned options, const struct tarn_quick_hooks *hooks)
{
    uintptr_t end = (uintptr_t)memory + size;
    struct tarn_quick *q = (struct tarn_quick *)(((uintptr_t)memory + 7) & ~(uintptr_t)7);
    unsigned granule = options & TARN_QUICK_ALIGN16 ? 16 : 8;
    struct tn_block *block;
    size_t bins;
    size_t i;

    if (memory == NULL || end < (uintptr_t)memory || size >= TN_LIMIT || size < TN_MIN ||
        (uintptr_t)(q + 1) > end) {
        return NULL;
    }
    bins =
        tn_bin(options & TARN_QUICK_GROWS ? (tn_word)TN_LIMIT : (tn_word)size) + 1 - TN_FIRST_BIN;
    if (end - (uintptr_t)q < sizeof *q + bins * sizeof(tn_link)) {
        return NULL;
    }
    memset(q, 0, sizeof *q);
    q->flags = (options & 0xffu) | (size < 262144 ? 0 : TN_DEEP) |
               largest_quick(size, options) / 8 << 16 | (uint32_t)bins << 24;
    q->hooks = hooks;
    q->nil.next = tn_link_to(q, q);
    q->first.next = q->nil.next;
    q->first.prev = q->nil.next;
    q->mask = (tn_word)0 - granule;
    q->round = (tn_word)(TN_WORD + tn_extra(q) + granule - 1);
    for (i = 0; i < bins; i++) {
        q->bin[i] = q->nil.next;
    }
    if (options & (TARN_QUICK_TAGS | TARN_QUICK_CHECKED) ||
        (hooks != NULL && (hooks->lock != NULL || hooks->trace != NULL))) {
        q->flags |= TN_GUARDED;
    } else {
        /* The least size that would need a bin more, less what rounding may add. */
        q->limit = options & TARN_QUICK_GROWS ? (tn_word)TN_LIMIT
                                              : (tn_word)((tn_word)1 << (bins + TN_FIRST_BIN)) - 32;
    }
    block = lay(q, (uintptr_t)&q->bin[bins], end, &q->first);
    if (block == NULL) {
        return NULL;
    }
    q->front = (uint16_t)(q->first.size >> 5 < 4096 ? q->first.size >> 5 : 4096);
    q->plenty = (tn_word)1 << tn_bin(q->first.size >> 4 | TN_MIN);
    cover(q, block, q->first.size);
    tn_insert(q, block, q->first.size);
    tn_quick_lend(q);
    return q;
}

/* Where a later region's own record lies. */
static struct tn_region *
record(void *memory)
{
    return (struct tn_region *)(((uintptr_t)memory + 7) & ~(uintptr_t)7);
}

bool
tarn_quick_add(struct tarn_quick *q, void *memory, size_t size)
{
    struct tn_region *region = record(memory);
    uintptr_t end = (uintptr_t)memory + size;
    struct tn_block *block;
    uintptr_t saved;

    if (memory == NULL || end < (uintptr_t)memory || size < sizeof *region + 64) {
        return false;
    }
#if TN_OFFSETS
    if ((intptr_t)((uintptr_t)region - (uintptr_t)q) <= -0x7fff0000) {
        return false;
    }
#endif
    block = lay(q, (uintptr_t)(region + 1), end, region);
    if (block == NULL) {
        return false;
    }
    if (tn_bin(region->size) - TN_FIRST_BIN >= TN_BINS(q->flags)) {
        return false;
    }
    saved = tn_quick_lock(q);
    region->next = q->first.next;
    region->prev = tn_link_to(q, &q->first);
    if (tn_at(q, region->next) != &q->nil) {
        ((struct tn_region *)tn_at(q, region->next))->prev = tn_link_to(q, region);
    }
    q->first.next = tn_link_to(q, region);
    cover(q, block, region->size);
    tn_insert(q, block, region->size);
    tn_quick_lend(q);
    tn_quick_unlock(q, saved);
    return true;
}

bool
tarn_quick_remove(struct tarn_quick *q, void *memory)
{
    struct tn_region *region = record(memory);
    struct tn_block *block;
    uintptr_t saved;
    bool known = false;
    bool empty;
    tn_link at;

    tarn_quick_flush(q);
    saved = tn_quick_lock(q);
    for (at = q->first.next; tn_at(q, at) != &q->nil;
         at = ((struct tn_region *)tn_at(q, at))->next) {
        known = known || (void *)tn_at(q, at) == (void *)region;
    }
    if (!known) {
        tn_quick_unlock(q, saved);
        return false;
    }
    block = tn_quick_first_block(q, region);
    empty = block->head == region->size; /* one free block: no flags */
    if (empty) {
        tn_unlink(q, block, tn_bin(block->head));
        tn_quick_leave_region(q, region);
        ((struct tn_region *)tn_at(q, region->prev))->next = region->next;
        if (tn_at(q, region->next) != &q->nil) {
            ((struct tn_region *)tn_at(q, region->next))->prev = region->prev;
        }
    }
    tn_quick_unlock(q, saved);
    return empty;
}
