/* Does fork work while threads churn? Forks again and again while other threads allocate and free;
 * each child starts a thread, allocates in both, and ends. A child that is not done after five
 * seconds hangs, for ever as a rule: on a lock that some thread held at the fork. */
#include "bench.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    CHURNERS = 3,
    HANGS = 3,
    PATIENCE = 5000 /* ms */
};

static atomic_bool stop;

static void
churn(struct bench_random *random, unsigned rounds)
{
    enum {
        LIVE = 64
    };
    unsigned char *blocks[LIVE] = {NULL};
    size_t sizes[LIVE] = {0};
    for (unsigned i = 0; i < rounds && !atomic_load_explicit(&stop, memory_order_relaxed); i++) {
        size_t at = bench_below(random, LIVE);
        if (blocks[at] != NULL)
            bench_verify(blocks[at], sizes[at]);
        free(blocks[at]);
        /* Now and then one large enough for the allocator to ask the system. */
        size_t most = bench_below(random, 50) == 0 ? (size_t)1 << 20 : 2000;
        sizes[at] = bench_between(random, 16, most);
        blocks[at] = bench_checked(malloc(sizes[at]), sizes[at]);
        bench_stamp(blocks[at], sizes[at]);
    }
    for (size_t i = 0; i < LIVE; i++)
        free(blocks[i]);
}

static void *
churner(void *seed)
{
    struct bench_random random = {.state = (uintptr_t)seed};
    while (!atomic_load_explicit(&stop, memory_order_relaxed))
        churn(&random, 100000);
    return NULL;
}

static void *
child_thread(void *unused)
{
    (void)unused;
    struct bench_random random = {.state = 99};
    churn(&random, 200);
    return NULL;
}

static _Noreturn void
live_as_child(void)
{
    pthread_t thread;
    struct bench_random random = {.state = 98};
    churn(&random, 100);
    if (pthread_create(&thread, NULL, child_thread, NULL) != 0)
        _exit(2);
    churn(&random, 100);
    pthread_join(thread, NULL);
    _exit(0);
}

/* Whether the child ended within the time it has. */
static bool
child_ends(pid_t child)
{
    for (int waited = 0; waited < PATIENCE; waited++) {
        int status;
        if (waitpid(child, &status, WNOHANG) == child) {
            if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
                bench_die("a child ended with status %#x", (unsigned)status);
            return true;
        }
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    return false;
}

int
main(int argc, char **argv)
{
    unsigned long forks = argc > 1 ? strtoul(argv[1], NULL, 10) : 2000;
    pthread_t churners[CHURNERS];
    for (uintptr_t i = 0; i < CHURNERS; i++) {
        if (pthread_create(&churners[i], NULL, churner, (void *)(i + 1)) != 0)
            bench_die("cannot start a thread");
    }
    unsigned hangs = 0;
    unsigned long done = 0;
    while (done < forks && hangs < HANGS) {
        pid_t child = fork();
        if (child < 0)
            bench_die("fork: %s", strerror(errno));
        if (child == 0)
            live_as_child();
        hangs += !child_ends(child);
        done++;
    }
    atomic_store(&stop, true);
    for (int i = 0; i < CHURNERS; i++)
        pthread_join(churners[i], NULL);
    printf("forks: %lu\nhangs: %u\n", done, hangs);
    return hangs == 0 ? 0 : 1;
}
