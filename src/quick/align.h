/* Blocks at given addresses. */
#ifndef TN_QUICK_ALIGN_H
#define TN_QUICK_ALIGN_H

#include "quick/guard.h"

/* A block for a request with `align` or `span`, in use; *lead becomes the bytes from its payload
 * to the address asked for. NULL: none, or *what is broken. Call locked. */
struct tn_block *tn_take_aligned(struct tarn_quick *q, const struct tn_request *request,
                                 size_t *lead, const char **what);

/* A block of `size` bytes from the highest bin, looking at more than its first two blocks: only
 * that bin may hold blocks that would do without its being found by tn_take. Call locked. */
struct tn_block *tn_take_last(struct tarn_quick *q, tn_word size);

#endif
