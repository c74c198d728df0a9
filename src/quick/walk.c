/* Seeing every block: walk and statistics. */
#include "quick/walk.h"
#include "quick/core.h"
#include "quick/memory.h"
#include "quick/proof.h"

struct tn_block *
tn_quick_first_block(struct tarn_quick *q, struct tn_region *region)
{
    uintptr_t granule = (uintptr_t)(tn_word)~q->mask;
    uintptr_t start =
        region == &q->first ? (uintptr_t)&q->bin[TN_BINS(q->flags)] : (uintptr_t)(region + 1);

    return (struct tn_block *)(((start + TN_WORD + granule) & ~granule) - TN_WORD);
}

struct tn_region *
tn_quick_next_region(struct tarn_quick *q, struct tn_region *region)
{
    struct tn_block *next = tn_at(q, region->next);

    return next == &q->nil ? NULL : (struct tn_region *)next;
}

/* On a quick list, or only odd? Odd ones carry their mark in the first byte. */
int
tn_quick_is_quick(const struct tn_block *block)
{
    return (block->head & (TN_USED | TN_ODD)) == (TN_USED | TN_ODD) &&
           (*(const unsigned char *)tn_payload(block) & 7) != 7;
}

bool
tarn_quick_walk(struct tarn_quick *q,
                bool (*visit)(void *context, const struct tarn_quick_block *block), void *context)
{
    struct tn_region *region;

    for (region = &q->first; region != NULL; region = tn_quick_next_region(q, region)) {
        struct tn_block *block = tn_quick_first_block(q, region);

        while (block->head > TN_FLAGS) {
            struct tarn_quick_block seen = {0, 0, 0, false, false, 0, 0};
            size_t extra = 0;
            size_t lead = 0;

            seen.total = block->head & ~TN_FLAGS;
            seen.quick = tn_quick_is_quick(block) != 0;
            seen.used = (block->head & TN_USED) != 0 && !seen.quick;
            if (seen.used) {
                extra = tn_extra(q);
                if (block->head & TN_ODD) {
                    lead = *(unsigned char *)tn_payload(block) >> 3;
                }
                if (q->flags & TARN_QUICK_TAGS) {
                    seen.malloctag = tn_quick_get_word(q, block, TN_MALLOC_TAG);
                    seen.realloctag = tn_quick_get_word(q, block, TN_REALLOC_TAG);
                }
            }
            seen.object = (unsigned char *)tn_payload(block) + lead;
            seen.size = seen.total - TN_WORD - extra - lead;
            if (!visit(context, &seen)) {
                return false;
            }
            block = tn_after(block, seen.total);
        }
    }
    return true;
}

static bool
add_up(void *context, const struct tarn_quick_block *block)
{
    struct tarn_quick_stats *stats = (struct tarn_quick_stats *)context;
    unsigned range = 0;
    size_t size;

    for (size = block->total; size > 1; size /= 2) {
        range++;
    }
    stats->total += block->total;
    if (block->used) {
        stats->used += block->total;
        stats->objects++;
        stats->used_by_size[range]++;
    } else {
        stats->free_by_size[range]++;
        if (block->quick) {
            stats->quick += block->total;
        } else {
            stats->free += block->total;
        }
        if (block->size > stats->largest) {
            stats->largest = block->size;
        }
    }
    return true;
}

void
tarn_quick_get_stats(struct tarn_quick *q, struct tarn_quick_stats *stats)
{
    struct tn_region *region;
    size_t extra = tn_extra(q);

    memset(stats, 0, sizeof *stats);
    for (region = &q->first; region != NULL; region = tn_quick_next_region(q, region)) {
        stats->regions++;
    }
    (void)tarn_quick_walk(q, add_up, stats);
    stats->peak = q->peak;
    stats->largest = stats->largest > extra ? stats->largest - extra : 0;
}
