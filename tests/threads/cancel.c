/* pthread_cancel against threads that allocate without pause. Nothing of malloc's is a cancellation
 * point, nor what asks the system or prints: the thread ends at its own pthread_testcancel, its
 * cleanup handlers free what it holds, and nobody is left waiting for a lock. 200 rounds. */
#include "expect.h"
#include "threads/churn.h"

#include <malloc.h>
#include <pthread.h>

enum {
    ROUNDS = 200,
    THREADS = 4
};

static atomic_int inside;
static atomic_int cleaned;
static atomic_int started;

static void
clean(void *blocks)
{
    EXPECT(atomic_load(&inside) >= 0);
    void **list = blocks;
    for (int i = 0; i < 10; i++) {
        free(list[i]);
    }
    free(list);
    atomic_fetch_add(&cleaned, 1);
}

static void *
allocate_until_cancelled(void *state)
{
    uint64_t *random = state;
    void **volatile list = calloc(10, sizeof *list);
    _Thread_local static bool busy;

    EXPECT(list != NULL);
    atomic_fetch_add(&started, 1);
    pthread_cleanup_push(clean, list);
    for (;;) {
        EXPECT(!busy);
        busy = true;
        for (int i = 0; i < 50; i++) {
            size_t at = next_random(random) % 10;
            churn_step(random);
            free(list[at]);
            list[at] = malloc(next_random(random) % (i == 0 ? 200000 : 2000));
            EXPECT(list[at] != NULL);
        }
        busy = false;
        pthread_testcancel();
    }
    pthread_cleanup_pop(0);
    return NULL;
}

static atomic_bool passed;

/* With its own cancellation asked for from the start. */
static void *
call_all(void *unused)
{
    (void)unused;
    EXPECT(pthread_cancel(pthread_self()) == 0);
    void *small = malloc(10);
    void *large = aligned_alloc(1 << 20, 1 << 24);
    EXPECT(small != NULL && large != NULL && mallinfo2().uordblks > 0);
    malloc_stats();
    free(small);
    free(large);
    malloc_trim(0);
    atomic_store(&passed, true);
    pthread_testcancel();
    return NULL;
}

static void
end_at_a_point_of_its_own(void)
{
    pthread_t thread;
    void *end = NULL;
    EXPECT(pthread_create(&thread, NULL, call_all, NULL) == 0);
    EXPECT(pthread_join(thread, &end) == 0 && end == PTHREAD_CANCELED && atomic_load(&passed));
}

int
main(void)
{
    end_at_a_point_of_its_own();
    pthread_t threads[THREADS];
    for (int round = 0; round < ROUNDS; round++) {
        atomic_store(&started, 0);
        uint64_t seeds[THREADS];
        for (unsigned i = 0; i < THREADS; i++) {
            seeds[i] = i + 1;
            EXPECT(pthread_create(&threads[i], NULL, allocate_until_cancelled, &seeds[i]) == 0);
        }
        while (atomic_load(&started) < THREADS) {
            usleep(50);
        }
        for (int i = 0; i < THREADS; i++) {
            EXPECT(pthread_cancel(threads[i]) == 0);
        }
        for (int i = 0; i < THREADS; i++) {
            void *end = NULL;
            EXPECT(pthread_join(threads[i], &end) == 0 && end == PTHREAD_CANCELED);
        }
    }
    EXPECT(atomic_load(&cleaned) == ROUNDS * THREADS);
    churn_clear();
    return 0;
}
