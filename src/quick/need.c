/* How much memory a program's mix of objects needs at most. */
#include "quick/core.h"
#include "quick/product.h"

/* Bytes of a block for `size` bytes in a heap of these options; 0 when it overflows. */
static size_t
block_bytes(size_t size, unsigned options)
{
    size_t granule = options & TARN_QUICK_ALIGN16 ? 16 : 8;
    size_t extra = TN_WORD + ((options & TARN_QUICK_TAGS) ? 2 * sizeof(uintptr_t) : 0) +
                   ((options & TARN_QUICK_CHECKED) ? 2 * sizeof(uintptr_t) : 0);
    size_t bytes;

    if (size >= TN_LIMIT) {
        return 0;
    }
    bytes = (size + extra + granule - 1) & ~(granule - 1);
    return bytes < TN_MIN ? TN_MIN : bytes;
}

/* The least size of which every block in a higher bin is at least `bytes` large. */
static size_t
next_bin(size_t bytes)
{
    return (size_t)2 << tn_bin((tn_word)bytes);
}

size_t
tarn_quick_need(const struct tarn_quick_mix *mix, size_t n, unsigned options)
{
    size_t fixed = sizeof(struct tarn_quick) + sizeof(tn_word) * 8 * sizeof(tn_link) + 64;
    size_t live = 0;
    size_t count = 0;
    size_t gap = TN_MIN;
    size_t gaps;
    size_t i;

    for (i = 0; i < n; i++) {
        size_t bytes = block_bytes(mix[i].size, options);

        if (mix[i].count == 0) {
            continue;
        }
        /* A free block's rest of less than TN_MIN stays with the block cut from it. */
        bytes = bytes == 0 ? SIZE_MAX : tn_product(mix[i].count, bytes + TN_MIN - 8);
        if (bytes >= TN_LIMIT - live) {
            return SIZE_MAX;
        }
        live += bytes;
        count += mix[i].count;
        bytes = block_bytes(mix[i].size, options);
        if (next_bin(bytes) > gap) {
            gap = next_bin(bytes);
        }
    }
    /* A request is refused only while each gap between live objects is below `gap`, and there is at
     * most one gap more than objects. */
    gaps = tn_product(count, gap);
    if (gaps >= TN_LIMIT - fixed || live >= TN_LIMIT - fixed - gaps) {
        return SIZE_MAX;
    }
    return live + gaps + fixed;
}
