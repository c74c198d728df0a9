/* Several threads fork at the same time, and children fork again to a depth of three while threads
 * of theirs churn. Usage: fork_crossed ROUNDS. */
#include "threads/child.h"
#include "threads/churn.h"

#include <pthread.h>

enum {
    FORKERS = 4,
    DEPTH = 3
};

static int rounds;

static void *
churn_a_while(void *stop)
{
    uint64_t random = (uintptr_t)stop;
    while (!atomic_load_explicit((atomic_bool *)stop, memory_order_relaxed)) {
        churn_step(&random);
    }
    return NULL;
}

static void
descend(int depth)
{
    atomic_bool stop = false;
    pthread_t thread;

    EXPECT(pthread_create(&thread, NULL, churn_a_while, &stop) == 0);
    if (depth > 0) {
        pid_t child = fork();
        if (child == 0) {
            descend(depth - 1);
            _exit(0);
        }
        child_succeeds(child);
    }
    atomic_store(&stop, true);
    EXPECT(pthread_join(thread, NULL) == 0);
}

static void *
fork_often(void *seed)
{
    uint64_t random = (uintptr_t)seed;
    for (int i = 0; i < rounds; i++) {
        for (int j = 0; j < 20; j++) {
            churn_step(&random);
        }
        pid_t child = fork();
        if (child == 0) {
            for (int j = 0; j < 20; j++) {
                churn_step(&random);
            }
            if (i % 8 == 0) {
                descend(DEPTH);
            }
            _exit(0);
        }
        child_succeeds(child);
    }
    return NULL;
}

int
main(int count, char **arguments)
{
    pthread_t threads[FORKERS];

    rounds = count > 1 ? atoi(arguments[1]) : 40;
    for (uintptr_t i = 0; i < FORKERS; i++) {
        EXPECT(pthread_create(&threads[i], NULL, fork_often, (void *)(i + 1)) == 0);
    }
    for (int i = 0; i < FORKERS; i++) {
        EXPECT(pthread_join(threads[i], NULL) == 0);
    }
    churn_clear();
    return 0;
}
