#define _GNU_SOURCE
#include "os/lock.h"

#include "os/os.h"

#include <errno.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SPINS 100

static void
futex(struct tn_lock *lock, int operation, uint32_t value)
{
    int saved = errno;
    syscall(SYS_futex, &lock->state, operation | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
    errno = saved;
}

void
tn_lock_wait(struct tn_lock *lock)
{
    for (int spin = 0; spin < SPINS; spin++) {
        uint32_t unlocked = 0;
        if (atomic_load_explicit(&lock->state, memory_order_relaxed) == 0 &&
            atomic_compare_exchange_weak_explicit(&lock->state, &unlocked, 1, memory_order_acquire,
                                                  memory_order_relaxed)) {
            return;
        }
#if defined(__x86_64__) || defined(__i386__)
        __builtin_ia32_pause();
#endif
    }
    while (atomic_exchange_explicit(&lock->state, 2, memory_order_acquire) != 0) {
        futex(lock, FUTEX_WAIT, 2);
    }
}

void
tn_lock_wake(struct tn_lock *lock)
{
    futex(lock, FUTEX_WAKE, 1);
}

bool
tn_lock_reset(struct tn_lock *lock)
{
    return atomic_exchange_explicit(&lock->state, 0, memory_order_relaxed) != 0;
}

#ifdef TARN_CHECKS
static _Thread_local uint32_t held_ranks; /* one bit for each rank this thread holds */

void
tn_lock_check_taken(const struct tn_lock *lock)
{
    if (held_ranks >> lock->rank != 0) {
        tn_os_die("lock of rank %u taken after one of the same or a higher rank", lock->rank);
    }
    held_ranks |= 1u << lock->rank;
}

void
tn_lock_check_dropped(const struct tn_lock *lock)
{
    held_ranks &= ~(1u << lock->rank);
}
#endif
