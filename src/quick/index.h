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

#if UINTPTR_MAX > 0xffffffffu
static inline void
tn_map_set(tn_map *map, unsigned bin)
{
    *map |= (tn_map)1 << bin;
}

static inline void
tn_map_clear(tn_map *map, unsigned bin)
{
    *map &= ~((tn_map)1 << bin);
}

/* The lowest bin above `bin` that holds a block; 0 when there is none. */
static inline unsigned
tn_map_above(const tn_map *map, unsigned bin)
{
    tn_map above = *map & (tn_map)-2 << bin;

    if (above == 0) {
        return 0;
    }
#    if defined(__GNUC__) && !(defined(__riscv) && !defined(__riscv_zbb))
    return (unsigned)__builtin_ctzll(above);
#    else
    bin = (uint32_t)above == 0 ? 32 : 0;
    above = above >> bin & 0xffffffffu;
    return bin + tn_high_bit((tn_word)(above & (0 - above)));
#    endif
}

static inline int
tn_map_below(const tn_map *map, const tn_map *other)
{
    return *map < *other;
}
#else
static inline void
tn_map_set(tn_map *map, unsigned bin)
{
    map->word[bin >> 5] |= (uint32_t)1 << (bin & 31);
}

static inline void
tn_map_clear(tn_map *map, unsigned bin)
{
    map->word[bin >> 5] &= ~((uint32_t)1 << (bin & 31));
}

static inline unsigned
tn_map_above(const tn_map *map, unsigned bin)
{
    unsigned word = bin >> 5;
    uint32_t above = map->word[word] & (uint32_t)-2 << (bin & 31);

    if (above == 0) {
        above = map->word[1];
        if (word != 0 || above == 0) {
            return 0;
        }
        word = 1;
    }
    return word * 32 + tn_high_bit(above & (0u - above));
}

static inline int
tn_map_below(const tn_map *map, const tn_map *other)
{
    return map->word[1] < other->word[1] ||
           (map->word[1] == other->word[1] && map->word[0] < other->word[0]);
}
#endif

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
    tn_map_set(&q->map, bin);
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
        tn_map_clear(&q->map, (unsigned)bin);
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
        tn_word place = (tn_word)(prev - tn_link_to(q, tn_bin_block(q, 0)));

        if (place < q->bins) {
            tn_map_clear(&q->map, (unsigned)(place / sizeof(tn_link)));
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
