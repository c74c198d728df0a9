/* The block the quick lists lie in. */
#ifndef TN_QUICK_LISTS_H
#define TN_QUICK_LISTS_H

#include "quick/block.h"

/* Gives the heap its quick lists when it should have some, has none, and memory is plenty. Call
 * locked. */
void tn_quick_lend(struct tarn_quick *q);

/* Coalesces one block of the quick lists, in the end their own; 0 when there was none or *what is
 * broken. Call locked. */
int tn_quick_flush_one(struct tarn_quick *q, const char **what);

#endif
