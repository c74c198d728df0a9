/* The index of free blocks: bins found through one bitmap, and the quick lists in front of it.
 * Everything here is straight-line code. */
#ifndef TN_QUICK_INDEX_H
#define TN_QUICK_INDEX_H

#include "quick/block.h"

#if defined(__GNUC__) && !(defined(__arm__) && !defined(__ARM_FEATURE_CLZ)) &&                     \
    !(defined(__riscv) && !defined(__riscv_zbb))
#    define TN_HAS_BIT_SEARCH 1
#endif

/* Position of the highest set bit; x is not 0. Bisection where the processor has no instruction
 * for it and the compiler would call a library. */
static inline size_t
tn_high_bit(tn_word x)
{
#if defined(TN_HAS_BIT_SEARCH)
    return sizeof x == sizeof(unsigned) ? 31u ^ (unsigned)__builtin_clz((unsigned)x)
                                        : 63u ^ (unsigned)__builtin_clzll(x);
#else
    unsigned bit = 0;
    unsigned step;

#    if UINTPTR_MAX > 0xffffffffu && !TN_OFFSETS
    step = (x >> 32 != 0) ? 32 : 0;
    bit += step;
    x >>= step;
#    endif
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

/* The bin for blocks of `size` bytes: the position of the highest bit. */
static inline size_t
tn_bin(size_t size)
{
    return tn_high_bit((tn_word)size);
}

/* What the map says of the bins above `bin`. */
static inline tn_word
tn_map_above(tn_word map, size_t bin)
{
    return map & (tn_word)-2 << bin;
}

/* Position of the lowest set bit; x is not 0. */
static inline size_t
tn_low_bit(tn_word x)
{
#if defined(TN_HAS_BIT_SEARCH)
    return sizeof x == sizeof(unsigned) ? (unsigned)__builtin_ctz((unsigned)x)
                                        : (unsigned)__builtin_ctzll(x);
#else
    return tn_high_bit(x & (0 - x));
#endif
}

/* Whether blocks of these sizes are in the same bin. */
static inline int
tn_same_bin(size_t less, size_t more)
{
    return (less ^ more) < less;
}

static inline tn_link *
tn_bin_head(struct tarn_quick *q, size_t bin)
{
    return &q->bin[bin - TN_FIRST_BIN];
}

/* The bin seen as the block before its first: only its `next` is real. */
static inline tn_link
tn_bin_link(struct tarn_quick *q, size_t bin)
{
    return tn_link_to(q, q) +
           (tn_link)(offsetof(struct tarn_quick, bin) - offsetof(struct tn_block, next) +
                     (bin - TN_FIRST_BIN) * sizeof(tn_link));
}

/* Puts a free block in front of its bin. Its header and tag are the caller's business. */
TN_CORE void
tn_insert(struct tarn_quick *q, struct tn_block *block, size_t size)
{
    size_t bin = tn_bin(size);
    tn_far first = *tn_bin_head(q, bin);
    tn_link self = tn_link_to(q, block);

    block->next = (tn_link)first;
    tn_at(q, first)->prev = self;
    block->prev = tn_bin_link(q, bin);
    *tn_bin_head(q, bin) = self;
    q->map |= (tn_word)1 << bin;
}

/* Takes a free block out of its bin. */
TN_CORE void
tn_unlink(struct tarn_quick *q, struct tn_block *block, size_t bin)
{
    tn_far next = block->next;
    tn_far prev = block->prev;

    tn_at(q, prev)->next = (tn_link)next;
    tn_at(q, next)->prev = (tn_link)prev;
    if (next == tn_link_to(q, &q->nil) && *tn_bin_head(q, bin) == next) {
        q->map &= ~((tn_word)1 << bin);
    }
}

/* Puts a free block in the place of another in a bin. */
TN_CORE void
tn_replace(struct tarn_quick *q, const struct tn_block *old, struct tn_block *block)
{
    tn_far next = old->next;
    tn_far prev = old->prev;
    tn_link self = tn_link_to(q, block);

    block->next = (tn_link)next;
    block->prev = (tn_link)prev;
    tn_at(q, prev)->next = self;
    tn_at(q, next)->prev = self;
}

/* Takes the first block out of its bin. */
TN_CORE void
tn_pop(struct tarn_quick *q, struct tn_block *block, size_t bin)
{
    tn_far next = block->next;

    *tn_bin_head(q, bin) = (tn_link)next;
    tn_at(q, next)->prev = tn_bin_link(q, bin);
    if (next == tn_link_to(q, &q->nil)) {
        q->map &= ~((tn_word)1 << bin);
    }
}

/* The quick list of blocks of `size` bytes. */
static inline struct tn_list *
tn_quick_list(const struct tarn_quick *q, size_t size)
{
    return (struct tn_list *)(q->lists + size * (sizeof(struct tn_list) / 8));
}

#endif
