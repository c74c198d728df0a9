/* After Berger, McKinley, Blumofe and Wilson, "Hoard" (2000): blocks far smaller than a cache line,
 * written by different threads. An allocator that gives out neighbours of one line to two threads
 * (active), or gives a line on to the thread that freed a part of it (passive), makes them slow. */
#include "pattern.h"

#include <stdbool.h>
#include <stdlib.h>

enum {
    BLOCK = 8,
    WRITES = 100,
    MOST = 256
};

struct sharing {
    bool passed; /* each thread first frees a block that the main thread made */
    uint64_t rounds;
    unsigned char *first[MOST];
    _Atomic uint64_t sum;
};

static void
write_often(unsigned index, void *argument)
{
    struct sharing *sharing = argument;
    uint64_t sum = 0;
    if (sharing->passed) {
        bench_verify(sharing->first[index], BLOCK);
        free(sharing->first[index]);
    }
    for (uint64_t i = 0; i < sharing->rounds; i++) {
        volatile unsigned char *block = bench_checked(malloc(BLOCK), BLOCK);
        for (size_t k = 0; k < BLOCK; k++)
            block[k] = (unsigned char)i;
        for (size_t w = 0; w < WRITES; w++) {
            for (size_t k = 0; k < BLOCK; k++)
                block[k]++;
        }
        sum += block[BLOCK - 1];
        free((void *)block);
    }
    sharing->sum += sum;
}

static uint64_t
share(const struct bench_plan *plan, bool passed)
{
    struct sharing sharing = {.passed = passed, .rounds = bench_work(plan, 200000)};
    if (plan->threads > MOST)
        bench_die("at most %d threads", MOST);
    for (unsigned i = 0; passed && i < plan->threads; i++) {
        sharing.first[i] = bench_checked(malloc(BLOCK), BLOCK);
        bench_stamp(sharing.first[i], BLOCK);
    }
    bench_threads(plan->threads, write_often, &sharing);
    return sharing.sum;
}

uint64_t
pattern_cache_scratch(const struct bench_plan *plan)
{
    return share(plan, true);
}

uint64_t
pattern_cache_thrash(const struct bench_plan *plan)
{
    return share(plan, false);
}
