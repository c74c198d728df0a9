/*
 * A trace as the threads made it. Steps are numbered in the order in which they were recorded, and
 * each thread shows the number of the step that it will do next. All that a thread has to wait for
 * is a number that another one shows, and always of an earlier step: so somebody can always go on.
 */
#include "replay_step.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#define NO_STEP UINT32_MAX

struct worker {
    _Alignas(64) _Atomic uint64_t next; /* its next step; UINT64_MAX: it has done all */
    uint64_t first;
    long long taken; /* nanoseconds */
    pthread_t thread;
};

static const struct replay_work *work;
static const struct replay_face *face;
static struct replay_sample *samples;
static uint64_t every;
static struct worker *workers;
static size_t worker_count;
static uint32_t *following; /* of each step: the next one of the same thread */
static uint32_t *previous;  /* the step of another thread that its block comes from, or NO_STEP */

static long long
processor_time(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return (long long)time.tv_sec * 1000000000 + time.tv_nsec;
}

/* Until a worker will do no step before this one. */
static void
wait_for(const struct worker *worker, uint64_t step)
{
    for (unsigned i = 0; atomic_load_explicit(&worker->next, memory_order_acquire) < step; i++) {
        if (i % 64 == 63) {
            sched_yield();
        }
    }
}

static void
wait_for_block(struct worker *own, uint64_t step)
{
    uint32_t from = previous[step];
    const struct worker *other = from != NO_STEP ? &workers[work->steps[from].thread] : own;
    if (other != own && atomic_load_explicit(&other->next, memory_order_acquire) <= from) {
        long long start = processor_time();
        wait_for(other, (uint64_t)from + 1);
        own->taken -= processor_time() - start;
    }
}

static void *
run(void *argument)
{
    struct worker *own = argument;
    long long start = processor_time();
    uint64_t step = own->first;
    while (step != UINT64_MAX) {
        wait_for_block(own, step);
        if (samples != NULL && step % every == 0) {
            samples[step / every].resident = replay_resident();
        }
        const struct replay_step *what = &work->steps[step];
        bool wants = what->op == TRACE_FREE || what->op == TRACE_REALLOC;
        if ((wants && work->objects[what->slot] == NULL) || !replay_do(work, face, what)) {
            replay_refused(work, what);
        }
        step = following[step] != NO_STEP ? following[step] : UINT64_MAX;
        atomic_store_explicit(&own->next, step, memory_order_release);
    }
    own->taken += processor_time() - start;
    return NULL;
}

bool
replay_threads_begin(const struct replay_work *what)
{
    work = what;
    uint64_t count = work->header->count;
    if (count >= NO_STEP) {
        return false;
    }
    uint32_t *last = replay_reserve(((size_t)UINT16_MAX + 1) * sizeof *last);
    uint32_t *holder = replay_reserve(work->header->slots * sizeof *holder);
    following = replay_reserve(count * sizeof *following);
    previous = replay_reserve(count * sizeof *previous);
    workers = replay_reserve(((size_t)UINT16_MAX + 1) * sizeof *workers);
    for (size_t i = 0; i <= UINT16_MAX; i++) {
        last[i] = NO_STEP;
    }
    for (size_t i = 0; i < work->header->slots; i++) {
        holder[i] = NO_STEP;
    }
    for (uint32_t i = 0; i < count; i++) {
        const struct replay_step *step = &work->steps[i];
        following[i] = NO_STEP;
        previous[i] = NO_STEP;
        if (last[step->thread] == NO_STEP) {
            workers[step->thread].first = i;
            worker_count = step->thread + 1u > worker_count ? step->thread + 1u : worker_count;
        } else {
            following[last[step->thread]] = i;
        }
        last[step->thread] = i;
        if (step->op != TRACE_FREE_NULL) {
            previous[i] = holder[step->slot];
            holder[step->slot] = i;
        }
    }
    for (size_t i = 0; i < worker_count; i++) {
        if (last[i] == NO_STEP) {
            workers[i].first = UINT64_MAX;
        }
    }
    return true;
}

/* The one that begins next after step `after`, or NULL. */
static struct worker *
next_to_begin(uint64_t after, bool any)
{
    struct worker *found = NULL;
    for (size_t i = 0; i < worker_count; i++) {
        struct worker *worker = &workers[i];
        if (worker->first != UINT64_MAX && (any || worker->first > after) &&
            (found == NULL || worker->first < found->first)) {
            found = worker;
        }
    }
    return found;
}

/* While others work this thread only looks now and then. */
static void
sleep_until(const struct worker *worker, uint64_t step)
{
    const struct timespec moment = {0, 20000};
    while (atomic_load_explicit(&worker->next, memory_order_acquire) < step) {
        nanosleep(&moment, NULL);
    }
}

long long
replay_threads(const struct replay_face *on, struct replay_sample *noted, uint64_t each)
{
    pthread_attr_t attributes;
    face = on;
    samples = noted;
    every = each;
    for (size_t i = 0; i < worker_count; i++) {
        workers[i].taken = 0;
        atomic_store(&workers[i].next, workers[i].first);
    }
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, (size_t)256 * 1024);
    bool any = true;
    uint64_t begun = 0;
    for (struct worker *worker; (worker = next_to_begin(begun, any)) != NULL;) {
        for (size_t i = 0; i < worker_count; i++) {
            if (&workers[i] != worker) {
                sleep_until(&workers[i], worker->first);
            }
        }
        if (pthread_create(&worker->thread, &attributes, run, worker) != 0) {
            return -1;
        }
        begun = worker->first;
        any = false;
    }
    pthread_attr_destroy(&attributes);
    long long taken = 0;
    for (size_t i = 0; i < worker_count; i++) {
        if (workers[i].first != UINT64_MAX) {
            pthread_join(workers[i].thread, NULL);
            taken += workers[i].taken;
        }
    }
    return taken;
}
