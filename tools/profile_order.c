/* An order to a process that runs on Tarn, and its answer (watch/view.h). */
#include "profile_live.h"

#include <errno.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

enum {
    STEP = 5 /* milliseconds from one look for the answer to the next */
};

/* A number that no order to this process had: this process's, and the time. */
static uint64_t
fresh_number(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)getpid() << 40 ^
           ((uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
}

static void
pause_a_step(void)
{
    struct timespec step = {0, STEP * 1000000L};
    nanosleep(&step, NULL);
}

bool
live_order(struct top_target *target, enum tn_order_kind what, size_t interval, double seconds)
{
    struct tn_order order;
    struct tn_order *there = target->view.order;
    uint8_t *bell = (uint8_t *)target->view.bell;
    const uint8_t rung = 1;
    uint64_t number = fresh_number();
    if (!top_read(target, there, &order, sizeof order)) {
        return false;
    }
    order.asked = number;
    order.interval = interval;
    order.what = what;
    if (!top_write(target, there, &order, sizeof order) || !top_write(target, bell, &rung, 1)) {
        return false;
    }
    for (double waited = 0; waited <= seconds; waited += STEP / 1000.0) {
        if (!top_read(target, there, &order, sizeof order)) {
            return false;
        }
        if (order.answered == number) {
            return order.done != 0 ||
                   top_fail(target,
                            "process %d cannot do that: its stacks cannot be walked, or it runs "
                            "with TARN_CHECK",
                            (int)target->pid);
        }
        pause_a_step();
    }
    return top_fail(target,
                    "process %d has not asked for memory for %g s; the order stands until it "
                    "does",
                    (int)target->pid, seconds);
}
