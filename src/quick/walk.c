/* Seeing every block: walk and statistics. The lock is taken anew for each block; between two of
 * them whatever merges blocks takes the walks along. */
#include "quick/walk.h"
#include "quick/core.h"
#include "quick/guard.h"
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

int
tn_quick_inside(struct tarn_quick *q, const struct tn_block *block)
{
    struct tn_region *region;

    for (region = &q->first; region != NULL; region = tn_quick_next_region(q, region)) {
        struct tn_block *first = tn_quick_first_block(q, region);

        if (block >= first && block < tn_after(first, region->size) &&
            ((uintptr_t)block - (uintptr_t)first) % 8 == 0) {
            return 1;
        }
    }
    return 0;
}

/* On a quick list, or only odd? Odd ones carry their mark in the first byte. */
int
tn_quick_is_quick(const struct tn_block *block)
{
    return (block->head & (TN_USED | TN_ODD)) == (TN_USED | TN_ODD) &&
           (*(const unsigned char *)tn_payload(block) & 7) != 7;
}

void
tn_quick_move_walkers(struct tarn_quick *q, const struct tn_block *block)
{
    struct tn_block *end = tn_after(block, block->head & ~TN_FLAGS);
    struct tn_walker *walker;

    for (walker = q->walkers; walker != NULL; walker = walker->next) {
        if (walker->at > block && walker->at < end) {
            walker->at = end;
        }
    }
}

static void
enter(struct tarn_quick *q, struct tn_walker *walker, struct tn_region *region)
{
    walker->region = region;
    walker->at = region == NULL ? NULL : tn_quick_first_block(q, region);
}

void
tn_quick_leave_region(struct tarn_quick *q, struct tn_region *region)
{
    struct tn_walker *walker;

    for (walker = q->walkers; walker != NULL; walker = walker->next) {
        if (walker->region == region) {
            enter(q, walker, tn_quick_next_region(q, region));
        }
    }
}

static void
describe(struct tarn_quick *q, const struct tn_block *block, struct tarn_quick_block *seen)
{
    size_t lead = 0;

    memset(seen, 0, sizeof *seen);
    seen->total = block->head & ~TN_FLAGS;
    seen->size = seen->total - TN_WORD;
    seen->quick = tn_quick_is_quick(block) != 0;
    seen->used = (block->head & TN_USED) != 0 && !seen->quick;
    if (seen->used) {
        if (block->head & TN_ODD) {
            lead = *(unsigned char *)tn_payload(block) >> 3;
        }
        seen->size = tn_quick_room(q, block, lead);
        if (q->flags & TARN_QUICK_TAGS) {
            seen->malloctag = tn_quick_get_word(q, block, TN_MALLOC_TAG);
            seen->realloctag = tn_quick_get_word(q, block, TN_REALLOC_TAG);
        }
    }
    seen->object = (unsigned char *)tn_payload(block) + lead;
}

/* The next block; returns 0 at the end. */
static int
step(struct tarn_quick *q, struct tn_walker *walker, struct tarn_quick_block *seen)
{
    uintptr_t saved = tn_quick_lock(q);

    if (walker->region != NULL && walker->at->head <= TN_FLAGS) {
        enter(q, walker, tn_quick_next_region(q, walker->region));
    }
    if (walker->region != NULL) {
        describe(q, walker->at, seen);
        walker->at = tn_after(walker->at, seen->total);
    }
    tn_quick_unlock(q, saved);
    return walker->region != NULL;
}

bool
tarn_quick_walk(struct tarn_quick *q,
                bool (*visit)(void *context, const struct tarn_quick_block *block), void *context)
{
    struct tn_walker walker = {NULL, NULL, NULL};
    struct tn_walker **link;
    struct tarn_quick_block seen;
    bool whole = true;
    uintptr_t saved = tn_quick_lock(q);

    walker.next = q->walkers;
    q->walkers = &walker;
    enter(q, &walker, &q->first);
    tn_quick_unlock(q, saved);
    while (whole && step(q, &walker, &seen)) {
        whole = visit(context, &seen);
    }
    saved = tn_quick_lock(q);
    for (link = &q->walkers; *link != &walker; link = &(*link)->next) {
    }
    *link = walker.next;
    tn_quick_unlock(q, saved);
    return whole;
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
    uintptr_t saved;

    memset(stats, 0, sizeof *stats);
    saved = tn_quick_lock(q);
    for (region = &q->first; region != NULL; region = tn_quick_next_region(q, region)) {
        stats->regions++;
        stats->total += region->size;
    }
    tn_quick_unlock(q, saved);
    (void)tarn_quick_walk(q, add_up, stats);
    stats->peak = q->peak;
    stats->largest = stats->largest > extra ? stats->largest - extra : 0;
}
