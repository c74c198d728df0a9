/*
 * Size classes: 8, then steps of 16 to 128, then eight steps per doubling to 64 KiB, so that a
 * block is at most 12.5 % larger than asked for above 128 bytes. A class whose size is a multiple
 * of a power of two up to 64 KiB is aligned to it.
 *
 * A slab takes one slice for classes up to 8 KiB, then as few slices as hold at least eight blocks
 * with at most a sixteenth left over at the end.
 */
#ifndef TN_SIZE_CLASS_H
#define TN_SIZE_CLASS_H

#include "base/bits.h"

#define TN_CLASSES    81
#define TN_OWNED      57 /* classes up to 8 KiB: slabs owned by threads; the others are central */
#define TN_CENTRAL    (TN_CLASSES - TN_OWNED)
#define TN_SMALL_MAX  ((size_t)1024) /* sizes with an entry in a cache's direct table */
#define TN_OWNED_MAX  ((size_t)8192)
#define TN_SLAB_MAX   ((size_t)65536) /* larger ones take whole slices */
#define TN_DIRECT     (TN_SMALL_MAX / 8 + 1)
#define TN_SPAN_MOST  8  /* slices of a slab */
#define TN_UNIT_SHIFT 12 /* slabs of blocks up to 1 KiB are carved by pages */

struct tn_class {
    uint32_t size;       /* bytes of a block */
    uint16_t capacity;   /* blocks of a slab */
    uint8_t span;        /* slices of a slab */
    uint8_t unit_shift;  /* a unit of carving: TN_UNIT_SHIFT, the blocks that start in a
                            page; 0, one block */
    uint32_t reciprocal; /* 2^32 / size, rounded up */
};

extern const struct tn_class tn_classes[TN_CLASSES];

/* The class for a size of at most TN_SLAB_MAX. */
static inline unsigned
tn_class_of(size_t size)
{
    if (size <= 128) {
        return size <= 8 ? 0 : (unsigned)((size + 15) / 16);
    }
    unsigned top = tn_log2(size - 1);
    unsigned step = (unsigned)((size - 1) >> (top - 3)) - 8;
    return 9 + (top - 7) * 8 + step;
}

/* Which block of its slab the byte at this offset belongs to. Exact for offsets below 2^20. */
static inline unsigned
tn_block_index(const struct tn_class *class, size_t offset)
{
    return (unsigned)(((uint64_t)offset * class->reciprocal) >> 32);
}

#endif
