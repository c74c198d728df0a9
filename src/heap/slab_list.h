/*
 * The blocks of a slab: its local list, its remote list, and the part not carved yet.
 */
#ifndef TN_SLAB_LIST_H
#define TN_SLAB_LIST_H

#include "heap/heap.h"
#include "heap/remote.h"

#define TN_LEFT_CURRENT UINT16_MAX /* a current slab's owner is not asked for anything */

#define TN_LIVE_FEW 4u /* blocks live, below which only the last one counts */

/* The head of a list of no blocks. */
static inline uintptr_t
tn_slab_none(const struct tn_slab *slab)
{
    return (uintptr_t)&slab->key;
}

/* The link to a block or to none, and back. */
static inline uintptr_t
tn_slab_link(const struct tn_slab *slab, uintptr_t block)
{
    return block ^ slab->key;
}

/* The link of a list's last block. */
static inline uintptr_t
tn_slab_end(const struct tn_slab *slab)
{
    return tn_slab_link(slab, tn_slab_none(slab));
}

static inline bool
tn_slab_has_free(const struct tn_slab *slab)
{
    return slab->head != tn_slab_none(slab);
}

/* A free block's link is none: somebody wrote to the block. Ends the process. */
_Noreturn void tn_slab_damaged(const struct tn_slab *slab, const void *block);

/* Whether what would be handed out next starts no block, as far as its low bits tell: a pointer
 * into the middle of one was freed. tn_slab_odd_head asks what class it is, and ends the process.
 */
static inline bool
tn_slab_head_is_odd(const struct tn_slab *slab)
{
    return (slab->head & 15) != 0;
}

void tn_slab_odd_head(const struct tn_slab *slab);

/* heads.c */
void tn_cache_look_at_heads(const struct tn_cache *cache);

/* Takes the first block of the local list, which is not empty. */
static inline void *
tn_slab_pop(struct tn_slab *slab)
{
    uintptr_t *block = (uintptr_t *)slab->head;
    uintptr_t next = tn_slab_link(slab, *block);
    if (TN_UNLIKELY(next >> TN_LINK_TOP_AT != 0)) {
        tn_slab_damaged(slab, block);
    }
    slab->head = next;
    *block = 0;
    return block;
}

static inline void
tn_slab_push(struct tn_slab *slab, void *p)
{
    uintptr_t *block = p;
    *block = tn_slab_link(slab, slab->head);
    slab->head = (uintptr_t)p;
}

static inline const struct tn_class *
tn_class_of_slab(const struct tn_slab *slab)
{
    return &tn_classes[slab->size_class];
}

static inline uintptr_t
tn_slab_owner(const struct tn_slab *slab)
{
    return atomic_load_explicit(&slab->owner, memory_order_relaxed);
}

static inline void
tn_slab_set_owner(struct tn_slab *slab, uintptr_t owner)
{
    atomic_store_explicit(&slab->owner, owner, memory_order_relaxed);
}

/* A slab that is in a bin, or about to be, has so many live blocks: sets when the owner looks at it
 * next, at half of them, or when it is empty. */
static inline void
tn_slab_set_live(struct tn_slab *slab, unsigned live)
{
    unsigned floor = live > TN_LIVE_FEW ? live / 2 : 0;
    slab->floor = (uint16_t)floor;
    slab->left = (uint16_t)(live - floor);
}

/* Makes slices a slab of the class, empty, all of it bare, owned by the cache. */
void tn_slab_init(struct tn_cache *cache, struct tn_slab *slab, unsigned class, bool zero);

/* Puts blocks on the local list that is empty: the remote ones, or else the next bare unit. Returns
 * how many; 0 when the slab is full. Owner only. */
unsigned tn_slab_replenish(struct tn_space *space, struct tn_slab *slab);

/* Puts the remote blocks on the local list. Owner only. Returns how many. */
unsigned tn_slab_collect(struct tn_space *space, struct tn_slab *slab);

/* The same of a shared slab, under its heap's lock. */
void tn_slab_collect_shared(struct tn_space *space, struct tn_slab *slab);

/* Blocks live, those on the remote list included, by a walk where the slab is current. Bounded and
 * safe against a list damaged or being changed by its owner; exact when the owner stands still. */
unsigned tn_slab_live(struct tn_space *space, const struct tn_slab *slab);

#define TN_MAP_WORDS (TN_SLICE / 8 / 64) /* one bit for each block of the smallest class */

/* One bit for each block that is not live: bare, on the local list, and, if asked, on the remote
 * one. Owner only, or while its owner stands still. Returns how many are set. */
unsigned tn_slab_free_map(struct tn_space *space, const struct tn_slab *slab, bool remote,
                          uint64_t map[TN_MAP_WORDS]);

/* Whether the block was never carved (or has been purged since it was freed). Asked of slabs that
 * others own, too: the bit of a live block's unit does not change. */
static inline TN_RACY bool
tn_slab_is_bare(const struct tn_slab *slab, unsigned index)
{
    const struct tn_class *class = tn_class_of_slab(slab);
    size_t unit = class->unit_shift == 0 ? index : (size_t)index * class->size >> TN_UNIT_SHIFT;
    return (slab->bare >> unit & 1) != 0;
}

/* Whether p is on the local or the remote list. Owner only. */
bool tn_slab_lists(struct tn_space *space, const struct tn_slab *slab, const void *p);

/* Blocks that a carving unit covers: [*from, *to). */
void tn_slab_unit(const struct tn_class *class, unsigned unit, unsigned *from, unsigned *to);

/* Blocks not carved. */
unsigned tn_slab_bare_blocks(const struct tn_slab *slab);

/* NULL, or what does not hold in the slab. Owner only, or while its owner stands still. */
const char *tn_slab_check(struct tn_space *space, const struct tn_slab *slab);

/* Debug builds ask at every slow path, and end the process where an invariant is broken. */
#ifdef TARN_CHECKS
void tn_slab_assert(const struct tn_slab *slab);
#else
static inline void
tn_slab_assert(const struct tn_slab *slab)
{
    (void)slab;
}
#endif

#endif
