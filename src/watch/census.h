/*
 * The statistics of a heap, by a walk over its descriptors.
 */
#ifndef TN_CENSUS_H
#define TN_CENSUS_H

#include "heap/heap.h"
#include "tarn/stats.h"

/* Fills in *stats whole, but for its size and what tn_count_process does. */
void tn_count_heap(struct tn_heap *heap, struct tarn_stats *stats);

/* What the system says of the process. Opens files. */
void tn_count_process(struct tarn_stats *stats);

/* Bytes of free slices that have contents. Cheap. */
size_t tn_count_dirty(struct tn_heap *heap);

#endif
