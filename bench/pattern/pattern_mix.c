#include "pattern.h"

#include <stdlib.h>

enum {
    MOST_SLOTS = 1 << 17
};

struct slot {
    unsigned char *at;
    size_t size;
};

/* Uniform within a doubling; each doubling as frequent as any other. */
static size_t
any_size(struct bench_random *random, unsigned lowest_bits, unsigned doublings)
{
    size_t low = (size_t)1 << (lowest_bits + bench_below(random, doublings));
    return bench_between(random, low, 2 * low - 1);
}

static uint64_t
turn(struct slot *slot, size_t size)
{
    if (slot->at != NULL) {
        bench_verify(slot->at, slot->size);
        free(slot->at);
        slot->at = NULL;
        return 0;
    }
    slot->at = bench_checked(malloc(size), size);
    slot->size = size;
    bench_stamp(slot->at, size);
    return size;
}

static void
drop_all(struct slot *slots, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (slots[i].at != NULL)
            turn(&slots[i], 0);
    }
}

/* Which slot is next decides the lifetimes: seven in eight come from a few hundred slots, where the
 * next visit is near, the rest from all. */
uint64_t
pattern_lifetimes(const struct bench_plan *plan)
{
    static struct slot slots[MOST_SLOTS];
    struct bench_random random = {.state = 7};
    uint64_t ops = bench_work(plan, 16000000);
    uint64_t sum = 0;
    for (uint64_t i = 0; i < ops; i++) {
        size_t near = bench_next(&random) % 8 == 0 ? MOST_SLOTS : 256;
        size_t size = any_size(&random, 3, near == 256 ? 8 : 6);
        sum += turn(&slots[bench_below(&random, near)], size);
    }
    drop_all(slots, MOST_SLOTS);
    return sum;
}

uint64_t
pattern_simple(const struct bench_plan *plan)
{
    static const size_t sizes[] = {16, 40, 128, 600, 2048};
    static const size_t live[] = {25, 100, 400, 1600};
    static unsigned char *blocks[1600];
    uint64_t sum = 0;
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        for (size_t l = 0; l < sizeof live / sizeof live[0]; l++) {
            uint64_t rounds = bench_work(plan, 1200000) / live[l];
            for (uint64_t i = 0; i < rounds; i++) {
                for (size_t k = 0; k < live[l]; k++) {
                    blocks[k] = bench_checked(malloc(sizes[s]), sizes[s]);
                    bench_stamp(blocks[k], sizes[s]);
                }
                for (size_t k = 0; k < live[l]; k++) {
                    bench_verify(blocks[k], sizes[s]);
                    free(blocks[k]);
                }
                sum += live[l];
            }
        }
    }
    return sum;
}

struct mix {
    uint64_t ops;
    _Atomic uint64_t sum;
};

static void
own_mix(unsigned index, void *argument)
{
    enum {
        SLOTS = 1024
    };
    struct mix *mix = argument;
    struct slot slots[SLOTS] = {{NULL, 0}};
    struct bench_random random = {.state = index};
    uint64_t sum = 0;
    for (uint64_t i = 0; i < mix->ops; i++) {
        /* The chance of a size falls with its square: half of all are below 32 bytes. */
        double chance = (double)((bench_next(&random) >> 40) + 1) / (double)(1 << 24);
        double size = 16 / chance;
        sum += turn(&slots[bench_below(&random, SLOTS)], size > 32768 ? 32768 : (size_t)size);
    }
    drop_all(slots, SLOTS);
    mix->sum += sum;
}

uint64_t
pattern_simple_threads(const struct bench_plan *plan)
{
    struct mix mix = {.ops = bench_work(plan, 30000000) / plan->threads};
    bench_threads(plan->threads, own_mix, &mix);
    return mix.sum;
}
