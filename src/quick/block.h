/* The shape of memory in a quickfit heap: header words, links, blocks, and the heap's own state.
 *
 * A region is a run of blocks that touch, closed by a header of size 0 that is always in use:
 *
 *   in use:  [ size | flags ][ payload ...                                  ]
 *   free:    [ size         ][ next ][ prev ]        ...             [ size ]
 *
 * The header is one word and all that an object costs. A free block repeats its size in its last
 * word (the boundary tag of Knuth, TAOCP volume 1, 2.5), and the block after it carries PREV_FREE,
 * which says that this tag is there to be read: a block in use lends that word to its owner. Two
 * free blocks never touch, so a free block's own PREV_FREE is clear and its header is its size.
 *
 * Where pointers are wider than 32 bits a *narrow* heap keeps header words and links in 32 bits: a
 * link is the signed distance from the heap's state, so all regions lie within 2 GiB of it. The
 * *wide* form has pointer-wide words and no such limit. Payloads lie at multiples of 8. */
#ifndef TN_QUICK_BLOCK_H
#define TN_QUICK_BLOCK_H

#include "tarn/quick.h"

#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#    define TN_LIKELY(x)   __builtin_expect(!!(x), 1)
#    define TN_UNLIKELY(x) __builtin_expect(!!(x), 0)
#    define TN_NOINLINE    __attribute__((noinline))
#    define TN_COLD        __attribute__((noinline, cold))
#    define TN_ALIAS       __attribute__((may_alias))
#    define TN_CALLER      ((uintptr_t)__builtin_return_address(0))
#else
#    define TN_LIKELY(x)   (x)
#    define TN_UNLIKELY(x) (x)
#    define TN_NOINLINE
#    define TN_COLD
#    define TN_ALIAS
#    define TN_CALLER ((uintptr_t)0)
#endif

/* For speed the core is inlined into each call; for size it is one function that all share. */
#if defined(TN_CORE) /* given: by the build that counts branches, which wants each but once */
#elif defined(__GNUC__) && !defined(__OPTIMIZE_SIZE__)
#    define TN_CORE static inline __attribute__((always_inline, unused))
#elif defined(__GNUC__)
#    define TN_CORE static __attribute__((noinline, unused))
#else
#    define TN_CORE static inline
#endif

#if UINTPTR_MAX > 0xffffffffu && !TARN_QUICK_WIDE
#    define TN_OFFSETS 1
typedef uint32_t TN_ALIAS tn_word; /* a header: bytes of the block, flags in the low bits */
typedef int32_t TN_ALIAS tn_link;  /* bytes from the heap's state to a block */
typedef int32_t tn_room;
typedef intptr_t tn_far; /* a link in a register */
#else
#    define TN_OFFSETS 0
typedef uintptr_t TN_ALIAS tn_word;
typedef uintptr_t TN_ALIAS tn_link; /* a block's address */
typedef intptr_t tn_room;
typedef uintptr_t tn_far;
#endif

#define TN_WORD sizeof(tn_word)
#define TN_USED ((tn_word)1) /* not free: its owner's, or on a quick list */
#define TN_ODD                                                                                     \
    ((tn_word)2)                  /* with USED: on a quick list, or the owner's pointer is not the \
                                     payload's start (mallocalign) */
#define TN_PREV_FREE ((tn_word)4) /* the word before the header is the size of a free block */
#define TN_FLAGS     ((tn_word)7)
#define TN_MIN       (2 * TN_WORD + 2 * sizeof(tn_link)) /* header, links, boundary tag */
#define TN_LIMIT     ((size_t)(((tn_word) ~(tn_word)0) >> 1) - 4095) /* no request this large */

struct tn_block {
    tn_word head; /* size | flags */
    tn_link next; /* free: next block of the bin, the heap's state at the end; on a quick list:
                     the one below, 0 at the end */
    tn_link prev; /* free: block before it in the bin, or the bin itself seen as a block */
};

/* A walk under way, on its caller's stack. What merges blocks moves it on. */
struct tn_walker {
    struct tn_walker *next;
    struct tn_region *region; /* NULL at the end */
    struct tn_block *at;      /* the next block of it to be seen, or its closing header */
};

struct tn_region {
    tn_link next; /* region handed in before this one, or the heap's state */
    tn_link prev; /* region handed in after it, or the heap's state */
    tn_word size; /* bytes from the first block's header to the closing header */
};

/* A quick list: blocks of one size, still marked as used, the one freed last in front. */
struct tn_list {
    tn_link top;  /* the first payload, 0 when empty */
    tn_room room; /* how many more it takes */
};

/* Bins hold the free blocks of one power of two each, from TN_MIN on. The quick lists, one per
 * size, lie in a block of the heap's own, which looks like one on a quick list and goes back like
 * one when memory is short. */
struct tarn_quick {
    struct tn_block nil; /* ends every list: head 0, next itself; prev is written, never read */
    tn_word map;         /* bit i: the bin of sizes from 2^i holds a block */
    uintptr_t low;       /* no payload starts below */
    uintptr_t lists;     /* where the quick list of blocks of 0 bytes would be; 0: there are none */
    const struct tarn_quick_hooks *hooks; /* const: may be NULL */
    struct tn_walker *walkers;            /* the walks under way, the last begun in front */
    uintptr_t span;                       /* the same as `extent`; 0 when guarded */
    tn_word extent; /* multiples of 8 from `low` to behind the highest closing header */
    tn_word limit;  /* const: no request as large has a bin; 0 when guarded */
    tn_word round;  /* const: added to a request before masking */
    tn_word mask;   /* const: ~(granule - 1) */
    tn_word peak;   /* most bytes of blocks not free that ever were, headers included */
    tn_word below;  /* how many fewer there are now */
    tn_word plenty; /* const: map at least this: a free block of 1/16 of the first region */
    uint32_t flags; /* const: options in the low byte, TN_GUARDED, TN_DEEP, TN_QUICKS, TN_BINS */
    uint32_t top;   /* `small_top` while memory is plenty, else 0; renewed by malloc */
    uint32_t small; /* requests below are of quick sizes; 0 without lists, or when guarded */
    uint16_t small_top;     /* what tn_quarter of an object's header is below when it has a list */
    uint16_t front;         /* const: blocks from here on are cut from the front of a free block */
    struct tn_region first; /* the region the state is in; heads the list of the others */
    tn_link bin[];          /* as many heads as the first region's size deserves */
};

#define TN_FIRST_BIN (sizeof(tn_word) == 4 ? 4u : 5u) /* of the bin of the smallest blocks */
#define TN_GUARDED   0x100u /* lock, trace, tags or checks: nothing may bypass guard.c */
#define TN_DEEP      0x200u /* longer quick lists */
#define TN_DEPTH(f)  ((f)&TN_DEEP ? (tn_room)64 : (tn_room)16) /* in flags: blocks on one */
#define TN_QUICKS(f) (((f) >> 16 & 0xffu) * 8) /* in flags: largest quick size, 0 for none */
#define TN_BINS(f)   ((f) >> 24)               /* in flags: number of bins */
#ifdef __OPTIMIZE_SIZE__
#    define TN_BATCH 1u
#else
#    define TN_BATCH 4u /* blocks cut at once for an empty quick list */
#endif

static inline struct tn_block *
tn_at(struct tarn_quick *q, tn_far link)
{
#if TN_OFFSETS
    return (struct tn_block *)((uintptr_t)q + (uintptr_t)link);
#else
    (void)q;
    return (struct tn_block *)link;
#endif
}

static inline tn_link
tn_link_to(struct tarn_quick *q, const void *place)
{
#if TN_OFFSETS
    return (tn_link)((uintptr_t)place - (uintptr_t)q);
#else
    (void)q;
    return (tn_link)place;
#endif
}

/* No header lies above. */
static inline uintptr_t
tn_end(const struct tarn_quick *q)
{
    return q->low + (uintptr_t)q->extent * 8 - TN_WORD;
}

/* The header before a payload. */
static inline tn_word *
tn_head(const void *payload)
{
    return (tn_word *)((uintptr_t)payload - TN_WORD);
}

/* The block, header or payload `bytes` further on. */
static inline struct tn_block *
tn_after(const struct tn_block *block, size_t bytes)
{
    return (struct tn_block *)((uintptr_t)block + bytes);
}

static inline struct tn_block *
tn_before(const struct tn_block *block, size_t bytes)
{
    return (struct tn_block *)((uintptr_t)block - bytes);
}

/* The last word of a block of `size` bytes: its boundary tag when it is free. */
static inline tn_word *
tn_tag(const struct tn_block *block, size_t size)
{
    return (tn_word *)((uintptr_t)block + size - TN_WORD);
}

static inline void *
tn_payload(const struct tn_block *block)
{
    return (void *)((uintptr_t)block + TN_WORD);
}

/* Bytes kept at the end of each block for tags and checks. */
static inline size_t
tn_extra(const struct tarn_quick *q)
{
    return ((q->flags & TARN_QUICK_TAGS) ? 2 * sizeof(uintptr_t) : 0) +
           ((q->flags & TARN_QUICK_CHECKED) ? 2 * sizeof(uintptr_t) : 0);
}

#endif
