/* A thread that frees some blocks of slabs that others filled, and allocates none, must not keep
 * these slabs for ever: 120 rounds of a peak of 8 MB held 500 to 980 MB. How much stays after a
 * round (12 to 19 MB) is a matter of when pages were last purged. Usage: stranded beside | alone */
#include "expect.h"

#include <pthread.h>

enum {
    BLOCKS = 20000,
    ROUNDS = 120,
    SIZE = 400,
    LIVE_KIB = BLOCKS * SIZE / 1024
};

static void *blocks[BLOCKS];
static pthread_barrier_t turn;
static size_t most;

static size_t
resident_kib(void)
{
    size_t pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    EXPECT(file != NULL && fscanf(file, "%*u %zu", &pages) == 1);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

static void
measure(void)
{
    size_t resident = resident_kib();
    most = resident > most ? resident : most;
}

static void *
allocate_all(void *unused)
{
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(SIZE);
        EXPECT(blocks[i] != NULL);
        memset(blocks[i], 1, SIZE);
    }
    return unused;
}

static void
free_one_in(int step)
{
    for (int i = 0; i < BLOCKS; i += step) {
        free(blocks[i]);
        blocks[i] = NULL;
    }
}

static void *
free_all(void *unused)
{
    free_one_in(1);
    return unused;
}

static void *
free_some(void *unused)
{
    for (int round = 0; round < ROUNDS; round++) {
        pthread_barrier_wait(&turn);
        free_one_in(100);
        pthread_barrier_wait(&turn);
    }
    return unused;
}

/* One thread allocates and frees, the other claims each slab by a block or two. */
static void
beside(void)
{
    pthread_t thread;
    EXPECT(pthread_barrier_init(&turn, NULL, 2) == 0);
    EXPECT(pthread_create(&thread, NULL, free_some, NULL) == 0);
    for (int round = 0; round < ROUNDS; round++) {
        allocate_all(NULL);
        pthread_barrier_wait(&turn);
        pthread_barrier_wait(&turn);
        free_one_in(1);
        measure();
    }
    EXPECT(pthread_join(thread, NULL) == 0);
}

static void
run(void *(*work)(void *))
{
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, work, NULL) == 0);
    EXPECT(pthread_join(thread, NULL) == 0);
}

/* The thread that claims is the only one whenever it does: those who need slabs have ended. */
static void
alone(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        run(allocate_all);
        free_one_in(100);
        run(free_all);
        measure();
    }
}

int
main(int count, char **arguments)
{
    if (count > 1 && strcmp(arguments[1], "alone") == 0) {
        alone();
    } else {
        beside();
    }
    fprintf(stderr, "resident after a round: at most %zu KiB of %d live at its peak\n", most,
            LIVE_KIB);
    EXPECT(most <= 4 * LIVE_KIB);
    return 0;
}
