/* A bounded queue of blocks between one sending and one receiving thread, without locks, so that
 * what is measured is the allocator. A full or empty ring yields the processor. */
#ifndef RING_H
#define RING_H

#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>

enum {
    RING_SLOTS = 1024
};

struct ring {
    _Alignas(64) atomic_size_t sent;  /* written by the sender */
    _Alignas(64) atomic_size_t taken; /* written by the receiver */
    _Alignas(64) void *slots[RING_SLOTS];
};

static inline void
ring_send(struct ring *ring, void *block)
{
    size_t at = atomic_load_explicit(&ring->sent, memory_order_relaxed);
    while (at - atomic_load_explicit(&ring->taken, memory_order_acquire) == RING_SLOTS)
        sched_yield();
    ring->slots[at % RING_SLOTS] = block;
    atomic_store_explicit(&ring->sent, at + 1, memory_order_release);
}

static inline void *
ring_take(struct ring *ring)
{
    size_t at = atomic_load_explicit(&ring->taken, memory_order_relaxed);
    while (atomic_load_explicit(&ring->sent, memory_order_acquire) == at)
        sched_yield();
    void *block = ring->slots[at % RING_SLOTS];
    atomic_store_explicit(&ring->taken, at + 1, memory_order_release);
    return block;
}

#endif
