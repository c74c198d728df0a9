/*
 * tarn/heap.h: heaps of one's own.
 *
 * A heap is apart from the process heap and from all others: its blocks lie in its own addresses
 * and all of them can be dropped at once. Any number of threads may use a heap at the same time,
 * each with its own cache, as they use the process heap.
 *
 * What tarn/tarn.h says of sizes, alignments, NULL, errno and wrong pointers holds here. A block is
 * freed to the heap it came from; tarn_free and free find its heap by themselves, a little slower.
 */
#ifndef TARN_HEAP_H
#define TARN_HEAP_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#    pragma GCC visibility push(default)
#endif

typedef struct tn_heap tarn_heap;

/* A new heap, which grows as needed. NULL with errno ENOMEM, also when there are too many: heaps
 * and images may have 960 ranges of addresses in a process, each its first of 256 MiB (or, where
 * that is less, a sixteenth of a limit of address space) and more as it grows; the process heap has
 * its own. Cost: a few system calls. */
tarn_heap *tarn_heap_new(void);

/* The least size of a buffer for tarn_heap_new_in. */
#define TARN_HEAP_BUFFER_LEAST ((size_t)5 * 65536)

/* A new heap inside a buffer of the caller's, with no memory but that. Slabs are 64 KiB each, so a
 * buffer pays from a few hundred KiB on. NULL with errno EINVAL when the buffer has less than four
 * aligned slabs in it, as none of TARN_HEAP_BUFFER_LEAST has; ENOMEM when there are too many heaps.
 * The buffer is the caller's again after tarn_heap_destroy. Cost: clears 8 KiB and a thousandth of
 * the buffer. */
tarn_heap *tarn_heap_new_in(void *buffer, size_t size);

/* Ends a heap: its blocks are gone, all at once, and its memory is the system's again (or the
 * caller's). An image (tarn/persist.h) is closed without a commit. No thread may be using the heap.
 * NULL and the process heap: nothing. Cost: a system call for each of its ranges of addresses. */
void tarn_heap_destroy(tarn_heap *heap);

/* The process heap, for the functions below; it cannot be destroyed. NULL: no memory. Constant
 * time, but for the first call in the process. */
tarn_heap *tarn_heap_process(void);

/* The heap in whose addresses p lies, be it in a block or not; NULL when it lies in none. The heap
 * is not being destroyed meanwhile. Cost: a few instructions for the process heap's first range,
 * else a look at each range of addresses that there is. */
tarn_heap *tarn_heap_of(const void *p);

/* As their namesakes in tarn/tarn.h; new blocks are of this heap. */
void *tarn_heap_malloc(tarn_heap *heap, size_t size);
void *tarn_heap_zalloc(tarn_heap *heap, size_t size);
void *tarn_heap_calloc(tarn_heap *heap, size_t count, size_t size);
void *tarn_heap_realloc(tarn_heap *heap, void *p, size_t size);
void *tarn_heap_reallocarray(tarn_heap *heap, void *p, size_t count, size_t size);
void *tarn_heap_aligned_alloc(tarn_heap *heap, size_t align, size_t size);
char *tarn_heap_strdup(tarn_heap *heap, const char *text);
char *tarn_heap_strndup(tarn_heap *heap, const char *text, size_t length);
void tarn_heap_free(tarn_heap *heap, void *p);

/* Gives the heap's free slices and the free pages inside its slabs back to the system, as tarn_trim
 * does. Returns the bytes. Cost: grows with the number of slabs. */
size_t tarn_heap_trim(tarn_heap *heap);

/* Calls visit for every live block of the heap, in the order of their addresses, with its start
 * and its usable size, until it returns false. False then, else true. Other threads must not use
 * this heap meanwhile, nor may visit change it; they may use all other heaps. Blocks that pools
 * made of a heap's memory are told by tarn_pool_walk. Cost: grows with the heap. */
bool tarn_heap_walk(tarn_heap *heap, bool (*visit)(void *context, void *block, size_t size),
                    void *context);

enum tarn_block_state {
    TARN_BLOCK_LIVE,      /* a program has it */
    TARN_BLOCK_FREE,      /* in a slab, freed or never given out, with memory under it */
    TARN_BLOCK_UNTOUCHED, /* in a slab, never given out, or not since its memory went back */
};

struct tarn_block {
    void *start;
    size_t size;       /* bytes that its user may use, or could */
    size_t class_size; /* bytes of a block of its size class; 0: it has slices of its own */
    enum tarn_block_state state;
};

/* The same for every block there is, live or not, with its class and state. block is valid until
 * visit returns. What was freed under TARN_CHECK and is kept from use is not told. Rules and cost
 * are the same. */
bool tarn_heap_walk_all(tarn_heap *heap,
                        bool (*visit)(void *context, const struct tarn_block *block),
                        void *context);

/* Whether the heap's invariants hold: NULL, or the first broken one in words. Other threads must
 * not use this heap meanwhile. Cost: grows with the heap. */
const char *tarn_heap_check(tarn_heap *heap);

#if defined(__GNUC__)
#    pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
