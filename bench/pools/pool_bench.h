/* The cases that every pool is measured by. A program defines the pool's calls, then includes this,
 * which is C and C++ alike, and has its main. A case prints one number per line: its name, the
 * object's size, nanoseconds (or bytes, or instructions' marks) per object.
 *
 * To be defined before: POOL_NAME; pool_make(size), pool_end(pool), pool_new(pool), pool_free(pool,
 * object) as static inline functions on void pointers; POOL_SHARED, 1 when threads may use one pool
 * at once; POOL_FREES, 0 when single objects cannot be freed. */
#ifndef POOL_BENCH_H
#define POOL_BENCH_H

#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    PAIRS = 20000000,
    BATCH = 1000000,
    THREAD_PAIRS = 10000000,
    RING = 1024,
    HANDED = 4000000,
    MAKES = 2000,
    COUNTED = 20000
};

static void *objects[BATCH];
static void *the_pool;
static size_t the_size;

static double
now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static void
report(const char *name, double figure)
{
    printf("%s %zu %.2f\n", name, the_size, figure);
}

static inline void
touch(void *object)
{
    *(volatile char *)object = 1;
}

/* Pairs, each object touched as a program would. */
static __attribute__((noinline)) void
run_pairs(void *pool, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        void *object = pool_new(pool);
        touch(object);
        if (POOL_FREES) {
            pool_free(pool, object);
        }
    }
}

/* What an empty loop of the same shape costs is taken off by who counts. */
static __attribute__((noinline)) void
counted_pairs(void *pool, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        void *object = pool_new(pool);
        __asm__ volatile("" : "+r"(object) : : "memory");
        if (POOL_FREES) {
            pool_free(pool, object);
            __asm__ volatile("" : : : "memory");
        }
    }
}

static void
shuffle(void)
{
    uint64_t random = 1;
    for (size_t i = BATCH - 1; i > 0; i--) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        size_t k = (size_t)((random >> 33) % (i + 1));
        void *other = objects[i];
        objects[i] = objects[k];
        objects[k] = other;
    }
}

static double
take_batch(void *pool, int touching)
{
    double start = now();
    for (size_t i = 0; i < BATCH; i++) {
        objects[i] = pool_new(pool);
        if (touching) {
            touch(objects[i]);
        }
    }
    return (now() - start) / BATCH;
}

static double
give_batch(void *pool)
{
    double start = now();
    for (size_t i = 0; i < BATCH; i++) {
        pool_free(pool, objects[i]);
    }
    return (now() - start) / BATCH;
}

static size_t
resident(void)
{
    unsigned long total = 0;
    unsigned long pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    if (file == NULL || fscanf(file, "%lu %lu", &total, &pages) != 2) {
        exit(1);
    }
    fclose(file);
    return (size_t)pages * 4096;
}

static void
case_bytes(void)
{
    void *pool = pool_make(the_size);
    memset(objects, 1, sizeof objects);
    size_t before = resident();
    for (size_t i = 0; i < BATCH; i++) {
        objects[i] = pool_new(pool);
        memset(objects[i], 1, the_size);
    }
    report("bytes", (double)(resident() - before) / BATCH);
}

static void
case_pair(void)
{
    void *pool = pool_make(the_size);
    size_t count = POOL_FREES ? PAIRS : PAIRS / 10;
    run_pairs(pool, count / 10);
    double start = now();
    run_pairs(pool, count);
    report(POOL_FREES ? "pair" : "new_only", (now() - start) / (double)count);
}

static void
case_batch(void)
{
    void *pool = pool_make(the_size);
    report("new_fresh", take_batch(pool, 1));
    if (!POOL_FREES) {
        return;
    }
    report("free_in_order", give_batch(pool));
    report("new_after_order", take_batch(pool, 0));
    shuffle();
    report("free_random", give_batch(pool));
    report("new_after_random", take_batch(pool, 0));
    shuffle();
    give_batch(pool);
    report("new_after_random_touched", take_batch(pool, 1));
}

static void
case_make(void)
{
    double start = now();
    for (int i = 0; i < MAKES; i++) {
        void *pool = pool_make(the_size);
        void *object = pool_new(pool);
        touch(object);
        if (POOL_FREES) {
            pool_free(pool, object);
        }
        pool_end(pool);
    }
    report("make_and_end", (now() - start) / MAKES);
}

static pthread_barrier_t barrier;

static void *
thread_pairs(void *pool)
{
    void *own = pool != NULL ? pool : pool_make(the_size);
    run_pairs(own, THREAD_PAIRS / 10);
    pthread_barrier_wait(&barrier);
    run_pairs(own, THREAD_PAIRS);
    pthread_barrier_wait(&barrier);
    return NULL;
}

/* With two threads at once: the pool both use, or one for each. */
static void
two_threads(const char *name, void *pool)
{
    pthread_t threads[2];
    pthread_barrier_init(&barrier, NULL, 3);
    pthread_create(&threads[0], NULL, thread_pairs, pool);
    pthread_create(&threads[1], NULL, thread_pairs, pool);
    pthread_barrier_wait(&barrier);
    double start = now();
    pthread_barrier_wait(&barrier);
    report(name, (now() - start) / THREAD_PAIRS);
    pthread_join(threads[0], NULL);
    pthread_join(threads[1], NULL);
}

static void *volatile ring[RING];

static void *
consume(void *pool)
{
    for (size_t i = 0; i < HANDED; i++) {
        void *object;
        while ((object = __atomic_load_n(&ring[i % RING], __ATOMIC_ACQUIRE)) == NULL) {
            sched_yield();
        }
        __atomic_store_n(&ring[i % RING], NULL, __ATOMIC_RELEASE);
        pool_free(pool, object);
    }
    return NULL;
}

/* One thread allocates, another frees. */
static void
case_handed(void)
{
    pthread_t consumer;
    void *pool = pool_make(the_size);
    double start = now();
    pthread_create(&consumer, NULL, consume, pool);
    for (size_t i = 0; i < HANDED; i++) {
        void *object = pool_new(pool);
        touch(object);
        while (__atomic_load_n(&ring[i % RING], __ATOMIC_ACQUIRE) != NULL) {
            sched_yield();
        }
        __atomic_store_n(&ring[i % RING], object, __ATOMIC_RELEASE);
    }
    pthread_join(consumer, NULL);
    report("handed_over", (now() - start) / HANDED);
}

static void
case_count(void)
{
    void *pool = pool_make(the_size);
    run_pairs(pool, COUNTED);
    counted_pairs(pool, COUNTED);
}

int
main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: %s pair|batch|bytes|make|own|shared|handed|count SIZE\n", argv[0]);
        return 2;
    }
    the_size = (size_t)atoi(argv[2]);
    const char *name = argv[1];
    if (strcmp(name, "pair") == 0) {
        case_pair();
    } else if (strcmp(name, "batch") == 0) {
        case_batch();
    } else if (strcmp(name, "bytes") == 0) {
        case_bytes();
    } else if (strcmp(name, "make") == 0) {
        case_make();
    } else if (strcmp(name, "count") == 0) {
        case_count();
    } else if (!POOL_FREES) {
        return 0;
    } else if (strcmp(name, "own") == 0) {
        two_threads("two_own", NULL);
    } else if (strcmp(name, "shared") == 0 && POOL_SHARED) {
        two_threads("two_shared", pool_make(the_size));
    } else if (strcmp(name, "handed") == 0 && POOL_SHARED) {
        case_handed();
    }
    return 0;
}

#endif
