/* Regions and blocks in order. */
#ifndef TN_QUICK_WALK_H
#define TN_QUICK_WALK_H

#include "quick/block.h"

struct tn_block *tn_quick_first_block(struct tarn_quick *q, struct tn_region *region);
struct tn_region *tn_quick_next_region(struct tarn_quick *q, struct tn_region *region);

/* Whether a block's header may lie there: in some region, at a multiple of 8 from its first. */
int tn_quick_inside(struct tarn_quick *q, const struct tn_block *block);

int tn_quick_is_quick(const struct tn_block *block);

/* Moves walks that stand inside the block, which has just taken in others, to its end. Call
 * locked. */
void tn_quick_move_walkers(struct tarn_quick *q, const struct tn_block *block);

/* Moves walks that stand in the region, which is about to go, to the next one. Call locked. */
void tn_quick_leave_region(struct tarn_quick *q, struct tn_region *region);

#endif
