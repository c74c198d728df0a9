/*
 * A lock of one word on a futex (Drepper, "Futexes Are Tricky", 2011, mutex 2): one atomic
 * exchange when free, sleeping when held long. Zero is unlocked. A fork's child sees the locks of
 * threads that no longer exist as held; tn_lock_reset there.
 *
 * Order: a lock is taken only while holding locks of lower rank; debug builds check it.
 */
#ifndef TN_LOCK_H
#define TN_LOCK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum tn_rank {
    TN_RANK_REGISTRY = 1, /* the list of heaps */
    TN_RANK_IMAGE,        /* an image's file and journal */
    TN_RANK_POOLS,        /* the lists of pools */
    TN_RANK_POOL,         /* a shared pool's slabs */
    TN_RANK_SAMPLES,      /* the records of sampled blocks, and the slabs that hold them */
    TN_RANK_CENTRAL,      /* a heap's central slabs of one class */
    TN_RANK_HEAP,         /* a heap's shared slabs and list of caches */
    TN_RANK_SPACE,        /* a space's slice map */
    TN_RANK_CHECKED,      /* the lists of blocks freed under TARN_CHECK */
};

struct tn_lock {
    _Atomic uint32_t state; /* 0 free, 1 held, 2 held and waited for */
    uint32_t rank;          /* const after init */
};

void tn_lock_wait(struct tn_lock *lock);
void tn_lock_wake(struct tn_lock *lock);

#ifdef TARN_CHECKS
void tn_lock_check_taken(const struct tn_lock *lock);
void tn_lock_check_dropped(const struct tn_lock *lock);
#endif

static inline void
tn_lock(struct tn_lock *lock)
{
#ifdef TARN_CHECKS
    tn_lock_check_taken(lock);
#endif
    uint32_t unlocked = 0;
    if (!atomic_compare_exchange_strong_explicit(&lock->state, &unlocked, 1, memory_order_acquire,
                                                 memory_order_relaxed)) {
        tn_lock_wait(lock);
    }
}

static inline void
tn_unlock(struct tn_lock *lock)
{
#ifdef TARN_CHECKS
    tn_lock_check_dropped(lock);
#endif
    if (atomic_exchange_explicit(&lock->state, 0, memory_order_release) == 2) {
        tn_lock_wake(lock);
    }
}

/* For the child of a fork: true when the lock was held at the moment of the fork, so that what it
 * guards may be half changed. The lock is free afterwards. */
bool tn_lock_reset(struct tn_lock *lock);

#endif
