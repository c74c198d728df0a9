/* Quickfit: a heap over memory the caller hands in, for code with no libc under it.
 *
 * Needs of its surroundings nothing but memcpy, memmove, memset and memcmp. No floating point, no
 * recursion; every function states its cost, where "constant" means a number of instructions that
 * depends neither on the size of the heap nor on its history (docs/quick.md gives the numbers and
 * how they were proved). Zeroing and copying of the caller's bytes come on top.
 *
 * A heap may be used from interrupts and from many threads when its lock hook keeps the others
 * out; without a lock hook a heap belongs to one thread of control at a time.
 *
 * Ideas: quick lists, Weinstock and Wulf, "Quickfit: an efficient algorithm for heap storage
 * allocation" (1988); boundary tags, Knuth, TAOCP volume 1; index of size ranges found by a bit
 * scan, Masmano et al., "TLSF" (2004). */
#ifndef TARN_QUICK_H
#define TARN_QUICK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* 1: header words and links are as wide as a pointer, regions may lie and be as large as they
 * like. 0: on machines with 64-bit pointers they have 32 bits, one region is smaller than 2 GiB
 * and all lie within 2 GiB of the first. Makes no difference where pointers have 32 bits. */
#ifndef TARN_QUICK_WIDE
#    define TARN_QUICK_WIDE 0
#endif

struct tarn_quick; /* a heap; lives at the start of its first region */

/* Options of tarn_quick_init, to be or-ed. */
enum {
    TARN_QUICK_ALIGN16 = 1,   /* payloads at multiples of 16 instead of 8 */
    TARN_QUICK_TAGS = 2,      /* keep two words of the caller with each object (costs two words) */
    TARN_QUICK_IMMEDIATE = 4, /* coalesce in every free: no quick lists, tightest bound */
    TARN_QUICK_GROWS = 16, /* regions larger than the first may follow (up to 88 bytes of index) */
    TARN_QUICK_CHECKED = 8 /* find overruns by a byte and writes after free (costs two words
                              per object, and touching each object's bytes in malloc and free) */
};

/* What went wrong, for the panic hook. */
struct tarn_quick_fault {
    const char *function; /* the function the caller had called, such as "free" */
    const char *what;     /* a sentence without its full stop, such as "already free" */
    const void *pointer;  /* what it was about */
    uintptr_t malloctag;  /* the object's tags where they are kept and still legible, else 0 */
    uintptr_t realloctag;
};

/* What happened, for the trace hook. */
struct tarn_quick_event {
    const char *function;
    const void *pointer; /* result of an allocation, argument of free; of realloc: the result */
    const void *before;  /* realloc: its argument; else NULL */
    size_t size;         /* bytes asked for; free: 0 */
    uintptr_t caller;    /* return address of the call */
};

/* How a heap reaches its surroundings. Every member may be NULL. The structure is kept by
 * reference and must outlive the heap. */
struct tarn_quick_hooks {
    void *context; /* handed to every hook */
    /* Keeps everyone else out and returns what unlock needs to restore: on one processor, disable
     * interrupts and return the level before. Held for a constant number of instructions at a
     * time, never while bytes are zeroed or copied. */
    uintptr_t (*lock)(void *context);
    void (*unlock)(void *context, uintptr_t saved);
    /* The heap is damaged or the caller broke a rule. Called with the lock released; must not
     * return (if it does, the operation is given up: allocations return NULL and free leaves the
     * block as it is). NULL: a trap instruction. */
    void (*panic)(void *context, const struct tarn_quick_fault *fault);
    /* No block of `need` bytes is left: may call tarn_quick_add and return true to have the
     * request tried once more. Called with the lock released. */
    bool (*more)(void *context, struct tarn_quick *heap, size_t need);
    /* Waits; only called by tarn_quick_smalloc. NULL: smalloc returns NULL instead of waiting. */
    void (*sleep)(void *context, unsigned milliseconds);
    /* Prints `length` bytes; used by tarn_quick_summary and tarn_quick_leaks. */
    void (*print)(void *context, const char *text, size_t length);
    /* Called after every successful call, with the lock released. */
    void (*trace)(void *context, const struct tarn_quick_event *event);
};

/* Makes a heap in `size` bytes at `memory` (any alignment, at least tarn_quick_need(NULL, 0, 0)
 * bytes; the first region also holds the heap's state). `options`: TARN_QUICK_ALIGN16 and so on.
 * `hooks` may be NULL. Returns NULL when the region is too small, or in a narrow heap not smaller
 * than 2 GiB. Cost: constant, except that TARN_QUICK_CHECKED fills the region. */
struct tarn_quick *tarn_quick_init(void *memory, size_t size, unsigned options,
                                   const struct tarn_quick_hooks *hooks);

/* Hands in another region. Returns false when it is too small, overlaps the state of the heap, lies
 * out of a narrow heap's reach, or has more than about the first one's size and the heap was made
 * without TARN_QUICK_GROWS. Cost: constant (TARN_QUICK_CHECKED: fills the region). */
bool tarn_quick_add(struct tarn_quick *heap, void *memory, size_t size);

/* Takes back the region that was handed in at `memory`. Returns false, and changes nothing, when
 * an object lives in it, or it is the first, or none of the heap's. Cost: one step per region, plus
 * a bounded flush of the quick lists. */
bool tarn_quick_remove(struct tarn_quick *heap, void *memory);

/* At least `size` bytes, zeroed, aligned for the heap's granule (8 or 16). Size 0 gives a valid
 * pointer. NULL iff the more hook gives nothing, and no free block is left that is large enough and
 * in a higher range of sizes (a power of two) or among the first 32 of its own. Cost:
 * constant; a request that would be refused first coalesces the quick lists, a bounded number of
 * blocks. */
void *tarn_quick_malloc(struct tarn_quick *heap, size_t size);

/* As tarn_quick_malloc, zeroed only when `clear` is not 0. */
void *tarn_quick_mallocz(struct tarn_quick *heap, size_t size, int clear);

/* As tarn_quick_malloc, but waits: tries again after every 100 ms in the sleep hook until there is
 * memory. Not for interrupts. NULL only for a size no heap could ever have, or without the hook. */
void *tarn_quick_smalloc(struct tarn_quick *heap, size_t size);

/* As tarn_quick_malloc, with the result p such that p mod `align` = `offset` mod `align` (unless
 * `align` is 0) and that p .. p + size - 1 lies between two multiples of `span` (unless `span` is
 * 0). Any values; `offset` may be negative, then its true modulus counts. Without `align`, the
 * heap's own alignment holds. NULL also when no address could satisfy both; it looks for room
 * enough to place the object wherever the block may lie: `align` bytes more, with a span `size` and
 * `align` once more, and a smallest block in front. Cost: constant when one of `align` and `span`
 * divides the other, as powers of two do; else a search in at most 128 steps. */
void *tarn_quick_mallocalign(struct tarn_quick *heap, size_t size, size_t align, long offset,
                             size_t span);

/* Makes the object `size` bytes large, moving it only when it must; bytes beyond the old size are
 * zero. realloc(NULL, n) is malloc(n), realloc(p, 0) frees and returns NULL, realloc(NULL, 0) does
 * nothing and returns NULL. NULL and the object untouched when there is no memory. An alignment
 * asked of mallocalign is kept only while the object stays in place. Cost: constant, plus the copy
 * when it moves. */
void *tarn_quick_realloc(struct tarn_quick *heap, void *object, size_t size);

/* As tarn_quick_malloc of n * size bytes; NULL when that product overflows. */
void *tarn_quick_calloc(struct tarn_quick *heap, size_t n, size_t size);

/* Gives the object back; NULL is ignored. Cost: constant. */
void tarn_quick_free(struct tarn_quick *heap, void *object);

/* Grows the object over the slack behind it and returns the number of bytes that may be used.
 * Cost: constant. NULL gives 0. */
size_t tarn_quick_msize(struct tarn_quick *heap, void *object);

/* Two words of the caller's kept with each object, when the heap was made with TARN_QUICK_TAGS:
 * malloc and realloc set them to the address they were called from. Without the option setting
 * does nothing and getting gives 0. Cost: constant. */
void tarn_quick_setmalloctag(struct tarn_quick *heap, void *object, uintptr_t tag);
uintptr_t tarn_quick_getmalloctag(struct tarn_quick *heap, void *object);
void tarn_quick_setrealloctag(struct tarn_quick *heap, void *object, uintptr_t tag);
uintptr_t tarn_quick_getrealloctag(struct tarn_quick *heap, void *object);

/* Coalesces what the quick lists hold. Cost: bounded, as a refused malloc. */
void tarn_quick_flush(struct tarn_quick *heap);

/* A free or used stretch of a region, for tarn_quick_walk. */
struct tarn_quick_block {
    void *object; /* its first byte; for one of mallocalign the pointer it gave */
    size_t size;  /* bytes that may be used */
    size_t total; /* bytes with the header and all */
    bool used;    /* an object of the caller's; blocks on quick lists are not */
    bool quick;   /* free, on a quick list */
    uintptr_t malloctag;
    uintptr_t realloctag;
};

/* Calls `visit` for every block of every region in order of address within the region, until it
 * returns false. Returns whether it came to the end. Cost: one step per block. In a heap with a
 * lock others may go on using it, as may `visit` itself, and the walk may be made from an
 * interrupt: the lock is taken anew for each block, `visit` is called without, and what is
 * allocated or freed meanwhile is seen or is not. In a heap without one, `visit` must not use it.
 */
bool tarn_quick_walk(struct tarn_quick *heap,
                     bool (*visit)(void *context, const struct tarn_quick_block *block),
                     void *context);

#define TARN_QUICK_RANGES (sizeof(size_t) * 8)

struct tarn_quick_stats {
    size_t regions;
    size_t total;   /* bytes of all blocks; what regions lose to state and closing is not in it */
    size_t used;    /* bytes of blocks in use, with headers */
    size_t quick;   /* bytes of blocks on quick lists */
    size_t free;    /* bytes of all other free blocks; total = used + quick + free */
    size_t peak;    /* the highest that used + quick has been */
    size_t largest; /* the largest size malloc would give now without coalescing the quick lists */
    size_t objects; /* blocks in use */
    size_t used_by_size[TARN_QUICK_RANGES]; /* blocks in use of 2^i to 2^(i+1) - 1 bytes */
    size_t free_by_size[TARN_QUICK_RANGES]; /* free ones, those on quick lists among them */
};

/* Fills in `stats`. Cost and rule as tarn_quick_walk. */
void tarn_quick_get_stats(struct tarn_quick *heap, struct tarn_quick_stats *stats);

/* Prints a short summary of the heap's state through the print hook; nothing without one. Cost and
 * rule as tarn_quick_walk. */
void tarn_quick_summary(struct tarn_quick *heap);

/* Prints, for each malloc tag, how many objects and bytes carry it. Cost: blocks times tags. */
void tarn_quick_leaks(struct tarn_quick *heap);

/* Walks every block, list and region. Returns NULL when all is well, else the name of the first
 * invariant that does not hold, and in *where (when not NULL) the address it concerns. Never
 * panics, reads nothing outside the regions, and changes nothing. Cost: one step per block and
 * per list entry. Takes no lock, since it would hold it too long: keep others out. In an interrupt
 * of a single processor they are. */
const char *tarn_quick_check(struct tarn_quick *heap, const void **where);

/* One kind of object of a program: at most `count` live at a time, of `size` bytes. */
struct tarn_quick_mix {
    size_t size;
    size_t count;
};

/* Bytes of one region with which a heap of `options` never refuses a program that keeps within the
 * mix, in whatever order it allocates and frees (a proof is in docs/quick.md; plain programs need
 * far less). `n` = 0: the smallest region tarn_quick_init takes with any options. SIZE_MAX when it
 * overflows. Cost: n steps. */
size_t tarn_quick_need(const struct tarn_quick_mix *mix, size_t n, unsigned options);

/* The static default heap, for kernels and for the plain C names. Its objects are aligned for any
 * type C has: where one needs 16 bytes, TARN_QUICK_ALIGN16 is on. Comes in its own object and with
 * hosted hooks only where these are linked in. tarn_quick_default() is NULL before it was made, and
 * when tarn_quick_init would return NULL. Cost: as tarn_quick_init; constant. */
void tarn_quick_default_init(void *memory, size_t size, unsigned options,
                             const struct tarn_quick_hooks *hooks);
struct tarn_quick *tarn_quick_default(void);

/* Hooks for programs under an operating system: panic prints a line on stderr and aborts, print
 * writes to stdout, sleep sleeps, lock is a mutex. The only part that needs a libc. */
extern const struct tarn_quick_hooks tarn_quick_hosted;

#ifdef __cplusplus
}
#endif

#endif
