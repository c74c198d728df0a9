/* fork() while threads are born and die at full speed, so that it meets every moment of a thread's
 * first allocation and of its last free. Usage: fork_births FORKS. */
#include "threads/child.h"
#include "threads/churn.h"

#include <pthread.h>

static atomic_bool stop;

static void *
short_life(void *seed)
{
    uint64_t random = (uintptr_t)seed;
    for (int i = 0; i < 5; i++) {
        churn_step(&random);
    }
    return NULL;
}

static void *
bear(void *seed)
{
    uintptr_t number = (uintptr_t)seed;
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        pthread_t thread;
        EXPECT(pthread_create(&thread, NULL, short_life, (void *)number++) == 0);
        EXPECT(pthread_join(thread, NULL) == 0);
    }
    return NULL;
}

int
main(int count, char **arguments)
{
    int forks = count > 1 ? atoi(arguments[1]) : 100;
    pthread_t mothers[3];

    for (uintptr_t i = 0; i < 3; i++) {
        EXPECT(pthread_create(&mothers[i], NULL, bear, (void *)(i << 32)) == 0);
    }
    for (int i = 0; i < forks; i++) {
        pid_t child = fork();
        if (child == 0) {
            for (int j = 0; j < 3; j++) {
                pthread_t thread;
                EXPECT(pthread_create(&thread, NULL, short_life, (void *)(uintptr_t)j) == 0);
                EXPECT(pthread_join(thread, NULL) == 0);
            }
            churn_clear();
            _exit(0);
        }
        child_succeeds(child);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 3; i++) {
        EXPECT(pthread_join(mothers[i], NULL) == 0);
    }
    return 0;
}
