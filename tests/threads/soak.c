/* Threads allocate, check and free for long: what the process holds must not grow. Resident memory
 * is looked at a hundred times after a quarter of the time; its slope, by least squares, must be
 * below a tenth of a percent a minute, or what four standard errors of it explain; in less than
 * five minutes only: it must not run away. Time is what these threads had of all the processors, so
 * that on a busy machine as much is done, warming up included. Usage: soak SECONDS [THREADS]. */
#include "expect.h"
#include "threads/churn.h"

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

enum {
    LOOKS = 100
};

static atomic_bool stop;

static double processors; /* that the threads can use at once */

static double
now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return ((double)time.tv_sec + (double)time.tv_nsec * 1e-9) / processors;
}

/* Every now and then in a new thread. */
static void *
churn(void *seed)
{
    uint64_t random = (uintptr_t)seed;
    for (int i = 0; i < 100000 && !atomic_load_explicit(&stop, memory_order_relaxed); i++) {
        churn_step(&random);
    }
    return NULL;
}

static void *
churn_in_threads(void *seed)
{
    for (uintptr_t i = 0; !atomic_load_explicit(&stop, memory_order_relaxed); i++) {
        pthread_t thread;
        EXPECT(pthread_create(&thread, NULL, churn, (void *)((uintptr_t)seed + i * 64)) == 0);
        EXPECT(pthread_join(thread, NULL) == 0);
    }
    return NULL;
}

int
main(int count, char **words)
{
    double seconds = count > 1 ? atof(words[1]) : 30;
    uintptr_t number = count > 2 ? strtoul(words[2], NULL, 10) : 4;
    double at[LOOKS];
    double kib[LOOKS];
    EXPECT(seconds > 0 && number > 0 && number <= 64);
    processors = (double)sysconf(_SC_NPROCESSORS_ONLN);
    processors = processors < (double)number ? processors : (double)number;
    double begun = now();
    pthread_t threads[64];
    for (uintptr_t i = 0; i < number; i++) {
        EXPECT(pthread_create(&threads[i], NULL, churn_in_threads, (void *)(i + 1)) == 0);
    }
    for (int i = 0; i < LOOKS; i++) {
        double until = begun + seconds * (0.25 + 0.75 * (i + 1) / LOOKS);
        while (now() < until) {
            usleep(10000);
        }
        at[i] = (now() - begun) / 60;
        kib[i] = (double)status_kib("VmRSS:");
    }
    atomic_store(&stop, true);
    for (uintptr_t i = 0; i < number; i++) {
        EXPECT(pthread_join(threads[i], NULL) == 0);
    }
    double mean_at = 0;
    double mean = 0;
    for (int i = 0; i < LOOKS; i++) {
        mean_at += at[i] / LOOKS;
        mean += kib[i] / LOOKS;
    }
    double squares = 0;
    double products = 0;
    for (int i = 0; i < LOOKS; i++) {
        squares += (at[i] - mean_at) * (at[i] - mean_at);
        products += (at[i] - mean_at) * (kib[i] - mean);
    }
    double slope = products / squares;
    double left = 0;
    for (int i = 0; i < LOOKS; i++) {
        double off = kib[i] - mean - slope * (at[i] - mean_at);
        left += off * off;
    }
    double error = sqrt(left / (LOOKS - 2) / squares);
    printf("%.0f KiB resident, %+.3f %% a minute, give or take %.3f\n", mean, slope / mean * 100,
           error / mean * 100);
    fflush(stdout);
    /* A look of minutes tells a slope; one of seconds only that nothing runs away. */
    if (seconds >= 300) {
        EXPECT(slope / mean * 100 <= 0.1 + 4 * error / mean * 100);
    } else {
        EXPECT(slope * (at[LOOKS - 1] - at[0]) <= mean / 2 + 4096);
    }
    return 0;
}
