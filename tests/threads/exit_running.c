/* The process exits while its threads are in the middle of allocating: by return from main, by
 * exit() from another thread, and by the main thread's pthread_exit before the others end. 60
 * times. */
#include "threads/child.h"
#include "threads/churn.h"

#include <pthread.h>

enum {
    TIMES = 60
};

static void *
churn_for_ever(void *seed)
{
    uint64_t random = (uintptr_t)seed;
    for (;;) {
        churn_step(&random);
    }
    return NULL;
}

static void *
exit_soon(void *seed)
{
    uint64_t random = (uintptr_t)seed;
    for (int i = 0; i < 500; i++) {
        churn_step(&random);
    }
    exit(0);
}

static void
at_exit(void)
{
    uint64_t random = 5;
    for (int i = 0; i < 300; i++) {
        churn_step(&random);
    }
}

static void
live(int way)
{
    pthread_t thread;

    EXPECT(atexit(at_exit) == 0);
    for (uintptr_t i = 0; i < 4; i++) {
        EXPECT(pthread_create(&thread, NULL, churn_for_ever, (void *)(i + 1)) == 0);
    }
    if (way == 0) {
        usleep(1000);
        exit(0);
    }
    EXPECT(pthread_create(&thread, NULL, exit_soon, NULL) == 0);
    if (way == 1) {
        pthread_exit(NULL);
    }
    pthread_join(thread, NULL);
}

int
main(void)
{
    for (int i = 0; i < TIMES; i++) {
        pid_t child = fork();
        if (child == 0) {
            live(i % 3);
        }
        child_succeeds(child);
    }
    return 0;
}
