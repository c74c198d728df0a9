/* Every way to allocate is sampled with the odds that tarn/profile.h promises, 1 - exp(-(n + 1) /
 * interval) for n bytes: how many samples there are is within six sigma of what they say.
 * Usage: sample_odds FILE.heap */
#include "tarn/heap.h"
#include "tarn/profile.h"
#include "tarn/tarn.h"

#include "expect.h"

#include <math.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>

enum {
    ROUNDS = 40000,
    SLOTS = 4096,
    TRIM_EVERY = 1000
};

static const size_t sizes[] = {1, 8, 9, 100, 129, 1000, 1024, 1025, 3000, 8000, 10000};
static const size_t intervals[] = {300, 20000};
static void *slots[SLOTS];
static size_t interval;
static double expected;
static double variance;
static uint64_t state = 88172645463325252u;

static size_t
below(size_t limit)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state % limit);
}

/* A block that was given out, of so many bytes. */
static void *
tell(void *block, size_t size)
{
    double chance = interval == 1 ? 1 : -expm1(-((double)size + 1) / (double)interval);
    EXPECT(block != NULL);
    expected += chance;
    variance += chance * (1 - chance);
    return block;
}

static void
pairs(size_t size)
{
    for (int i = 0; i < ROUNDS; i++) {
        tarn_free(tell(opaque(tarn_malloc(size)), size));
    }
}

static void
batches(size_t size)
{
    for (int i = 0; i < ROUNDS / SLOTS; i++) {
        for (int k = 0; k < SLOTS; k++) {
            slots[k] = tell(tarn_malloc(size), size);
        }
        for (int k = 0; k < SLOTS; k++) {
            tarn_free(slots[k]);
            slots[k] = NULL;
        }
    }
}

static void
replace(size_t most, int trim_every)
{
    for (int i = 1; i <= ROUNDS; i++) {
        size_t size = below(most) + 1;
        size_t slot = below(SLOTS);
        tarn_free(slots[slot]);
        slots[slot] = tell(i % 2 ? tarn_malloc(size) : tarn_calloc(1, size), size);
        if (trim_every != 0 && i % trim_every == 0) {
            tarn_trim();
        }
    }
    for (int k = 0; k < SLOTS; k++) {
        tarn_free(slots[k]);
        slots[k] = NULL;
    }
}

static void
mixed(size_t most)
{
    replace(most, 0);
}

static void
trimmed(size_t most)
{
    replace(most, TRIM_EVERY);
}

static void
by_realloc(size_t size)
{
    for (int i = 0; i < ROUNDS; i++) {
        tarn_free(tell(opaque(tarn_realloc(NULL, size)), size));
    }
}

static void
grown(size_t size)
{
    for (int i = 0; i < ROUNDS; i++) {
        size_t smaller = size - size / 6;
        void *block = tell(opaque(tarn_malloc(smaller)), smaller);
        if (tarn_usable_size(block) < size) {
            block = tell(opaque(tarn_realloc(block, size)), size);
        }
        tarn_free(block);
    }
}

static void
aligned(size_t size)
{
    for (int i = 0; i < ROUNDS; i++) {
        tarn_free(tell(opaque(tarn_aligned_alloc(64, size)), size));
    }
}

static void
heap_of_its_own(size_t size)
{
    tarn_heap *heap = tarn_heap_new();
    EXPECT(heap != NULL);
    for (int i = 0; i < ROUNDS; i++) {
        tarn_heap_free(heap, tell(tarn_heap_malloc(heap, size), size));
    }
    tarn_heap_destroy(heap);
}

static void *
free_all(void *nothing)
{
    for (int k = 0; k < SLOTS; k++) {
        tarn_free(slots[k]);
        slots[k] = NULL;
    }
    return nothing;
}

/* What one thread allocates others free, which end. */
static void
freed_by_others(size_t size)
{
    for (int i = 0; i < ROUNDS / SLOTS; i++) {
        pthread_t thread;
        for (int k = 0; k < SLOTS; k++) {
            slots[k] = tell(tarn_malloc(size), size);
        }
        EXPECT(pthread_create(&thread, NULL, free_all, NULL) == 0);
        EXPECT(pthread_join(thread, NULL) == 0);
    }
}

static void *
allocate_all(void *size)
{
    for (int k = 0; k < SLOTS; k++) {
        slots[k] = tarn_malloc(*(size_t *)size);
    }
    return NULL;
}

/* Threads that allocate once, whose slabs the next one goes on with. */
static void
short_threads(size_t size)
{
    for (int i = 0; i < ROUNDS / SLOTS; i++) {
        pthread_t thread;
        EXPECT(pthread_create(&thread, NULL, allocate_all, &size) == 0);
        EXPECT(pthread_join(thread, NULL) == 0);
        for (int k = 0; k < SLOTS; k += 1 + (i & 1)) {
            tarn_free(tell(slots[k], size));
        }
        for (int k = 1; k < SLOTS && (i & 1); k += 2) {
            tarn_free(tell(slots[k], size));
        }
    }
}

static const struct {
    const char *name;
    void (*run)(size_t size);
} ways[] = {
    {"pairs", pairs},
    {"batches", batches},
    {"mixed", mixed},
    {"trimmed", trimmed},
    {"realloc", by_realloc},
    {"grown", grown},
    {"aligned", aligned},
    {"heap of its own", heap_of_its_own},
    {"freed by others", freed_by_others},
    {"short threads", short_threads},
};

static unsigned long
samples_in(const char *path)
{
    unsigned long samples = 0;
    EXPECT(tarn_profile_write(path, TARN_PROFILE_HEAP) == 0);
    FILE *file = fopen(path, "r");
    EXPECT(file != NULL && fscanf(file, "heap profile: %*u: %*u [%lu:", &samples) == 1);
    fclose(file);
    return samples;
}

int
main(int argc, char **argv)
{
    int wrong = 0;
    EXPECT(argc == 2);
    for (size_t i = 0; i < sizeof intervals / sizeof *intervals; i++) {
        for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
            for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
                interval = intervals[i];
                expected = variance = 0;
                EXPECT(tarn_profile_start(interval));
                ways[w].run(sizes[s]);
                double samples = (double)samples_in(argv[1]);
                /* a few blocks are not the test's own: the threads' and the file's */
                if (fabs(samples - expected) > 6 * sqrt(variance) + 8) {
                    fprintf(stderr,
                            "%s of %zu bytes, interval %zu: %.0f samples, not %.1f +- %.1f\n",
                            ways[w].name, sizes[s], interval, samples, expected, sqrt(variance));
                    wrong++;
                }
            }
        }
    }
    return wrong != 0;
}
