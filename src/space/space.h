/*
 * A space: a contiguous range of addresses, reserved at once and dealt out in slices of 64 KiB.
 * It begins with its map and the table of descriptors; nothing above this room knows or asks
 * whether anonymous memory, a file or a caller's buffer is behind it.
 *
 * Layout: map and the user's root (TN_SPACE_HEAD bytes), table (64 bytes a slice), then the
 * slices, all within the range: slice i lies at base + i * 64 KiB and the first ones hold the
 * table. Slices are committed from the low addresses up, in growing steps.
 */
#ifndef TN_SPACE_H
#define TN_SPACE_H

#include "os/lock.h"
#include "space/regret.h"
#include "space/slab.h"

#include <stdbool.h>

#define TN_SPACE_ALIGN ((size_t)2 << 20)
#define TN_SPACE_HEAD  ((size_t)8192)
#define TN_SPACE_ROOT  ((size_t)6144)
#define TN_SPACE_LEAST ((size_t)4 * TN_SLICE)

struct tn_space;

/* What is behind a space. Each takes ranges of whole pages inside the space. */
struct tn_backing {
    bool zero; /* what was committed for the first time reads as zero */
    /* Makes a range usable that was not; false when memory cannot be had. */
    bool (*commit)(struct tn_space *space, char *start, size_t size);
    /* Makes a range readable as zero, at no cost in memory, that is not committed yet: anyone may
     * ask for any descriptor. NULL where all is readable anyway. */
    bool (*show)(struct tn_space *space, char *start, size_t size);
    /* Drops a range's contents; true when it reads as zero afterwards. */
    bool (*purge)(struct tn_space *space, char *start, size_t size);
    /* Moves pages to another place in a space of the same backing; the old range reads as zero
     * afterwards. False (nothing moved) where it cannot be; NULL where it never can. */
    bool (*move)(struct tn_space *space, char *from, char *to, size_t size);
    /* Drops the contents of a range that pages were moved to, which then is as any other again:
     * what it was moved from does not keep it apart. NULL where move is. */
    bool (*renew)(struct tn_space *space, char *start, size_t size);
    /* Ends the space. */
    void (*release)(struct tn_space *space);
    /* In the child of a fork, before anything is done in the space; NULL: nothing to do. */
    void (*forked)(struct tn_space *space);
};

/* What a space must remember for as long as its memory lives: in the space itself. All of it
 * under the space's lock but for what is const after init. */
struct tn_map {
    char *base;                            /* const */
    size_t size;                           /* const: bytes reserved */
    uint32_t slices;                       /* const: size in slices */
    uint32_t first;                        /* const: first slice that can be dealt out */
    uint32_t frontier;                     /* slices from here on were never dealt out */
    uint32_t committed;                    /* slices from here on are not committed */
    uint32_t used;                         /* slices dealt out */
    uint32_t dirty_slices;                 /* slices in dirty runs */
    struct tn_slab *dirty;                 /* free runs with contents, by run_tree.h */
    struct tn_slab *clean;                 /* free runs that read as zero */
    struct tn_regret regret;               /* of having purged free slices */
    _Alignas(64) char root[TN_SPACE_ROOT]; /* for the heap */
};

struct tn_space {
    struct tn_map *map;               /* const */
    char *base;                       /* const, = map->base */
    size_t size;                      /* const, = map->size */
    struct tn_slab *slabs;            /* const: the table */
    const struct tn_backing *backing; /* const */
    void *context;                    /* const: the backing's own */
    struct tn_heap *heap;             /* const: whose space it is */
    uint32_t inherited;               /* const: slices before this one are of before a fork */
    struct tn_lock lock;              /* guards the map */
};

extern const struct tn_backing tn_anonymous_backing;
extern const struct tn_backing tn_buffer_backing;

/* Makes a new map at the start of a range whose first TN_SPACE_HEAD bytes are usable and zero, and
 * the space that speaks for it. base is aligned to TN_SLICE. False when the table cannot be
 * committed or the range is smaller than TN_SPACE_LEAST. */
bool tn_space_init(struct tn_space *space, char *base, size_t size,
                   const struct tn_backing *backing, void *context);

/* The space that speaks for a map made by tn_space_init before, perhaps in another process, and
 * mapped at the same address again. */
void tn_space_attach(struct tn_space *space, char *base, const struct tn_backing *backing,
                     void *context);

/* Deals out span slices, the first aligned to align bytes (a power of two, >= TN_SLICE). The head
 * is of kind TN_NONE until the caller says what it is. *zero tells whether all read as zero. NULL
 * when there are none. */
struct tn_slab *tn_space_take(struct tn_space *space, size_t span, size_t align, bool *zero);

/* Takes slices back. The caller has set the head's kind to TN_HELD or TN_NONE. */
void tn_space_give(struct tn_space *space, struct tn_slab *slab, size_t span, bool zero);

/* Takes back some slices before and some behind span ones of those just dealt out; the rest has a
 * new head, of kind TN_NONE. */
struct tn_slab *tn_space_narrow(struct tn_space *space, struct tn_slab *slab, size_t before,
                                size_t span, size_t behind, bool zero);

/* Lengthens slices dealt out, in place. False when the next ones are not free. */
bool tn_space_extend(struct tn_space *space, struct tn_slab *slab, size_t span, size_t wanted,
                     bool *zero);

/* Purges all free slices. Returns the bytes that had contents. */
size_t tn_space_purge(struct tn_space *space);

/* In the child of a fork, with the lock held by a thread that is no more: makes the free runs
 * anew from what the descriptors say. */
void tn_space_rebuild(struct tn_space *space);

/* Whether the map's invariants hold; NULL or the first broken one, in words. Takes the lock. */
const char *tn_space_check(struct tn_space *space);

static inline size_t
tn_slab_index(const struct tn_space *space, const struct tn_slab *slab)
{
    return (size_t)(slab - space->slabs);
}

static inline char *
tn_slab_base(const struct tn_space *space, const struct tn_slab *slab)
{
    return space->base + (tn_slab_index(space, slab) << TN_SLICE_SHIFT);
}

static inline bool
tn_space_has(const struct tn_space *space, const void *p)
{
    return (uintptr_t)p - (uintptr_t)space->base < space->size;
}

/* The descriptor of the slice p lies in; p is in the space. */
static inline struct tn_slab *
tn_slice_of(const struct tn_space *space, const void *p)
{
    return &space->slabs[((uintptr_t)p - (uintptr_t)space->base) >> TN_SLICE_SHIFT];
}

/* The head of what p's slice belongs to, or the slice itself when nothing is there. */
static inline struct tn_slab *
tn_slab_head_of(const struct tn_space *space, const void *p)
{
    struct tn_slab *slab = tn_slice_of(space, p);
    if (tn_kind(slab) == TN_INNER && slab->back <= tn_slab_index(space, slab)) {
        slab -= slab->back;
    }
    return slab;
}

#endif
