/* Threads that come and go in waves. Within a wave each keeps some of what it allocates, frees
 * some, and swaps some with whatever lies in a table that all threads share, so that a block is
 * freed by any thread and may outlive its own by many waves. */
#include "pattern.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

enum {
    SHARED = 4096,
    MOST_KEPT = 60000
};

/* The size travels with the block. */
struct piece {
    uint64_t mark;
    size_t size;
};

struct stress {
    _Atomic(struct piece *) shared[SHARED];
    uint64_t ops; /* per thread and wave */
    uint64_t wave;
    size_t largest;
    size_t one_in; /* pieces that are swapped with the shared table */
    _Atomic uint64_t sum;
};

static struct stress stress;

/* Small most of the time; each doubling is half as frequent as the one before it. */
static struct piece *
make(struct bench_random *random)
{
    size_t size = 24;
    while (size < stress.largest && bench_next(random) % 2 == 0)
        size *= 2;
    size = bench_between(random, size, 2 * size);
    struct piece *piece = bench_checked(malloc(size), size);
    piece->size = size;
    bench_stamp(piece, size);
    return piece;
}

static void
discard(struct piece *piece)
{
    if (piece != NULL)
        bench_verify(piece, piece->size);
    free(piece);
}

static void
live_a_wave(unsigned index, void *unused)
{
    (void)unused;
    /* Two sequences: what is allocated must not depend on what the others have swapped. */
    struct bench_random sizes = {.state = stress.wave * 1000 + index};
    struct bench_random random = {.state = ~sizes.state};
    struct piece *kept[MOST_KEPT];
    size_t count = 0;
    uint64_t sum = 0;
    for (uint64_t i = 0; i < stress.ops; i++) {
        struct piece *piece = make(&sizes);
        sum += piece->size;
        if (bench_below(&random, stress.one_in) == 0)
            piece = atomic_exchange(&stress.shared[bench_below(&random, SHARED)], piece);
        /* Grows to the limit in bursts and falls back, as programs with phases do. */
        if (piece != NULL)
            kept[count++] = piece;
        for (bool full = count == MOST_KEPT; full && count > MOST_KEPT / 2;) {
            size_t at = bench_below(&random, count);
            discard(kept[at]);
            kept[at] = kept[--count];
        }
    }
    while (count != 0)
        discard(kept[--count]);
    stress.sum += sum;
}

static uint64_t
waves(const struct bench_plan *plan, size_t largest, size_t one_in, uint64_t waves_wanted,
      uint64_t ops)
{
    stress.largest = largest;
    stress.one_in = one_in;
    stress.ops = bench_work(plan, ops) / waves_wanted / plan->threads;
    for (stress.wave = 0; stress.wave < waves_wanted; stress.wave++)
        bench_threads(plan->threads, live_a_wave, NULL);
    for (size_t i = 0; i < SHARED; i++)
        discard(stress.shared[i]);
    return stress.sum;
}

uint64_t
pattern_stress(const struct bench_plan *plan)
{
    return waves(plan, 1 << 15, 4, 20, 6000000);
}

uint64_t
pattern_random_mix(const struct bench_plan *plan)
{
    return waves(plan, 1 << 13, 2, 1, 6000000);
}

static void
leave_one(unsigned index, void *unused)
{
    enum {
        BLOCKS = 20
    };
    (void)unused;
    struct bench_random random = {.state = stress.wave * 1000 + index};
    struct piece *pieces[BLOCKS];
    uint64_t sum = 0;
    for (size_t i = 0; i < BLOCKS; i++) {
        pieces[i] = make(&random);
        sum += pieces[i]->size;
    }
    discard(atomic_exchange(&stress.shared[bench_below(&random, SHARED)], pieces[0]));
    for (size_t i = 1; i < BLOCKS; i++)
        discard(pieces[i]);
    stress.sum += sum;
}

uint64_t
pattern_short_threads(const struct bench_plan *plan)
{
    enum {
        AT_ONCE = 4
    };
    stress.largest = 1 << 14;
    uint64_t rounds = bench_work(plan, 8000);
    for (stress.wave = 0; stress.wave < rounds; stress.wave++)
        bench_threads(AT_ONCE, leave_one, NULL);
    for (size_t i = 0; i < SHARED; i++)
        discard(stress.shared[i]);
    return stress.sum;
}
