/*
 * Object pools on slabs of a heap.
 *
 * Which objects of a slab are free is one bit each, in memory apart from the slab; in front stands
 * a cache, a stack of pointers to free objects, for which the bits are clear as for live ones. An
 * allocation pops, a free pushes. An empty cache is filled from the bits of the first slab with
 * any, lowest address first; of a full one the older half goes back to the bits, pointer by pointer
 * checked. So objects that come back in random order leave in the order of their addresses, and
 * neither side touches an object.
 *
 *   entered objects = live + cached + set bits;    out = live + cached
 *
 * Everything lies in the heap: the pool's first slice holds struct tn_pool, its first cache and the
 * beginnings of its bitmaps; the lists go through the slabs' descriptors. A heap that comes back
 * at the same address (an image opened again) has its pools with it; what belonged to the process
 * that was (locks, threads, functions) is put right by tn_pool_attach.
 *
 * A cache is a run of slots in a tile of 2 KiB: below the first object a slot that holds NULL,
 * and the last slot at an address that is a multiple of the tile. An empty cache is known by what
 * top points to, a full one by top's address. A slot that is both makes every operation take the
 * longer way: what pools with checks, and shared ones, have in their first word. On that way the
 * inline functions first look for a cache of the thread's in tarn_pool_known_.
 */
#ifndef TN_POOL_H
#define TN_POOL_H

#include "tarn/pool.h"

#include "heap/heap.h"
#include "heap/misuse.h"
#include "os/lock.h"

#pragma GCC visibility push(hidden)

#define TN_TILE       ((size_t)TARN_POOL_TILE_)
#define TN_TILE_SLOTS 255u /* objects in a full cache */
#define TN_BATCH      128u /* objects that go to or from the bits at a time, at most */

_Static_assert(TN_TILE / sizeof(void *) == TN_TILE_SLOTS + 1, "one slot is for NULL");

struct tn_pool_cache {
    struct tarn_pool face;      /* top; serial is a pool's alone */
    void **bottom;              /* const: the slot with NULL below the first object */
    uintptr_t thread;           /* whose it is; 0: nobody's, empty */
    struct tn_pool_cache *next; /* const: in the pool's list */
};

enum tn_pool_mode {
    TN_POOL_OWNER,  /* the first word is the cache */
    TN_POOL_SHARED, /* a cache for each thread */
    TN_POOL_LONG,   /* anything else: pool_long.c */
};

/* A slice of the pool's own memory. */
struct tn_pool_meta {
    struct tn_pool_meta *next;
};

struct tn_pool {
    struct tn_pool_cache face;     /* OWNER: the cache; else one that is empty and full */
    struct tn_pool_cache own;      /* the cache of the LONG mode where threads have none */
    struct tn_pool_cache *central; /* const: of these two, the one in use; NULL: threads' */
    struct tn_heap *heap;          /* by attach */
    uint64_t session;              /* the life of the heap in which it was attached */
    enum tn_pool_mode mode;        /* const */
    uint32_t flags;                /* const: enum tarn_pool_flags */
    uintptr_t thread;              /* the owner; 0: not asked for */

    size_t size;         /* const: as asked for */
    size_t align;        /* const */
    size_t stride;       /* const: bytes from object to object */
    size_t lead;         /* const: bytes before the first in a slab */
    uint64_t inverse;    /* const: 2^32 / stride, rounded up, where that is exact; else 0 */
    uint32_t span;       /* const: slices of a slab */
    uint32_t capacity;   /* const: objects of a slab */
    uint32_t block;      /* const: objects that enter at a time */
    uint32_t words;      /* const: of a slab's bits */
    uint32_t batch;      /* const: objects from the bits at a time, at most */
    uint32_t next_batch; /* and next time: small pools stay small; under the lock */
    uint32_t slots;      /* const: objects in a full cache */

    struct tn_lock lock;        /* shared pools: guards all below */
    struct tn_slab *some_first; /* slabs with bits set or objects not entered, next and prev */
    struct tn_slab *some_last;
    struct tn_slab *none_first; /* the others */
    size_t slabs;
    size_t entered; /* objects */
    size_t out;     /* entered ones whose bits are clear */
    size_t limit;   /* const; SIZE_MAX: none */
    size_t kept;    /* const: preallocated objects */
    void (*construct)(void *object, void *context);
    void (*destruct)(void *object, void *context);
    void *context;
    uint64_t secret;              /* const: of canaries */
    struct tn_pool_cache *caches; /* threads', idle ones too; only ever longer, at its front */
    void **depot;                 /* STRICT: full tiles, the last slot of each, linked by bottoms */

    struct tn_pool_meta *metas; /* all slices of its own, the one it lies in last */
    char *fresh;                /* of the newest, not yet used */
    char *fresh_end;
    void *free_bits; /* bitmaps of slabs given back */
    void **free_tiles;

    _Atomic uint32_t frees;   /* WAIT: changes when an object comes back and someone waits */
    _Atomic uint32_t waiting; /* threads that do */
    struct tn_pool *next;     /* in its heap, under the pools' lock */
    struct tn_label label;
};

#define TN_RECORD_AT ((size_t)64) /* of the pool, in its first slice */

_Static_assert(TN_RECORD_AT + sizeof(struct tn_pool) <= TN_TILE, "a slot that is NULL follows");

struct tn_place {
    struct tn_slab *slab;
    size_t index;
};

static inline bool
tn_pool_is_shared(const struct tn_pool *pool)
{
    return (pool->flags & TARN_POOL_SHARED) != 0;
}

/* Whether every call is to be checked. */
static inline bool
tn_pool_is_checked(const struct tn_pool *pool)
{
#ifdef TARN_CHECKS
    (void)pool;
    return true;
#else
    const unsigned checks = TARN_POOL_CHECK | TARN_POOL_CANARY | TARN_POOL_POISON | TARN_POOL_GUARD;
    return (pool->flags & checks) != 0 || tn_options.check || TN_INSPECTED;
#endif
}

static inline void
tn_pool_lock(struct tn_pool *pool)
{
    if (tn_pool_is_shared(pool)) {
        tn_lock(&pool->lock);
    }
}

static inline void
tn_pool_unlock(struct tn_pool *pool)
{
    if (tn_pool_is_shared(pool)) {
        tn_unlock(&pool->lock);
    }
}

/* Live bits, one for each object, behind the free ones; LONG mode only. */
static inline uint64_t *
tn_pool_live_bits(const struct tn_pool *pool, const struct tn_slab *slab)
{
    return slab->bits + pool->words;
}

/* The space of the pool's heap that holds p; NULL: none. */
static inline struct tn_space *
tn_pool_space(const struct tn_pool *pool, const void *p)
{
    const struct tn_heap *heap = pool->heap;
    struct tn_space *first = heap->spaces[0];
    if (TN_LIKELY(tn_space_has(first, p))) {
        return first;
    }
    uint32_t count = atomic_load_explicit(&heap->space_count, memory_order_acquire);
    for (uint32_t i = 1; i < count; i++) {
        if (tn_space_has(heap->spaces[i], p)) {
            return heap->spaces[i];
        }
    }
    return NULL;
}

static inline bool
tn_pool_has_bit(const struct tn_place *place)
{
    return (place->slab->bits[place->index / 64] >> place->index % 64 & 1) != 0;
}

/* The first object of a slab. */
static inline char *
tn_pool_first(const struct tn_pool *pool, const struct tn_slab *slab)
{
    return tn_slab_base(tn_pool_space(pool, slab), slab) + pool->lead;
}

/* The heap an interface means. NULL: no memory for the process heap. */
static inline struct tn_heap *
tn_pool_heap(struct tn_heap *heap)
{
    return heap != NULL ? heap : tn_process_heap_start() ? &tn_process_heap : NULL;
}

/* pool_memory.c: the pool's own memory. NULL: none to be had. */
struct tn_pool *tn_pool_memory_new(struct tn_heap *heap);
void tn_pool_memory_end(struct tn_pool *pool);
uint64_t *tn_pool_bits_new(struct tn_pool *pool);
void tn_pool_bits_end(struct tn_pool *pool, uint64_t *bits);
struct tn_pool_cache *tn_pool_cache_new(struct tn_pool *pool);
/* The last slot of a tile, whose bottom holds NULL. */
void **tn_pool_tile_new(struct tn_pool *pool);
void tn_pool_tile_end(struct tn_pool *pool, void **last);
void tn_pool_cache_init(struct tn_pool *pool, struct tn_pool_cache *cache, void **last);

/* pool_slab.c: slabs and their bits. The pool's lock is held. */
bool tn_pool_locate(const struct tn_pool *pool, const void *p, struct tn_place *place);
/* Lets another block of objects enter, with the lock given up while they are constructed. False: no
 * memory. */
bool tn_pool_enter(struct tn_pool *pool);
/* Takes up to count free objects; the first goes to *at, the others below it. */
unsigned tn_pool_take(struct tn_pool *pool, void **at, unsigned count);
/* The same from one slab that has so many, which stays in its list. Returns the slot below. */
void **tn_pool_take_from(struct tn_pool *pool, struct tn_slab *slab, void **at, unsigned count);
/* Sets the bit of an object that is neither live nor in a cache any more. */
void tn_pool_put(struct tn_pool *pool, const struct tn_place *place);
/* Ends a slab. destructed: its objects have been. */
void tn_pool_slab_end(struct tn_pool *pool, struct tn_slab *slab, bool destructed);
void tn_pool_list(struct tn_pool *pool, struct tn_slab *slab);
void tn_pool_unlist(struct tn_pool *pool, struct tn_slab *slab);
/* Makes counts and lists anew from the bits. */
void tn_pool_recount(struct tn_pool *pool);

static inline bool
tn_pool_has_some(const struct tn_pool *pool, const struct tn_slab *slab)
{
    return slab->unused != 0 || slab->entered < pool->capacity;
}

/* pool_cache.c: between caches and bits. The lock is held. */
/* Fills an empty cache; false: no memory, or the limit. */
bool tn_pool_refill(struct tn_pool *pool, struct tn_pool_cache *cache);
/* Pushes an object on a cache, making room. call: for messages about those that leave it. */
void tn_pool_push(struct tn_pool *pool, struct tn_pool_cache *cache, void *object,
                  const char *call);
/* The older count objects of a cache go back to the bits. */
void tn_pool_flush(struct tn_pool *pool, struct tn_pool_cache *cache, size_t count,
                   const char *call);
/* Calls visit for each object in a cache or the depot, the first to leave it first. */
void tn_pool_each_cached(struct tn_pool *pool,
                         void (*visit)(struct tn_pool *pool, void *object, void *context),
                         void *context);
size_t tn_pool_cached(const struct tn_pool *pool);
void tn_pool_drop_tiles(struct tn_pool *pool);

static inline size_t
tn_pool_count(const struct tn_pool_cache *cache)
{
    return (size_t)(cache->face.top - cache->bottom);
}

/* Drops NULLs that were freed, and says whether anything is left. */
static inline bool
tn_pool_settle(struct tn_pool_cache *cache)
{
    while (*cache->face.top == NULL && cache->face.top != cache->bottom) {
        cache->face.top--;
    }
    return cache->face.top != cache->bottom;
}

static inline bool
tn_pool_is_full(const struct tn_pool_cache *cache)
{
    return ((uintptr_t)cache->face.top & (TN_TILE - 1)) == 0;
}

/* pool_thread.c: pools whose cache a thread finds without a search; only of the SHARED mode. */
/* Where the calling thread keeps its cache of a pool of the SHARED mode. */
static inline struct tarn_pool_known_ *
tn_pool_known(const struct tn_pool *pool)
{
    return &tarn_pool_known_[pool->face.face.serial % TARN_POOL_KNOWN_];
}

/* The thread's cache, found or made; NULL: no memory for one. */
struct tn_pool_cache *tn_pool_here(struct tn_pool *pool);
struct tn_lock *tn_pools_lock(void);
/* From now on threads' ends and forks are heard of. That lock is held. */
void tn_pool_watch(void);
/* What a thread that is no more left in a cache goes back to the bits; said twice, once counts. */
void tn_pool_cache_drop(struct tn_pool *pool, struct tn_pool_cache *cache);

/* pool_long.c */
void *tn_pool_alloc_long(struct tn_pool *pool, const char *call);
void tn_pool_free_long(struct tn_pool *pool, void *object, const char *call);
/* As memory enters, is reset, and leaves: protection and patterns of objects that are free. */
void tn_pool_mark_free(const struct tn_pool *pool, void *object);
void tn_pool_open_object(const struct tn_pool *pool, void *object);
bool tn_pool_canary_holds(const struct tn_pool *pool, const void *object);
void tn_pool_open_slab(const struct tn_pool *pool, struct tn_slab *slab);
/* What an inspector is told of a slab's live objects, and of those of it and all after it. */
void tn_pool_tell_gone(const struct tn_pool *pool, const struct tn_slab *slab);
void tn_pool_tell(const struct tn_pool *pool, const struct tn_slab *slab);

/* pool_attach.c, all with the pools' lock held: after its heap was opened again, or went back to an
 * earlier state: what belonged to the process that was is put right. Nothing where that is done
 * already. */
void tn_pool_attach(struct tn_pool *pool, struct tn_heap *heap);
bool tn_pool_is_attached(const struct tn_pool *pool, const struct tn_heap *heap);
/* The same for all pools of a heap, whatever was done before. Functions of another process are
 * dropped, until they are given to tarn_pool_find; those of this one are remembered by before. */
void tn_pool_attach_all(struct tn_heap *heap, void *before);
void *tn_pool_before(struct tn_heap *heap);

/* pool_doubt.c: what heap.h says of the hook. */
int tn_pool_doubt_all(const struct tn_doubtful *space, bool all);

/* pool_misuse.c */
_Noreturn void tn_pool_die_wrong(const struct tn_pool *pool, const void *p, const char *call);
_Noreturn void tn_pool_die_free(const struct tn_pool *pool, const void *p, const char *call);
_Noreturn void tn_pool_die_overrun(const struct tn_pool *pool, const void *p, const char *call);
_Noreturn void tn_pool_die_touched(const struct tn_pool *pool, const void *p, size_t at,
                                   const char *call);
_Noreturn void tn_pool_die_thread(const struct tn_pool *pool, const char *call);
_Noreturn void tn_pool_die_out(const struct tn_pool *pool, size_t count, const void *first);

#pragma GCC visibility pop

#endif
