/*
 * The helper: a thread, only where TARN_HELPER asks for it, that looks once a second whether the
 * process is idle and trims it then: free slices, the pages inside central and shared slabs, and by
 * request those of the caches, which their threads give back at their next slow call. Idle: the
 * process used less than IDLE_SHARE of a processor since the last look, or no free slice came or
 * went.
 *
 * A fork's child has no helper until its first slow allocation: a thread cannot be started in the
 * middle of fork.
 */
#define _GNU_SOURCE
#include "heap/purge.h"
#include "malloc/start.h"
#include "os/option.h"
#include "os/os.h"
#include "watch/census.h"

#include <pthread.h>
#include <time.h>

#define PERIOD     1000u /* milliseconds */
#define IDLE_SHARE 20u   /* less than a twentieth of the period is idle */
#define RAN_LEAST  10u   /* milliseconds of work that make another trim worth it */

static atomic_bool running;

static void
look(void)
{
    static size_t last_dirty;
    static uint64_t last_cpu;
    static uint64_t cpu_at_trim;
    uint64_t cpu = tn_os_cpu_milliseconds();
    size_t dirty = tn_count_dirty(&tn_process_heap);
    bool quiet = cpu - last_cpu < PERIOD / IDLE_SHARE;
    bool ran = cpu - cpu_at_trim >= RAN_LEAST; /* there may be pages inside slabs */
    last_cpu = cpu;
    if (quiet ? ran || dirty != 0 : dirty == last_dirty && dirty != 0) {
        tn_purge_all();
        dirty = 0;
        last_cpu = cpu_at_trim = tn_os_cpu_milliseconds();
    }
    last_dirty = dirty;
}

static void *
help(void *unused)
{
    for (;;) {
        struct timespec pause = {PERIOD / 1000, PERIOD % 1000 * 1000000L};
        nanosleep(&pause, NULL);
        look();
    }
    return unused;
}

static void
start(void)
{
    if (atomic_exchange(&running, true)) {
        return;
    }
    tn_own_thread(help); /* without it, all goes on as well */
}

static void
in_child(void)
{
    atomic_store(&running, false);
    atomic_store(&tn_bell.inside, start);
    atomic_store(&tn_bell.rung, 1);
}

void
tn_helper_start(void)
{
    if (pthread_atfork(NULL, NULL, in_child) == 0) {
        start();
    }
}
