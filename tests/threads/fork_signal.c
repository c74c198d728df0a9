/* Signals at a high rate land inside malloc and free, and their handler forks. The child ends at
 * once, or execs; the interrupted call must go on unharmed. Usage: fork_signal MODE FORKS, MODE one
 * of raw    the handler calls _Fork(), which runs no handlers and may be called from any signal
 *   alone  the handler calls fork() in a process of one thread
 *   among  the handler calls fork() in the main thread while others churn
 *   after  the handler only notes; the fork comes right after the interrupted call, and the child
 *          allocates */
#include "threads/child.h"
#include "threads/churn.h"

#include <pthread.h>
#include <sys/time.h>

static atomic_bool stop;
static volatile sig_atomic_t forked;
static volatile sig_atomic_t noted;
static bool raw;
static bool only_note;
static int wanted;

static void
on_signal(int number)
{
    int saved = errno;
    (void)number;
    noted = 1;
    if (!only_note && forked < wanted) {
        pid_t child = raw ? _Fork() : fork();
        if (child == 0) {
            if (forked % 16 == 0) {
                execl("/bin/true", "true", (char *)NULL);
            }
            _exit(0);
        }
        EXPECT(child > 0);
        int status = 0;
        while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
        }
        EXPECT(status == 0);
        forked++;
    }
    errno = saved;
}

static void *
churn(void *seed)
{
    uint64_t random = (uintptr_t)seed;
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        churn_step(&random);
    }
    return NULL;
}

static void
fork_after(uint64_t *random)
{
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 20; i++) {
            churn_step(random);
        }
        _exit(0);
    }
    child_succeeds(child);
    forked++;
    noted = 0;
}

int
main(int count, char **arguments)
{
    const char *mode = count > 1 ? arguments[1] : "raw";
    const struct itimerval often = {{.tv_usec = 500}, {.tv_usec = 500}};
    const struct itimerval never = {{0}, {0}};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    uint64_t random = 3;
    pthread_t threads[3];
    sigset_t alarm_only;
    bool threaded = strcmp(mode, "alone") != 0;

    raw = strcmp(mode, "raw") == 0;
    only_note = strcmp(mode, "after") == 0;
    wanted = count > 2 ? atoi(arguments[2]) : 100;

    /* The signal goes to the main thread alone. */
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    EXPECT(pthread_sigmask(SIG_BLOCK, &alarm_only, NULL) == 0);
    for (uintptr_t i = 0; threaded && i < 3; i++) {
        EXPECT(pthread_create(&threads[i], NULL, churn, (void *)(i + 9)) == 0);
    }
    EXPECT(sigaction(SIGALRM, &action, NULL) == 0);
    EXPECT(pthread_sigmask(SIG_UNBLOCK, &alarm_only, NULL) == 0);
    EXPECT(setitimer(ITIMER_REAL, &often, NULL) == 0);

    while (forked < wanted) {
        churn_step(&random);
        if (only_note && noted) {
            fork_after(&random);
        }
    }
    EXPECT(setitimer(ITIMER_REAL, &never, NULL) == 0);
    atomic_store(&stop, true);
    for (int i = 0; threaded && i < 3; i++) {
        EXPECT(pthread_join(threads[i], NULL) == 0);
    }
    churn_clear();
    return 0;
}
