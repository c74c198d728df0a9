/*
 * Orders from outside (watch/view.h): a profile is started or stopped in a process that runs.
 *
 * Whoever gives one has the system's leave to write this process's memory, and could do anything to
 * it: nothing is checked that a mistake would not break. The process looks at a byte where its slow
 * paths begin. Starting a profile loads the unwinder, which must not happen inside an allocation
 * that the dynamic linker may be making: a thread of the library's own does it and ends.
 */
#include "malloc/start.h"

#include "os/option.h"
#include "watch/profile.h"
#include "watch/view.h"

static void
settle(bool done)
{
    tn_order.done = done;
    atomic_store(&tn_order.answered, atomic_load(&tn_order.asked));
}

static void *
carry_out(void *unused)
{
    bool done = true;
    switch (tn_order.what) {
    case TN_ORDER_START:
        done = tarn_profile_start(tn_order.interval);
        break;
    case TN_ORDER_STOP:
        tarn_profile_stop();
        break;
    default:
        done = false;
        break;
    }
    settle(done);
    return unused;
}

/* The bell may have rung for something else, or twice. */
static void
answer(void)
{
    static _Atomic uint64_t taken;
    uint64_t asked = atomic_load(&tn_order.asked);
    if (asked != atomic_load(&tn_order.answered) && atomic_exchange(&taken, asked) != asked &&
        !tn_own_thread(carry_out)) {
        settle(false);
    }
}

void
tn_orders_start(void)
{
    tn_bell.outside = answer;
}
