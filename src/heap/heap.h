/*
 * A heap, and the caches of the threads that use it.
 *
 * A cache owns slabs of blocks up to 8 KiB: it allocates from them and frees into them without
 * locks or atomics. A slab that becomes full is let go and belongs to nobody, until a thread frees
 * one of its blocks and claims it: memory follows the threads that free. A slab with free blocks
 * whose thread ends is shared, for any thread that needs its class. The slabs it allocated from
 * rest first, up to a number, just as they are: its live blocks are not counted, a walk over all
 * that is free, when the next thread goes on with it.
 *
 * Blocks of 8 to 64 KiB come from central slabs, which all threads use under a lock for each class:
 * with a slab for every thread and class they would hold far more than is live. A cache keeps a
 * block or two of each such class, so that what is freed and taken again needs no lock.
 */
#ifndef TN_HEAP_H
#define TN_HEAP_H

#include "base/inspector.h"
#include "heap/size_class.h"
#include "os/lock.h"
#include "os/option.h"
#include "os/os.h"
#include "space/space.h"

/* Internal names are called and read directly, not through a table. */
#pragma GCC visibility push(hidden)

#define TN_STOCK       4u          /* single slices a cache keeps for its next slabs */
#define TN_LARGE_STOCK 4u          /* large blocks a cache keeps */
#define TN_LARGE_KEPT  ((size_t)8) /* slices of the largest of them: 512 KiB */
#define TN_STASH       2u
#define TN_SURPLUS     1u /* slabs of a class that a cache keeps when others want some */
#define TN_SPACES      64u
#define TN_RESTING     64u /* slabs of threads that ended, kept as they were */

struct tn_bin {
    struct tn_slab *current; /* allocated from; tn_empty_slab when there is none */
    struct tn_slab *first;   /* others with free blocks, through next and prev */
    struct tn_slab *last;
    uint32_t count;   /* of the others */
    uint16_t listed;  /* counted, countdown.h: blocks listed in the current one when left was set */
    uint16_t allowed; /* and what left was set to; 0: blocks are counted one by one */
    int64_t until;    /* blocks before the next sample, as of then */
};

struct tn_stash {
    void *block[TN_STASH]; /* free for this cache, live to their slab; last freed last */
};

struct tn_cache {
    struct tn_slab *direct[TN_DIRECT]; /* by (size + 7) / 8: the current slab, or tn_empty_slab */
    uintptr_t id;                      /* const while in use: what owned slabs bear */
    uintptr_t thread;                  /* const while in use: whose it is */
    struct tn_heap *heap;              /* const */
    struct tn_cache *next;             /* in the heap's list; under its lock */
    struct tn_other *other;            /* its thread's, when that has been of this cache: NULL in
                                          the process heap; under the heap's lock */
    struct tn_slab *stock;             /* free slices, through next */
    uint32_t stock_count;
    uint32_t large_count;
    struct tn_slab *large[TN_LARGE_STOCK]; /* free large blocks, last freed last */
    struct tn_bin bin[TN_OWNED];
    struct tn_stash stash[TN_CENTRAL];
    uint8_t stashed[TN_CENTRAL]; /* blocks in each */
    size_t loose;                /* bytes of free pages in the slabs of the bins, by estimate */
    size_t loose_left;           /* of these, what the last purge did not get */
    _Atomic bool trim_wanted;    /* another thread asks to give back what can be */
    bool counted;                /* for samples, countdown.h; others may set it */
    uint64_t counted_since;      /* which start of sampling the rest, and the bins', are of */
    int64_t until_sample;        /* bytes in blocks of no class of the bins */
    uint64_t dice;
};

_Static_assert(sizeof(struct tn_cache) <= 4096, "sixteen caches in a slice");

/* What a heap must remember for as long as its memory lives: in the root of its first space. */
struct tn_root {
    uint64_t secret;                    /* keys come from it; const */
    _Atomic uint64_t incarnation;       /* slabs made; no key twice */
    struct tn_slab *shared[TN_CLASSES]; /* slabs for any thread: of owned classes under the
                                           heap's lock, of central ones under their own */
    struct tn_pool *pools;              /* the heap's pools, newest first; src/pool's lock */
};

_Static_assert(sizeof(struct tn_root) <= TN_SPACE_ROOT, "fits in the space's head");

struct tn_heap {
    struct tn_root *root;               /* const */
    _Atomic uint32_t space_count;       /* grows under the lock */
    struct tn_space *spaces[TN_SPACES]; /* the first is const */
    struct tn_lock lock;                /* guards all below and the shared slabs */
    struct tn_cache *caches;            /* in use */
    _Atomic uint32_t cache_count;       /* of these */
    struct tn_cache *idle;              /* of threads that ended */
    struct tn_slab *resting[TN_OWNED];  /* what ended threads allocated from, through next */
    uint32_t resting_count;
    struct tn_cache *sampler; /* no thread's: its slabs hold samples, sample.h; NULL: none
                                 yet; under the samples' lock */
    char *cache_memory;       /* rest of a slice for new ones */
    size_t cache_memory_left;
    _Atomic uint32_t shared_classes[(TN_OWNED + 31) / 32]; /* hint: of shared or resting slabs */
    _Atomic(uintptr_t) wanted[TN_OWNED];                   /* hint: id of a cache that had to make
                                                              a new slab; 0: none, or answered */
    struct tn_lock central[TN_CENTRAL];                    /* one for each central class */
    _Atomic size_t central_loose; /* bytes under free blocks of central slabs */
    _Atomic size_t central_left;  /* of these, what the last purge did not get */
    struct tn_regret regret;      /* of having purged pages inside slabs */
    bool no_stash;                /* const: blocks go straight back to their slabs */
    bool read_only;               /* const: nobody has a cache */
    uint32_t cache_ids;           /* of the generation, given so far */
    uint64_t generation;          /* of an image, stale.c; 0: ids are thread pointers */
    _Atomic uint32_t stale_next;  /* the first slice not looked at for stale owners */
    uint32_t stale_end;           /* and the last one, exclusive */
    size_t space_size;            /* bytes of the next space */
    _Atomic uint32_t moved;       /* mappings that are moved pages, large_move.c */
    uint64_t serial;              /* const: no two heaps of a process share it */
    struct tn_heap *next_heap;    /* registry.c */
};

/* A space of which nothing has been found right but the map's numbers: its address and size, and
 * that the slices before the frontier can be read. It may be mapped elsewhere than its pointers
 * say. */
struct tn_doubtful {
    const char *memory;
    uint64_t base;            /* the address memory has in pointers */
    const struct tn_map *map; /* in memory */
    void (*say)(void *context, const char *what, const void *at); /* what is wrong, in memory */
    void *context;
};

/* For rooms that keep things of the process's in a heap's memory, which comes back as it was:
 * opened again, or rolled back. */
struct tn_heap_hooks {
    void (*hold)(bool held); /* from true to false no thread's end changes these things; taken after
                                an image's lock and before any of its heap's */
    void *(*before)(struct tn_heap *heap);          /* held: it is about to go back; for back */
    void (*back)(struct tn_heap *heap, void *kept); /* held; kept: NULL after an opening */
    /* Says what is wrong with these things: all that back would follow, at a cost that does not
     * depend on the heap's size; or all there is. 0, or ENOMEM: it could not be done. */
    int (*doubt)(const struct tn_doubtful *space, bool all);
};

extern const struct tn_heap_hooks tn_heap_hooks; /* in src/pool, the one room that does */

/* The process heap, and of its first space what the fast path of free asks for: const once the
 * heap is there; until then the window has no size. */
extern uintptr_t tn_window_base;
extern size_t tn_window_size;
extern struct tn_slab *tn_window_slabs;
extern struct tn_heap tn_process_heap;

extern const struct tn_slab tn_empty_slab;
extern struct tn_cache tn_no_cache;
extern _Thread_local struct tn_cache *tn_self __attribute__((tls_model("initial-exec")));
/*
 * The last heap that is not the process heap which this thread used, its cache there, and the
 * window of the heap's first space: what the fast paths of such a heap ask for. The thread writes
 * it; who ends the heap, or gives its caches other ids, sets heap and size to zero, also while the
 * thread writes of another heap. So the thread sets them last, a fast path believes the rest where
 * they are not zero, and a zero costs no more than the next slow call, which writes it all again.
 * A cache points to its thread's as long as the thread's end will be noticed and has not come.
 */
struct tn_other {
    _Atomic(struct tn_heap *) heap; /* NULL: of none */
    struct tn_cache *cache;
    uintptr_t base;
    _Atomic size_t size; /* 0: no free takes the fast path; always so under TARN_CHECK */
    struct tn_slab *slabs;
    uintptr_t id; /* the cache's */
};

extern _Thread_local struct tn_other tn_other __attribute__((tls_model("initial-exec")));

/* heap.c: the process heap comes to life at the first call; NULL-safe otherwise. */
bool tn_process_heap_start(void);
bool tn_heap_init(struct tn_heap *heap, struct tn_space *space);
/* The same for a space that a heap of another process left behind. */
void tn_heap_attach(struct tn_heap *heap, struct tn_space *space);
/* Reserves an anonymous space, registered, with its head at its start; NULL: no room. The heap is
 * NULL for one that will lie in that head. */
struct tn_space *tn_heap_make_space(struct tn_heap *heap, size_t size);
struct tn_slab *tn_heap_take(struct tn_heap *heap, size_t span, size_t align, bool *zero);
void tn_heap_give(struct tn_slab *slab, size_t span, bool zero);

/* registry.c: which space an address or a descriptor lies in; NULL when it is none of ours.
 * False when there are too many: then the process heap can still have all of its own. */
bool tn_registry_add(struct tn_space *space);
void tn_registry_remove(struct tn_space *space);
struct tn_space *tn_registry_search(const void *p);
void tn_registry_add_heap(struct tn_heap *heap);
void tn_registry_remove_heap(struct tn_heap *heap);
struct tn_heap *tn_registry_heaps(void);
struct tn_lock *tn_registry_lock(void);

/* Whether a space lies, or ever lay, inside a block of another. */
extern _Atomic bool tn_spaces_nest;

static inline struct tn_space *
tn_space_of(const void *p)
{
    if (TN_LIKELY((uintptr_t)p - tn_window_base < tn_window_size &&
                  !atomic_load_explicit(&tn_spaces_nest, memory_order_relaxed))) {
        return tn_process_heap.spaces[0];
    }
    return tn_registry_search(p);
}

/* The id of the calling thread's caches. With TARN_CHECK, and where an inspector is told of every
 * block, it is not what the fast path of free compares with, so that every free takes the slow
 * path, which asks all questions. */
static inline uintptr_t
tn_thread_mark(void)
{
    return tn_os_thread() + (tn_options.check || TN_INSPECTED);
}

/*
 * thread.c: a page that is zero in a fork's child until what other threads were changing has been
 * put right. That happens in a fork handler; but a handler that was registered before it may
 * allocate, so whoever is about to take a lock, and holds none, looks first.
 */
#define TN_FORK_PAGE 4096
struct tn_fork_mark {
    _Alignas(TN_FORK_PAGE) _Atomic uint32_t right;
};
extern struct tn_fork_mark tn_fork_mark;
void tn_fork_repair(void);

static inline void
tn_fork_look(void)
{
    if (TN_UNLIKELY(atomic_load_explicit(&tn_fork_mark.right, memory_order_relaxed) == 0)) {
        tn_fork_repair();
    }
}

/* cache.c */
struct tn_cache *tn_cache_of_thread(void);         /* the process heap's; NULL: no memory,
                                                      or TARN_CHECK is on, checked.h */
struct tn_cache *tn_cache_of_checked_thread(void); /* for checked.c: the same under TARN_CHECK */
void tn_cache_forget_thread(void);                 /* it has none any more, and is about to end */
struct tn_cache *tn_cache_of_heap(struct tn_heap *heap); /* any heap's */
/* The caches are no more what their threads' tn_other says: the heap is about to end. */
void tn_cache_part_all(struct tn_heap *heap);
/* All of it with the heap's lock held, so that an image that goes back has it before or after. */
void tn_cache_retire(struct tn_cache *cache);
/* All it owns, but it stays. */
void tn_cache_leave(struct tn_cache *cache);
void tn_cache_leave_all(struct tn_heap *heap);
/* Makes all caches of an image empty, with ids of the heap's generation; what they owned is stale.
 */
void tn_cache_forget_all(struct tn_heap *heap);
/* Frees the memory of an image's caches. */
void tn_cache_release_all(struct tn_heap *heap);
/* Leaves a slab that is in no bin, of an owner that needs it no more, to all threads; the heap's
 * lock is held. */
void tn_cache_leave_slab(struct tn_heap *heap, struct tn_slab *slab);
void tn_cache_empty_stocks(struct tn_cache *cache); /* slices and blocks kept for later */

/* central.c: blocks of a class from TN_OWNED on. NULL: no memory. The caller knows that p is a
 * block of the slab and in use. cache may be NULL in tn_central_free. */
void *tn_central_malloc(struct tn_cache *cache, unsigned class);
void tn_central_free(struct tn_cache *cache, struct tn_space *space, struct tn_slab *slab, void *p);
void tn_central_empty_stash(struct tn_cache *cache);
/* In the child of a fork: a slab whose class's list is made anew, and which may be half changed. */
void tn_central_restore(struct tn_heap *heap, struct tn_space *space, struct tn_slab *slab);

/*
 * stale.c: in an image, ids of caches carry the generation, which is a new one every time the
 * image is opened: slabs and held slices of an older one are nobody's. Opening does not look for
 * them; whoever frees a block of such a slab claims it, and a cursor settles the others a few at a
 * time when memory is asked for.
 */
#define TN_CACHE_ID_BITS 20
bool tn_stale_claim(struct tn_cache *cache, struct tn_slab *slab);
bool tn_stale_sweep(struct tn_heap *heap, uint32_t slices); /* false: nothing is left to look at */
void tn_shared_hints(struct tn_heap *heap);                 /* bin.c: hints from the lists */

static inline bool
tn_stale_left(const struct tn_heap *heap)
{
    return TN_UNLIKELY(atomic_load_explicit(&heap->stale_next, memory_order_relaxed) <
                       heap->stale_end);
}

static inline bool
tn_owner_is_stale(const struct tn_heap *heap, uintptr_t owner)
{
    return owner != 0 && heap->generation != 0 && owner >> TN_CACHE_ID_BITS != heap->generation;
}

/* What held slices of a cache bear: in an image its id, so that they can be found again, and a bit
 * that no id has, so that free takes none of them for a slab. */
#define TN_HELD_BIT ((uintptr_t)1)

static inline uintptr_t
tn_held_mark(const struct tn_cache *cache)
{
    return cache->heap->generation != 0 ? cache->id | TN_HELD_BIT : 0;
}

/* bin.c: a slab of the class with a block on its local list, now current; NULL: no memory. */
struct tn_slab *tn_bin_refill(struct tn_cache *cache, unsigned class);
/* Whether the class's direct entries lead to its current slab, or nowhere. */
void tn_bin_direct(struct tn_cache *cache, unsigned class, bool open);
void tn_bin_append(struct tn_cache *cache, unsigned class, struct tn_slab *slab);
void tn_bin_remove(struct tn_cache *cache, unsigned class, struct tn_slab *slab);
/* Leaves the others what the cache has too much of, if they want it still. */
void tn_bin_leave_surplus(struct tn_cache *cache, unsigned class);
void tn_slab_retire(struct tn_cache *cache, struct tn_slab *slab);
void tn_slab_share(struct tn_heap *heap, struct tn_slab *slab, unsigned live);
void tn_slab_unshare_if_empty(struct tn_heap *heap, struct tn_slab *slab);
/* A current slab of a cache that ends rests; false: there are enough, or it is full. The owner of a
 * resting slab is its heap's mark. Under the heap's lock, both. */
bool tn_slab_rest(struct tn_heap *heap, struct tn_slab *slab);
struct tn_slab *tn_slab_wake(struct tn_heap *heap, unsigned class); /* the last one, or NULL */

/* Whether the cache has more slabs of the class than it needs, and others want some: asked
 * wherever its owner comes by that has slabs of the class. */
static inline bool
tn_bin_wanted(const struct tn_cache *cache, unsigned class)
{
    if (TN_LIKELY(cache->bin[class].count <= TN_SURPLUS)) {
        return false;
    }
    uintptr_t who = atomic_load_explicit(&cache->heap->wanted[class], memory_order_relaxed);
    return TN_UNLIKELY(who != 0 && who != cache->id);
}

static inline uintptr_t
tn_rest_mark(const struct tn_heap *heap)
{
    return (uintptr_t)heap; /* no thread's, and no cache's of an image, whose slabs do not rest */
}

#pragma GCC visibility pop

#endif
