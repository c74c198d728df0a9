/* Timer signals at 10 kHz for two seconds while threads allocate: nothing is torn, and handlers,
 * masks and the alternate stack are as the program set them. */
#include "expect.h"
#include "threads/churn.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

static volatile sig_atomic_t count;
static atomic_bool stop;

static void
on_signal(int number)
{
    (void)number;
    count++;
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

/* Nobody but the program sets handlers. */
static void
handlers_are_default(void)
{
    for (int number = 1; number < NSIG; number++) {
        struct sigaction action;
        if (number == SIGRTMIN || number == SIGUSR1 || sigaction(number, NULL, &action) != 0) {
            continue;
        }
        EXPECT(action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN);
    }
}

int
main(void)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};
    const struct itimerspec rate = {{.tv_nsec = 100000}, {.tv_nsec = 100000}};
    const struct timespec nap = {.tv_nsec = 10000000};
    pthread_t threads[3];
    timer_t timer;
    sigset_t mask;
    stack_t stack;
    uint64_t random = 1;
    struct timespec now;
    struct timespec start;

    EXPECT(sigaction(SIGUSR1, &action, NULL) == 0);
    for (uintptr_t i = 0; i < 3; i++) {
        EXPECT(pthread_create(&threads[i], NULL, churn, (void *)(i + 2)) == 0);
    }
    EXPECT(timer_create(CLOCK_MONOTONIC, &event, &timer) == 0);
    EXPECT(timer_settime(timer, 0, &rate, NULL) == 0);
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        for (int i = 0; i < 100; i++) {
            churn_step(&random);
        }
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec - start.tv_sec < 2);
    EXPECT(timer_delete(timer) == 0);
    while (nanosleep(&nap, NULL) != 0) {
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 3; i++) {
        EXPECT(pthread_join(threads[i], NULL) == 0);
    }
    EXPECT(count > 100);
    EXPECT(pthread_sigmask(SIG_SETMASK, NULL, &mask) == 0);
    for (int number = 1; number < NSIG; number++) {
        EXPECT(sigismember(&mask, number) != 1);
    }
    EXPECT(sigaltstack(NULL, &stack) == 0 && (stack.ss_flags & SS_DISABLE) != 0);
    handlers_are_default();
    churn_clear();
    return 0;
}
