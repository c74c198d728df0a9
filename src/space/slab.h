/*
 * The descriptor of a slice: 64 bytes, one for each 64 KiB of a space, in a table apart from the
 * memory it describes. What a slice holds is its kind; the head slice of a slab, a large block or
 * a free run carries the description of the whole, the others say how far back the head is.
 */
#ifndef TN_SLAB_H
#define TN_SLAB_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_SLICE_SHIFT 16
#define TN_SLICE       ((size_t)1 << TN_SLICE_SHIFT)

enum tn_kind {
    TN_NONE = 0, /* never used, or head of something being made */
    TN_FREE,     /* first or last slice of a free run */
    TN_INNER,    /* not the first slice of what it belongs to */
    TN_SLAB,     /* head of a slab of blocks of one class */
    TN_LARGE,    /* head of a large block */
    TN_HELD,     /* head of free slices that a cache keeps */
    TN_PURGING,  /* head of free slices taken out of the map to be purged */
    TN_META,     /* the space's own: the table, the caches; a pool's bitmaps */
    TN_POOL,     /* head of a slab of a pool's objects */
    TN_SAMPLED,  /* head of a large block of the process heap that is a sample: as LARGE */
};

enum tn_slab_flags {
    TN_CURRENT = 1,  /* its cache allocates from it: the live count is not kept */
    TN_ZERO = 2,     /* uncarved blocks, or the slices of a free run, are known to be zero */
    TN_MOVED = 4,    /* LARGE, and INNER of one: a mapping of its own begins here, large_move.c */
    TN_PURGED = 8,   /* pages were given back: uncarved blocks are not all new ones */
    TN_SAMPLES = 16, /* its blocks are samples: frees say so; LARGE, of another heap: it is one */
    TN_FENCED = 32,  /* LARGE: laid out as checked.h says */
    TN_RESTING = 64, /* LARGE: freed, and in the quarantine */
};

/*
 * A slab's counting equations, with n = the blocks its slices hold:
 *   central:     blocks live or in a cache's stash = left
 *   not CURRENT: blocks live or in the remote list = floor + left
 *   CURRENT:     blocks live or in the remote list = n - uncarved - on the local list
 *
 * Free blocks form lists through their first word. A link is a pointer xored with the slab's key;
 * the last one points to the key, which therefore is the link to nothing of a list that is empty:
 * who takes a block and finds that its link decodes to zero has found the end. A key has secret
 * bits 16 to 47, the low 16 zero, and TN_LINK_TOP at the top. By both free recognises a block that
 * is already free; the fast path looks at the top, and asks further only when it agrees.
 */
#define TN_LINK_TOP    0x9c5du /* not of pointers, nor of small numbers, nor of UTF-8 */
#define TN_LINK_TOP_AT 48      /* addresses have zero there */

struct tn_slab {
    _Atomic(uintptr_t) owner; /* id of the cache that may use the local list; 0 nobody. POOL: the
                                 pool's address, which is no thread's id */
    union {
        uintptr_t head;    /* SLAB: first block of the local list, or the key's place; owner only */
        uint64_t *bits;    /* POOL: objects that are free, one bit each, outside the slab */
        char *large_start; /* LARGE: the user's pointer */
    };
    union {
        uintptr_t key;     /* SLAB: const */
        size_t large_size; /* LARGE: bytes usable from large_start */
        struct {
            uint32_t unused;  /* POOL: bits set */
            uint32_t entered; /* POOL: objects that have entered the pool, the first ones */
        };
    };
    union {
        struct {
            uint16_t left;  /* SLAB: frees until the owner must look; owner only */
            uint16_t floor; /* SLAB: blocks still live when it does; owner only */
        };
        uint32_t span; /* FREE, LARGE, HELD, POOL: slices, at the head */
    };
    _Atomic uint8_t kind;    /* enum tn_kind */
    uint8_t size_class;      /* SLAB: const */
    uint8_t flags;           /* enum tn_slab_flags; owner or lock */
    uint8_t span_small;      /* SLAB: slices, const */
    _Atomic uint64_t remote; /* SLAB: list of blocks freed by others, remote.h; POOL: address of
                                the pool's struct tn_label */
    struct tn_slab *next;    /* list it is in; free run: right child */
    struct tn_slab *prev;    /* list it is in; free run: left child */
    union {
        uint64_t bare; /* SLAB: units not carved yet, one bit each, slab.c; owner only */
        uint32_t back; /* FREE (last slice), INNER: slices back to the head */
        struct {
            uint32_t moved;  /* LARGE, MOVED: slices from the start on that came from elsewhere */
            uint32_t pieces; /* LARGE, MOVED: mappings these are */
        };
        struct {
            uint32_t none;
            uint32_t hint; /* POOL: words of bits before the first that has one */
        };
    };
};

_Static_assert(sizeof(struct tn_slab) == 64, "one cache line");

static inline enum tn_kind
tn_kind(const struct tn_slab *slab)
{
    return (enum tn_kind)atomic_load_explicit(&slab->kind, memory_order_relaxed);
}

/* Heads that large_start and large_size tell of. */
static inline bool
tn_is_large(enum tn_kind kind)
{
    return kind == TN_LARGE || kind == TN_SAMPLED;
}

static inline void
tn_set_kind(struct tn_slab *slab, enum tn_kind kind)
{
    atomic_store_explicit(&slab->kind, (uint8_t)kind, memory_order_release);
}

#endif
