/* The guarded ways: for heaps with a lock, tags, trace or checks, and for what is rare in others.
 */
#ifndef TN_QUICK_GUARD_H
#define TN_QUICK_GUARD_H

#include "quick/block.h"

/* What an allocation was asked for. */
struct tn_request {
    const char *function;
    uintptr_t caller;
    size_t size;
    size_t align; /* 0: the heap's own */
    size_t span;  /* 0: none */
    long offset;
    int clear;
};

/* The whole of an allocation: lock, quick lists, index, flush, more hook, tags, checks, zeroing,
 * trace. */
void *tn_quick_allocate(struct tarn_quick *q, const struct tn_request *request);

/* The same for plain requests; fewer registers at the call. */
void *tn_quick_refill(struct tarn_quick *q, size_t size, int clear, uintptr_t caller);

/* The whole of free. */
void tn_quick_release(struct tarn_quick *q, void *object, const char *function, uintptr_t caller);

/* The whole of realloc of an object to a size that is not 0. */
void *tn_quick_reallocate(struct tarn_quick *q, void *object, size_t size, uintptr_t caller);

uintptr_t tn_quick_lock(struct tarn_quick *q);
void tn_quick_unlock(struct tarn_quick *q, uintptr_t saved);

/* tn_give, but keeps every byte of a checked heap's free memory that is not header, link or tag at
 * TN_CLEAN. The payload has been filled before. Call locked. */
const char *tn_quick_give_clean(struct tarn_quick *q, struct tn_block *block);

/* Gives back what a block in use has beyond `size` bytes, where that is enough for a block; the
 * bytes have been filled before. NULL, or what is broken. Call locked. */
const char *tn_quick_trim(struct tarn_quick *q, struct tn_block *block, size_t size);

#endif
