/* fork() while threads churn. The child frees blocks of its parent's threads and of threads that
 * are long dead, starts threads of its own that allocate, and ends; one that hangs fails the test.
 * Usage: fork_churn THREADS FORKS. */
#include "threads/child.h"
#include "threads/churn.h"

#include <pthread.h>

static atomic_bool stop;

static void *
churn(void *seed)
{
    uint64_t random = (uintptr_t)seed;
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        churn_step(&random);
    }
    return NULL;
}

static void *
work_in_child(void *seed)
{
    uint64_t random = (uintptr_t)seed;
    for (int i = 0; i < 60; i++) {
        churn_step(&random);
    }
    return NULL;
}

static void
be_child(uintptr_t number)
{
    pthread_t threads[2];
    uint64_t random = number;
    char *large = malloc(700000);
    EXPECT(large != NULL);
    large[0] = large[699999] = 1;
    for (int i = 0; i < 40; i++) {
        churn_step(&random);
    }
    int count = 1 + (int)(number % 2);
    for (int i = 0; i < count; i++) {
        EXPECT(pthread_create(&threads[i], NULL, work_in_child, (void *)(number * 2 + (size_t)i)) ==
               0);
    }
    if (number % 8 == 0) {
        churn_clear();
    }
    for (int i = 0; i < count; i++) {
        EXPECT(pthread_join(threads[i], NULL) == 0);
    }
    free(large);
    if (number % 4 == 0) {
        exit(0);
    }
    _exit(0);
}

int
main(int count, char **arguments)
{
    int threads = count > 1 ? atoi(arguments[1]) : 4;
    int forks = count > 2 ? atoi(arguments[2]) : 100;
    pthread_t ids[16];

    EXPECT(threads >= 1 && threads <= 16);
    for (int i = 0; i < 8; i++) { /* blocks of dead threads */
        EXPECT(pthread_create(&ids[0], NULL, work_in_child, (void *)(uintptr_t)(1000 + i)) == 0);
        EXPECT(pthread_join(ids[0], NULL) == 0);
    }
    for (int i = 0; i < threads; i++) {
        EXPECT(pthread_create(&ids[i], NULL, churn, (void *)(uintptr_t)(2000 + i)) == 0);
    }
    for (int i = 0; i < forks; i++) {
        pid_t child = fork();
        if (child == 0) {
            be_child((uintptr_t)i);
        }
        child_succeeds(child);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < threads; i++) {
        EXPECT(pthread_join(ids[i], NULL) == 0);
    }
    churn_clear();
    return 0;
}
