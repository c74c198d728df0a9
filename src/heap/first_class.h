/*
 * Heaps other than the process heap: made, ended, walked and checked.
 */
#ifndef TN_FIRST_CLASS_H
#define TN_FIRST_CLASS_H

#include "heap/heap.h"
#include "tarn/heap.h"

struct tn_heap *tn_heap_new(void);
struct tn_heap *tn_heap_new_in(void *buffer, size_t size);
void tn_heap_destroy(struct tn_heap *heap);

/* All blocks by address, until visit returns false. The heap stands still. */
bool tn_heap_walk(struct tn_heap *heap,
                  bool (*visit)(void *context, const struct tarn_block *block), void *context);

/* NULL, or the first invariant that does not hold. The heap stands still. */
const char *tn_heap_check(struct tn_heap *heap);

/* Tells the inspector of all blocks of an image, which came back as it was. */
#ifdef TARN_MEMCHECK
void tn_heap_tell(struct tn_heap *heap);
#else
static inline void
tn_heap_tell(struct tn_heap *heap)
{
    (void)heap;
}
#endif

#endif
