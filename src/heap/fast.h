/*
 * The fast paths of malloc and free, whole: what runs when the calling thread's current slab has a
 * free block, and when a block of one of its own slabs comes back. No lock, no atomic operation
 * with a price, no test whether anything is initialised. Instructions, by
 * tests/heap/instructions: 15 for malloc, 21 for free.
 */
#ifndef TN_FAST_H
#define TN_FAST_H

#include "heap/heap.h"
#include "os/os.h"

/* The rest, out of line. call names the public function for messages. */
void *tn_malloc_slow(size_t size);
void tn_free_slow(void *p, const char *call);
void tn_free_look(struct tn_slab *slab);

/*
 * A block is taken off the current slab's list; its first word, the link, is cleared so that a
 * block that is live never looks like a free one.
 */
static inline void *
tn_malloc(size_t size)
{
    if (TN_LIKELY(size <= TN_SMALL_MAX)) {
        struct tn_slab *slab = tn_self->direct[(size + 7) / 8];
        uintptr_t head = slab->head;
        if (TN_LIKELY((head & 1) == 0)) {
            uintptr_t *block = (uintptr_t *)(head ^ slab->key);
            slab->head = *block;
            *block = 0;
            return block;
        }
    }
    return tn_malloc_slow(size);
}

/*
 * A block's first word that bears the slab's key as head does (the upper 48 bits) is a link: the
 * block is free already, or its user wrote a link there, once in 2^48.
 */
static inline void
tn_free(void *p, const char *call)
{
    size_t offset = (uintptr_t)p - tn_window_base;
    if (TN_LIKELY(offset < tn_window_size)) {
        struct tn_slab *slab = &tn_window_slabs[offset >> TN_SLICE_SHIFT];
        if (TN_LIKELY(
                tn_os_is_thread(atomic_load_explicit(&slab->owner, memory_order_relaxed)))) {
            uintptr_t *block = p;
            uintptr_t head = slab->head;
            if (TN_LIKELY((*block ^ head) >> 16 != 0)) {
                *block = head;
                slab->head = (uintptr_t)p ^ slab->key;
                if (TN_UNLIKELY(--slab->left == 0)) {
                    tn_free_look(slab);
                }
                return;
            }
        }
    }
    tn_free_slow(p, call);
}

#endif
