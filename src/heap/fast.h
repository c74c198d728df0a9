/*
 * The fast paths of malloc and free, whole: what runs when the calling thread's current slab has a
 * free block, and when a block of one of its own slabs comes back. No lock, no atomic operation
 * with a price, no test whether anything is initialised. Instructions on x86-64, which the test
 * heap.instructions counts with a loop and calls around them: 15 for malloc, 19 for free; 17 and 20
 * in a heap that is not the process heap.
 */
#ifndef TN_FAST_H
#define TN_FAST_H

#include "heap/heap.h"
#include "os/os.h"

#include <string.h>

/* The rest, out of line. call names the public function for messages. */
void *tn_malloc_slow(size_t size);
void *tn_calloc_slow(size_t count, size_t size);
void tn_free_slow(void *p, const char *call);
void tn_free_look(struct tn_slab *slab);
void *tn_heap_malloc_slow(struct tn_heap *heap, size_t size);
void *tn_heap_calloc_slow(struct tn_heap *heap, size_t count, size_t size);
void tn_heap_free_slow(struct tn_heap *heap, void *p);
void tn_free_look_in(struct tn_cache *cache, struct tn_slab *slab);

/*
 * A block is taken off the current slab's list; its first word, the link, is cleared so that a
 * block that is live never looks like a free one. The next block is fetched meanwhile: its link is
 * what the next call waits for. NULL when the list is empty, or when something was written over the
 * link whose top bit is not set, as it is not of text, pointers, and counts: the top bit of a key
 * is, so that the test for the end of the list finds it, and the slow path ends the process.
 */
static inline void *
tn_take_fast(struct tn_slab *slab)
{
    uintptr_t *block = (uintptr_t *)slab->head;
    TN_TO_RETURN(block);
    uintptr_t next = *block;
    if (TN_LIKELY(!tn_decode(&next, &slab->key))) {
        *block = 0;
        slab->head = next;
        __builtin_prefetch((void *)next, 1);
        return block;
    }
    return NULL;
}

/* slow is what to do otherwise. */
static inline void *
tn_malloc_or(size_t size, void *(*slow)(size_t))
{
    if (TN_LIKELY(size <= TN_SMALL_MAX)) {
        void *block = tn_take_fast(tn_self->direct[(size + 7) / 8]);
        if (TN_LIKELY(block != NULL)) {
            return block;
        }
    }
    return slow(size);
}

static inline void *
tn_malloc(size_t size)
{
    return tn_malloc_or(size, tn_malloc_slow);
}

/* Makes a block just taken zero, whose first word is, all of it: up to 128 bytes that is its size
 * rounded up to 16. */
static inline void
tn_clear_fast(char *block, size_t size)
{
    size_t whole = (size + 15) & ~(size_t)15;
    if (size <= 8) {
        return;
    }
    if (size <= 16) {
        memset(block + 8, 0, 8);
    } else if (size <= 64) {
        memset(block, 0, 32);
        memset(block + whole - 32, 0, 32);
    } else {
        memset(block, 0, tn_classes[tn_class_of(size)].size);
    }
}

static inline void *
tn_calloc_or(size_t count, size_t size, void *(*slow)(size_t, size_t))
{
    size_t bytes;
    if (TN_LIKELY(tn_multiply(count, size, &bytes) && bytes <= TN_SMALL_MAX)) {
        void *block = tn_take_fast(tn_self->direct[(bytes + 7) / 8]);
        if (TN_LIKELY(block != NULL)) {
            tn_clear_fast(block, bytes);
            return block;
        }
    }
    return slow(count, size);
}

typedef uint16_t __attribute__((may_alias)) tn_quarter;

/* The top 16 bits of a word in memory. */
static inline uint16_t
tn_top(const void *word)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return ((const tn_quarter *)word)[3];
#else
    return ((const tn_quarter *)word)[0];
#endif
}

/*
 * A first word whose top is that of links is a link, and the block free already; or by chance what
 * the user wrote there: the slow path finds out.
 */
static inline void
tn_free(void *p, const char *call)
{
    size_t offset = (uintptr_t)p - tn_window_base;
    if (TN_LIKELY(offset < tn_window_size)) {
        struct tn_slab *slab = &tn_window_slabs[offset >> TN_SLICE_SHIFT];
        if (TN_LIKELY(tn_os_is_thread(atomic_load_explicit(&slab->owner, memory_order_relaxed)))) {
            if (TN_LIKELY(tn_top(p) != TN_LINK_TOP)) {
                *(uintptr_t *)p = slab->head ^ slab->key;
                slab->head = (uintptr_t)p;
                if (TN_UNLIKELY(--slab->left == 0)) {
                    tn_free_look(slab);
                }
                return;
            }
        }
    }
    tn_free_slow(p, call);
}

/* The same in the heap that this thread used last of those that are not the process heap, and for
 * blocks in the first of its spaces. */
static inline void *
tn_heap_malloc(struct tn_heap *heap, size_t size)
{
    const struct tn_other *other = &tn_other;
    if (TN_LIKELY(size <= TN_SMALL_MAX && TN_IS(heap, &other->heap))) {
        void *block = tn_take_fast(other->cache->direct[(size + 7) / 8]);
        if (TN_LIKELY(block != NULL)) {
            return block;
        }
    }
    return tn_heap_malloc_slow(heap, size);
}

static inline void *
tn_heap_calloc(struct tn_heap *heap, size_t count, size_t size)
{
    const struct tn_other *other = &tn_other;
    size_t bytes;
    if (TN_LIKELY(tn_multiply(count, size, &bytes) && bytes <= TN_SMALL_MAX &&
                  TN_IS(heap, &other->heap))) {
        void *block = tn_take_fast(other->cache->direct[(bytes + 7) / 8]);
        if (TN_LIKELY(block != NULL)) {
            tn_clear_fast(block, bytes);
            return block;
        }
    }
    return tn_heap_calloc_slow(heap, count, size);
}

static inline void
tn_heap_free(struct tn_heap *heap, void *p)
{
    const struct tn_other *other = &tn_other;
    size_t offset = (uintptr_t)p - other->base;
    if (TN_LIKELY(TN_BELOW(offset, &other->size))) {
        struct tn_slab *slab = &other->slabs[offset >> TN_SLICE_SHIFT];
        if (TN_LIKELY(atomic_load_explicit(&slab->owner, memory_order_relaxed) == other->id)) {
            if (TN_LIKELY(tn_top(p) != TN_LINK_TOP)) {
                *(uintptr_t *)p = slab->head ^ slab->key;
                slab->head = (uintptr_t)p;
                if (TN_UNLIKELY(--slab->left == 0)) {
                    tn_free_look_in(other->cache, slab);
                }
                return;
            }
        }
    }
    tn_heap_free_slow(heap, p);
}

#endif
