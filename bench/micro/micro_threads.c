#include "micro.h"
#include "ring.h"

#include <stdlib.h>

enum {
    MOST_PAIRS = 64
};

/* The size travels in the block's second word. */
struct parcel {
    uint64_t mark;
    size_t size;
};

static struct parcel *
pack(struct bench_random *random)
{
    size_t size = bench_between(random, sizeof(struct parcel) + 1, 512);
    struct parcel *parcel = bench_checked(malloc(size), size);
    parcel->size = size;
    bench_stamp(parcel, size);
    return parcel;
}

static size_t
unpack(struct parcel *parcel)
{
    size_t size = parcel->size;
    bench_verify(parcel, size);
    free(parcel);
    return size;
}

struct exchange {
    struct ring rings[MOST_PAIRS][2]; /* there, and back again */
    uint64_t ops;                     /* per pair of threads */
    _Atomic uint64_t sum;
};

static struct exchange exchange;

static unsigned
pairs_of(const struct bench_plan *plan, uint64_t ops)
{
    unsigned pairs = plan->threads < 2 ? 1 : plan->threads / 2;
    if (pairs > MOST_PAIRS)
        bench_die("at most %d threads", 2 * MOST_PAIRS);
    exchange.ops = bench_work(plan, ops) / pairs;
    return pairs;
}

static void
remote_body(unsigned index, void *unused)
{
    (void)unused;
    struct ring *ring = &exchange.rings[index / 2][0];
    struct bench_random random = {.state = index};
    uint64_t sum = 0;
    for (uint64_t i = 0; i < exchange.ops; i++) {
        if (index % 2 == 0)
            ring_send(ring, pack(&random));
        else
            sum += unpack(ring_take(ring));
    }
    exchange.sum += sum;
}

uint64_t
micro_remote(const struct bench_plan *plan)
{
    unsigned pairs = pairs_of(plan, 6000000);
    bench_threads(2 * pairs, remote_body, NULL);
    return exchange.sum;
}

static void
ping_pong_body(unsigned index, void *unused)
{
    enum {
        VOLLEY = 100
    };
    (void)unused;
    struct ring *out = &exchange.rings[index / 2][index % 2];
    struct ring *in = &exchange.rings[index / 2][1 - index % 2];
    struct bench_random random = {.state = index};
    uint64_t sum = 0;
    for (uint64_t i = 0; i < exchange.ops / VOLLEY; i++) {
        for (int k = 0; k < VOLLEY; k++)
            ring_send(out, pack(&random));
        for (int k = 0; k < VOLLEY; k++)
            sum += unpack(ring_take(in));
    }
    exchange.sum += sum;
}

uint64_t
micro_ping_pong(const struct bench_plan *plan)
{
    unsigned pairs = pairs_of(plan, 3000000);
    bench_threads(2 * pairs, ping_pong_body, NULL);
    return exchange.sum;
}

static void
short_life(unsigned index, void *argument)
{
    enum {
        BLOCKS = 100
    };
    _Atomic uint64_t *sum = argument;
    struct bench_random random = {.state = index};
    struct parcel *parcels[BLOCKS];
    for (int i = 0; i < BLOCKS; i++)
        parcels[i] = pack(&random);
    uint64_t own = 0;
    for (int i = 0; i < BLOCKS; i++)
        own += unpack(parcels[i]);
    *sum += own;
}

uint64_t
micro_thread_churn(const struct bench_plan *plan)
{
    _Atomic uint64_t sum = 0;
    uint64_t rounds = bench_work(plan, 20000) / plan->threads;
    for (uint64_t i = 0; i < rounds; i++)
        bench_threads(plan->threads, short_life, &sum);
    return sum;
}

struct own_work {
    uint64_t ops;
    _Atomic uint64_t sum;
};

static void
own_body(unsigned index, void *argument)
{
    enum {
        LIVE = 100
    };
    struct own_work *work = argument;
    struct bench_random random = {.state = index};
    unsigned char *blocks[LIVE] = {NULL};
    size_t sizes[LIVE];
    uint64_t sum = 0;
    for (uint64_t i = 0; i < work->ops; i++) {
        size_t at = bench_below(&random, LIVE);
        if (blocks[at] != NULL)
            bench_verify(blocks[at], sizes[at]);
        free(blocks[at]);
        sizes[at] = bench_between(&random, 16, 256);
        blocks[at] = bench_checked(malloc(sizes[at]), sizes[at]);
        bench_stamp(blocks[at], sizes[at]);
        sum += sizes[at];
    }
    for (size_t i = 0; i < LIVE; i++)
        free(blocks[i]);
    work->sum += sum;
}

uint64_t
micro_thread_pairs(const struct bench_plan *plan)
{
    struct own_work work = {.ops = bench_work(plan, 30000000) / plan->threads};
    bench_threads(plan->threads, own_body, &work);
    return work.sum;
}
