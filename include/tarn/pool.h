/*
 * tarn/pool.h: object pools.
 *
 * A pool hands out objects of one size. They lie exactly that size, rounded up to their alignment,
 * apart: nothing stands before, between or inside them, free or not. A pool lives in a heap (the
 * process heap, one of one's own, one inside a buffer) and takes from it slabs of 64 KiB or more,
 * which it keeps until tarn_pool_trim or its end.
 *
 *     tarn_pool *nodes = tarn_pool_of(struct node, .name = "nodes");
 *     struct node *node = tarn_pool_alloc(nodes);
 *     tarn_pool_free(nodes, node);
 *     tarn_pool_close(nodes);
 *
 * Last in, first out: after freeing a and then b, the next two allocations give b and then a, as
 * long as fewer than about a hundred others were freed in between. Objects that have been free for
 * longer come back in the order of their addresses, however they were freed.
 *
 * Two modes:
 *  - owner (the default): one thread at a time uses the pool, as with libcork's. No lock, no
 *    atomic operation: ten instructions for an allocation and a free together, inline. A debug
 *    build of Tarn, TARN_POOL_CHECK or TARN_CHECK=1 ends the process when a second thread uses the
 *    pool;
 *  - TARN_POOL_SHARED: any thread may use the pool at any time. Each has a cache of objects, and
 *    takes the pool's lock once in about a hundred operations. With a limit, with TARN_POOL_STRICT,
 *    TARN_POOL_CHECK or what implies it there is one cache, and each call takes the lock.
 *
 * What holds of all functions here unless one says otherwise:
 *  - errno is untouched on success;
 *  - none may be called in a signal handler; in a fork's child all may, in owner mode by the thread
 *    that forked if it is the owner;
 *  - wrong pointers end the process with one line on stderr, such as
 *    "tarn: tarn_pool_free(0x7f..40): already free (pool "nodes", 48-byte objects) [T201]". With
 *    TARN_POOL_CHECK or TARN_CHECK=1 that is at once. Without them the free itself asks nothing
 *    (that is the ten instructions): each pointer is looked at when it leaves the cache of the last
 *    255 objects freed (fewer of more than 4 KiB: 1 MiB, 8 at least), at the latest when the pool
 *    is walked, trimmed or closed.
 *
 * The method: bitmaps apart from the objects, with a stack of free objects in front (magazines;
 * Bonwick and Adams, "Magazines and Vmem", 2001). Nothing of Tarn's is ever written to an object.
 */
#ifndef TARN_POOL_H
#define TARN_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <tarn/heap.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#    pragma GCC visibility push(default)
#endif

/* What the inline functions below use; the rest is Tarn's own. */
typedef struct tarn_pool {
    void **top; /* the object freed last; a slot that holds NULL: not here. Of shared pools such
                   a slot for ever, at the place where a cache is full */
    uint64_t serial; /* of shared pools whose threads have caches: no other pool has it */
} tarn_pool;

/* The shared pools a thread used last, each with the thread's cache of it. */
#define TARN_POOL_KNOWN_ 16
struct tarn_pool_known_ {
    uint64_t serial; /* of the pool; 0: none */
    tarn_pool *cache;
};
#if defined(__GNUC__)
extern __thread struct tarn_pool_known_ tarn_pool_known_[TARN_POOL_KNOWN_]
    __attribute__((tls_model("initial-exec")));
#endif

enum tarn_pool_flags {
    TARN_POOL_SHARED = 1,  /* for any thread at any time */
    TARN_POOL_WAIT = 2,    /* at the limit wait for a free; needs SHARED and a limit */
    TARN_POOL_SPREAD = 4,  /* each object starts a cache line of its own, and an odd number of lines
                              apart, so that neither threads share lines nor objects cache sets */
    TARN_POOL_CHECK = 8,   /* every wrong pointer and every wrong thread is found at once; every
                              call takes the longer way */
    TARN_POOL_CANARY = 16, /* eight bytes after each object tell of a write past its end, found when
                              it is freed; implies CHECK */
    TARN_POOL_POISON = 32, /* free objects are filled with a pattern; a write to one is found when
                              it is allocated again. Not with a constructor; implies CHECK */
    TARN_POOL_GUARD = 64,  /* each object ends (up to its alignment) at a protected page, and free
                              ones are not readable. Two system calls and at least two pages an
                              object, and the system's limit on mappings (some 30,000 objects);
                              only in heaps of anonymous memory; implies CHECK */
    TARN_POOL_STRICT = 128, /* last in, first out without exception, over all objects, as a list
                              through all of them would be; eight bytes for each free object */
    TARN_POOL_PROFILE =
        256 /* the sampled profile (tarn/profile.h) knows the pool's objects, while
               it is on; every call takes the longer way, in shared pools with a
               lock. TARN_PROFILE_POOLS=1 sets it for all pools but those in images */
};

/* All zero is a pool with no name, in the process heap, in owner mode. */
struct tarn_pool_options {
    size_t align;       /* a power of two; 0: the largest one that divides size, at most 16 */
    const char *name;   /* at most 47 characters, copied; for messages and tarn_pool_find */
    tarn_heap *heap;    /* NULL: the process heap */
    unsigned flags;     /* of enum tarn_pool_flags */
    size_t block_size;  /* bytes of objects that enter the pool at a time (are constructed, are
                           first touched); 0: a slab, or 4 KiB where there is a constructor */
    size_t preallocate; /* objects to have in the pool from the start, their memory present */
    size_t limit;       /* most objects that may be out at a time; 0: no limit */
    void (*construct)(void *object, void *context); /* when an object's memory enters the pool */
    void (*destruct)(void *object, void *context);  /* when it leaves it */
    void *context;                                  /* for both */
    int reserved;
};

/* A pool of objects of size bytes. options may be NULL. NULL with errno ENOMEM, or EINVAL: a size
 * of 0, an alignment that is no power of two, a name too long, blocks beyond a TiB, flags that do
 * not go together; or EROFS: the heap is an image that is open for reading. More objects asked for
 * from the start than the system has memory are ENOMEM. Cost: two slabs of address space and a few
 * touched pages. */
tarn_pool *tarn_pool_new(size_t size, const struct tarn_pool_options *options);

#ifndef __cplusplus
/* A pool for objects of a type: tarn_pool_of(struct node), or with options after the type:
 * tarn_pool_of(struct node, .name = "nodes", .flags = TARN_POOL_SHARED). */
#    define tarn_pool_of(...) TARN_POOL_OF_(__VA_ARGS__, .reserved = 0)
#    define TARN_POOL_OF_(type, ...)                                                               \
        tarn_pool_new(sizeof(type),                                                                \
                      &(const struct tarn_pool_options){.align = _Alignof(type), __VA_ARGS__})
#endif

/* An object of the type, from a pool made for it. */
#define tarn_pool_alloc_as(pool, type) ((type *)tarn_pool_alloc(pool))

/* The pool of this name in a heap (NULL: the process heap), the one made last where there are more;
 * NULL when there is none. For a heap that was closed and opened again: the pool is as it was, with
 * its live objects; when it is found for the first time since, of the options only construct,
 * destruct and context count (they must be given again), and the calling thread becomes its owner.
 * options may be NULL. Cost: a step for each pool of the heap. In an image that is open
 * for reading NULL with errno EROFS: objects are there to be read, the pool is not to be used. */
tarn_pool *tarn_pool_find(tarn_heap *heap, const char *name,
                          const struct tarn_pool_options *options);

/* The calling thread becomes the owner of a pool in owner mode that was handed over to it; of a
 * shared pool nothing. Constant time. */
void tarn_pool_adopt(tarn_pool *pool);

/* Parts of the functions below that are not inline; not to be called directly. */
void *tarn_pool_alloc_slow(tarn_pool *pool);
void tarn_pool_free_slow(tarn_pool *pool, void *object);

/* Adding to a word in memory is one instruction, for which compilers take two. */
#if defined(__x86_64__) && defined(__LP64__) && defined(__GNUC__) &&                               \
    !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
#    define TARN_POOL_MOVE_(top, by) __asm__("addq %1, %0" : "+m"(top) : "i"((by)*8) : "cc")
#else
#    define TARN_POOL_MOVE_(top, by) ((top) += (by))
#endif

/* The place of the last free object in its cache is a multiple of this when the cache is full. */
#define TARN_POOL_TILE_ 2048

/* An object with whatever contents (its first use: zero or what was in the heap's memory before;
 * later: as it was freed, or as its constructor left it). NULL with errno ENOMEM when there is no
 * memory, or at the limit. Cost: five instructions; once in 128 times, a look at a bitmap. */
inline void *tarn_pool_alloc(tarn_pool *pool);

/* Takes back an object of this pool; NULL does nothing. Its contents stay as they are (but for
 * TARN_POOL_POISON). Cost: five instructions; once in 128 times, some 30 for each of 128. */
inline void tarn_pool_free(tarn_pool *pool, void *object);

/* The cache of the calling thread where the pool itself is none: of a shared pool used lately.
 * Otherwise the pool. */
inline tarn_pool *
tarn_pool_cache_(tarn_pool *pool)
{
#if defined(__GNUC__)
    struct tarn_pool_known_ *known = &tarn_pool_known_[pool->serial % TARN_POOL_KNOWN_];
    return __builtin_expect(known->serial == pool->serial, 1) ? known->cache : pool;
#else
    return pool;
#endif
}

inline void *
tarn_pool_alloc(tarn_pool *pool)
{
    void *object = *pool->top;
    if (__builtin_expect(object != NULL, 1)) {
        TARN_POOL_MOVE_(pool->top, -1);
        return object;
    }
    tarn_pool *cache = tarn_pool_cache_(pool);
    object = *cache->top;
    if (__builtin_expect(object != NULL, 1)) {
        TARN_POOL_MOVE_(cache->top, -1);
        return object;
    }
    return tarn_pool_alloc_slow(pool);
}

inline void
tarn_pool_free(tarn_pool *pool, void *object)
{
    void **top = pool->top;
    if (__builtin_expect(((uintptr_t)top & (TARN_POOL_TILE_ - 1)) != 0, 1)) {
        top[1] = object;
        TARN_POOL_MOVE_(pool->top, 1);
        return;
    }
    tarn_pool *cache = tarn_pool_cache_(pool);
    top = cache->top;
    if (__builtin_expect(((uintptr_t)top & (TARN_POOL_TILE_ - 1)) != 0, 1)) {
        top[1] = object;
        TARN_POOL_MOVE_(cache->top, 1);
        return;
    }
    tarn_pool_free_slow(pool, object);
}

/* As tarn_pool_alloc, but all bytes of the object are zero, whatever a constructor made of it. */
void *tarn_pool_zalloc(tarn_pool *pool);

/* count objects at once into objects[]. Returns how many there were: fewer than count (with errno
 * ENOMEM) only at the limit or the end of memory. Cost: a few instructions an object. */
size_t tarn_pool_alloc_many(tarn_pool *pool, void **objects, size_t count);

/* Takes count objects back, as tarn_pool_free does. Cost: a few instructions an object. */
void tarn_pool_free_many(tarn_pool *pool, void *const *objects, size_t count);

/* Takes all objects back at once, with no call of the destructor. No thread may be using the pool
 * or, from then on, an object. Cost: a bit per object. */
void tarn_pool_reset(tarn_pool *pool);

/* Ends the pool, whose objects must all have been freed: with objects still out the process ends
 * with their count and the first one's address. Runs the destructor on each object, in the order of
 * their addresses (TARN_POOL_STRICT: last freed first). No thread may be using the pool. NULL does
 * nothing. Cost: a step for each slab, and the destructor for each object. */
void tarn_pool_close(tarn_pool *pool);

/* The same with all its objects, freed or not. */
void tarn_pool_destroy(tarn_pool *pool);

/* Calls visit for every object that is out, by address within each slab, until it returns false.
 * False then, else true. No other thread may use the pool meanwhile, nor may visit. Cost: grows
 * with the pool. */
bool tarn_pool_walk(tarn_pool *pool, bool (*visit)(void *context, void *object), void *context);

/* Gives slabs in which no object is out back to the heap (after the destructor, which may not use
 * this pool then), but for what was preallocated; in a shared pool what other threads have in their
 * caches stays, with TARN_POOL_STRICT all. Returns the bytes. Cost: a step for each slab that has a
 * free object. */
size_t tarn_pool_trim(tarn_pool *pool);

struct tarn_pool_stats {
    size_t size;    /* bytes of an object, as asked for */
    size_t stride;  /* bytes from one to the next */
    size_t live;    /* objects out */
    size_t cached;  /* free, in the caches of threads */
    size_t idle;    /* free, elsewhere in the pool */
    size_t entered; /* the sum of these: objects constructed */
    size_t slabs;
    size_t bytes; /* of the heap, all in all */
};

/* What the pool has; exact when no other thread uses it meanwhile. Cost: a step for each thread's
 * cache. */
void tarn_pool_stats(const tarn_pool *pool, struct tarn_pool_stats *stats);

/* Whether the pool's invariants hold: NULL, or the first broken one in words. No other thread may
 * use the pool meanwhile. Cost: grows with the pool. */
const char *tarn_pool_check(tarn_pool *pool);

#if defined(__GNUC__)
#    pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
