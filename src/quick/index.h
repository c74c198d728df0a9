/* The index of free blocks: bins found through one bitmap, and the quick lists in front of it.
 * Everything here is straight-line code. */
#ifndef TN_QUICK_INDEX_H
#define TN_QUICK_INDEX_H

#include "quick/block.h"

/* Position of the highest set bit; x is not 0. Bisection where the processor has no instruction
 * for it and the compiler would call a library. */
static inline unsigned
tn_high_bit(tn_word x)
{
#if defined(__GNUC__) && !(defined(__arm__) && !defined(__ARM_FEATURE_CLZ)) &&                     \
    !(defined(__riscv) && !defined(__riscv_zbb))
    return sizeof(tn_word) == sizeof(unsigned) ? 31u ^ (unsigned)__builtin_clz((unsigned)x)
                                               : 63u ^ (unsigned)__builtin_clzll(x);
#else
    unsigned bit = 0;
    unsigned step;

#if UINTPTR_MAX > 0xffffffffu && !TN_OFFSETS
    step = (x >> 32 != 0) ? 32 : 0;
    bit += step;
    x >>= step;
#endif
    step = (x >> 16 != 0) ? 16 : 0;
    bit += step;
    x >>= step;
    step = (x >> 8 != 0) ? 8 : 0;
    bit += step;
    x >>= step;
    step = (x >> 4 != 0) ? 4 : 0;
    bit += step;
    x >>= step;
    return bit + ((0xffffaa50u >> (2 * x)) & 3);
#endif
}

/* Position of the lowest set bit; x is not 0. */
static inline unsigned
tn_low_bit(uint64_t x)
{
#if defined(__GNUC__) && UINTPTR_MAX > 0xffffffffu && !defined(__riscv)
    return (unsigned)__builtin_ctzll(x);
#else
    uint32_t half = (uint32_t)x;
    unsigned base = 0;

    if (half == 0) {
        half = (uint32_t)(x >> 32);
        base = 32;
    }
    return base + tn_high_bit(half & (0u - half));
#endif
}

/* The bin for blocks of `size` bytes: twice the position of the highest bit, and the bit after. */
static inline unsigned
tn_bin(tn_word size)
{
    unsigned bit = tn_high_bit(size);

    return (unsigned)(size >> (bit - 1)) + 2 * bit - TN_FIRST_BIN;
}

/* Whether blocks of these sizes are surely in the same bin: no bit from the second highest on
 * differs. It may say no when they are, which costs time only. */
static inline int
tn_same_bin(tn_word less, tn_word more)
{
    return (less ^ more) < less >> 2;
}

/* The bin seen as the block before its first: only its `next` is real. */
static inline struct tn_block *
tn_bin_block(struct tarn_quick *q, unsigned bin)
{
    return (struct tn_block *)((uintptr_t)&q->bin[bin] - offsetof(struct tn_block, next));
}

/* Puts a free block in front of its bin. Its header and tag are the caller's business. */
TN_CORE void
tn_insert(struct tarn_quick *q, struct tn_block *block, tn_word size)
{
    unsigned bin = tn_bin(size);
    tn_link first = q->bin[bin];
    tn_link self = tn_link_to(q, block);

    block->next = first;
    tn_at(q, first)->prev = self;
    q->map |= (uint64_t)1 << bin;
    block->prev = tn_link_to(q, tn_bin_block(q, bin));
    q->bin[bin] = self;
}

/* Takes the first block out of the bin. */
TN_CORE void
tn_pop(struct tarn_quick *q, struct tn_block *block, unsigned bin)
{
    tn_link next = block->next;

    q->bin[bin] = next;
    tn_at(q, next)->prev = tn_link_to(q, tn_bin_block(q, bin));
    if (next == tn_link_to(q, &q->nil)) {
        q->map &= ~((uint64_t)1 << bin);
    }
}

/* Takes a free block out of its bin. */
TN_CORE void
tn_unlink(struct tarn_quick *q, struct tn_block *block)
{
    tn_link next = block->next;
    tn_link prev = block->prev;

    tn_at(q, prev)->next = next;
    tn_at(q, next)->prev = prev;
    if (next == tn_link_to(q, &q->nil)) {
        /* It was the last; if also the first, the bin is empty now. */
        tn_word bin = (tn_word)(prev - tn_link_to(q, tn_bin_block(q, 0))) / sizeof(tn_link);

        if (bin < TN_BINS(q->flags)) {
            q->map &= ~((uint64_t)1 << bin);
        }
    }
}

/* The quick list of blocks of `size` bytes. */
static inline struct tn_list *
tn_quick_list(struct tarn_quick *q, size_t size)
{
    return (struct tn_list *)((uintptr_t)q - (size - TN_MIN) * (sizeof(struct tn_list) / 8)) - 1;
}

#endif
