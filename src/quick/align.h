/* Blocks at given addresses. */
#ifndef TN_QUICK_ALIGN_H
#define TN_QUICK_ALIGN_H

#include "quick/guard.h"

/* A block for a request with `align` or `span`, in use; *lead becomes the bytes from its payload
 * to the address asked for. NULL: none, or *what is broken. Call locked. */
struct tn_block *tn_quick_take_aligned(struct tarn_quick *q, const struct tn_request *request,
                                       size_t *lead, const char **what);

/* As tn_take, also for sizes that have no bin; when nothing else is left it looks at more than the
 * first block of the size's own bin. Call locked. */
struct tn_block *tn_quick_take_deep(struct tarn_quick *q, tn_word size, const char **what);

#endif
