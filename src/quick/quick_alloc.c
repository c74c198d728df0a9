/* malloc and its kin. The two ways that matter are in this file from top to bottom: a quick size
 * that has a block on its list, and the index. */
#include "quick/core.h"
#include "quick/guard.h"
#include "quick/memory.h"
#include "quick/product.h"

/* Bytes of `block` its owner may use when its pointer is the payload's start. */
static inline size_t
usable(const struct tn_block *block)
{
    return (block->head & ~TN_FLAGS) - TN_WORD;
}

/* A block from the index for one of the plain calls; it may fill the quick list on the way. */
TN_CORE struct tn_block *
take(struct tarn_quick *q, tn_word bytes)
{
    struct tn_block *block = tn_take(q, bytes, 1);

    return block;
}

/* malloc when no quick list serves it; `bytes` is the block's size. It is the last thing malloc
 * does, so that this function's caller is malloc's. */
static TN_NOINLINE void *
malloc_from_index(struct tarn_quick *q, tn_word bytes)
{
    struct tn_block *block = take(q, bytes);

    if (TN_UNLIKELY(block == NULL)) {
        return tn_quick_refill(q, bytes - TN_WORD, 1, TN_CALLER);
    }
    return memset(tn_payload(block), 0, usable(block));
}

void *
tarn_quick_malloc(struct tarn_quick *q, size_t size)
{
    tn_word bytes = tn_round(q, size);

    if (TN_LIKELY(size < q->small)) {
        void *object = tn_quick_pop(q, tn_quick_list(q, bytes));

        if (TN_LIKELY(object != NULL)) {
            return memset(object, 0, bytes - TN_WORD);
        }
    } else if (TN_UNLIKELY(size >= q->limit)) {
        return tn_quick_refill(q, size, 1, TN_CALLER);
    }
    return malloc_from_index(q, bytes);
}

/* As malloc, but zeroes only what lies behind the `size` bytes asked for, so that realloc may find
 * it so. */
void *
tarn_quick_mallocz(struct tarn_quick *q, size_t size, int clear)
{
    void *object = NULL;

    if (clear != 0) {
        return tarn_quick_malloc(q, size);
    }
    if (TN_LIKELY(size < q->limit)) {
        tn_word bytes = tn_round(q, size);

        if (size < q->small) {
            object = tn_quick_pop(q, tn_quick_list(q, bytes));
        }
        if (object == NULL) {
            struct tn_block *block = take(q, bytes);

            object = block == NULL ? NULL : tn_payload(block);
        }
    }
    if (TN_UNLIKELY(object == NULL)) {
        return tn_quick_refill(q, size, 0, TN_CALLER);
    }
    memset((char *)object + size, 0, (*tn_head(object) & ~TN_FLAGS) - TN_WORD - size);
    return object;
}

void *
tarn_quick_calloc(struct tarn_quick *q, size_t n, size_t size)
{
    struct tn_request request = {"calloc", TN_CALLER, 0, 0, 0, 0, 1};

    request.size = tn_product(n, size);
    return tn_quick_allocate(q, &request);
}

void *
tarn_quick_smalloc(struct tarn_quick *q, size_t size)
{
    struct tn_request request = {"smalloc", TN_CALLER, size, 0, 0, 0, 1};
    void *object = tn_quick_allocate(q, &request);

    /* The one loop without a bound: waiting is what smalloc is for. */
    while (object == NULL && size < TN_LIMIT && q->hooks != NULL && q->hooks->sleep != NULL) {
        q->hooks->sleep(q->hooks->context, 100);
        object = tn_quick_allocate(q, &request);
    }
    return object;
}
