#include "micro.h"

#include <stdbool.h>
#include <stdlib.h>

enum {
    KIB = 1024,
    MIB = 1024 * 1024,
    PAGE = 4096,
    MOST_SLOTS = 100000
};

struct slot {
    unsigned char *at;
    size_t size;
};

static struct slot slots[MOST_SLOTS];

static uint64_t
pairs(const struct bench_plan *plan, size_t size, uint64_t ops)
{
    ops = bench_work(plan, ops);
    for (uint64_t i = 0; i < ops; i++) {
        unsigned char *block = bench_checked(malloc(size), size);
        *block = (unsigned char)i;
        free(block);
    }
    return ops;
}

uint64_t
micro_pair_8(const struct bench_plan *plan)
{
    return pairs(plan, 8, 40000000);
}

uint64_t
micro_pair_64(const struct bench_plan *plan)
{
    return pairs(plan, 64, 40000000);
}

uint64_t
micro_pair_1k(const struct bench_plan *plan)
{
    return pairs(plan, KIB, 40000000);
}

uint64_t
micro_pair_8k(const struct bench_plan *plan)
{
    return pairs(plan, 8 * KIB, 10000000);
}

uint64_t
micro_pair_64k(const struct bench_plan *plan)
{
    return pairs(plan, 64 * KIB, 10000000);
}

uint64_t
micro_pair_128k(const struct bench_plan *plan)
{
    return pairs(plan, 128 * KIB, 4000000);
}

uint64_t
micro_pair_1m(const struct bench_plan *plan)
{
    return pairs(plan, MIB, 2000000);
}

static uint64_t
batches(const struct bench_plan *plan, size_t size, bool reverse, uint64_t count)
{
    enum {
        BATCH = 1000
    };
    count = bench_work(plan, count);
    for (uint64_t i = 0; i < count; i++) {
        for (size_t k = 0; k < BATCH; k++) {
            slots[k].at = bench_checked(malloc(size), size);
            bench_stamp(slots[k].at, size);
        }
        for (size_t k = 0; k < BATCH; k++) {
            unsigned char *block = slots[reverse ? BATCH - 1 - k : k].at;
            bench_verify(block, size);
            free(block);
        }
    }
    return count;
}

uint64_t
micro_batch_64(const struct bench_plan *plan)
{
    return batches(plan, 64, false, 20000);
}

uint64_t
micro_batch_64_reverse(const struct bench_plan *plan)
{
    return batches(plan, 64, true, 20000);
}

uint64_t
micro_batch_1k(const struct bench_plan *plan)
{
    return batches(plan, KIB, false, 6000);
}

uint64_t
micro_batch_1k_reverse(const struct bench_plan *plan)
{
    return batches(plan, KIB, true, 6000);
}

static void
drop(struct slot *slot)
{
    if (slot->at != NULL)
        bench_verify(slot->at, slot->size);
    free(slot->at);
    slot->at = NULL;
}

static void
fill(struct slot *slot, unsigned char *block, size_t size)
{
    slot->at = bench_checked(block, size);
    slot->size = size;
    bench_stamp(block, size);
}

static void
drop_all(size_t count)
{
    for (size_t i = 0; i < count; i++)
        drop(&slots[i]);
}

static uint64_t
replace(const struct bench_plan *plan, size_t live, size_t low, size_t high, uint64_t ops)
{
    struct bench_random random = {.state = low};
    uint64_t sum = 0;
    ops = bench_work(plan, ops);
    for (uint64_t i = 0; i < ops; i++) {
        struct slot *slot = &slots[bench_below(&random, live)];
        size_t size = bench_between(&random, low, high);
        drop(slot);
        fill(slot, malloc(size), size);
        sum += size;
    }
    drop_all(live);
    return sum;
}

uint64_t
micro_replace_small(const struct bench_plan *plan)
{
    return replace(plan, 100000, 16, 512, 8000000);
}

uint64_t
micro_replace_large(const struct bench_plan *plan)
{
    return replace(plan, 2000, 4 * KIB, 256 * KIB, 600000);
}

/* Grows a block, whose first and last bytes must come along. */
static unsigned char *
grown(unsigned char *block, size_t old_size, size_t size)
{
    unsigned char first = 0;
    unsigned char last = 0;
    if (old_size != 0) {
        first = block[0];
        last = block[old_size - 1];
    }
    block = bench_checked(realloc(block, size), size);
    if (old_size != 0 && (block[0] != first || block[old_size - 1] != last))
        bench_damaged(block, old_size);
    block[size - 1] = (unsigned char)size;
    return block;
}

/* The vectors grow in turn, so that none is for ever the last block of the heap. */
uint64_t
micro_grow_double(const struct bench_plan *plan)
{
    enum {
        VECTORS = 8
    };
    uint64_t rounds = bench_work(plan, 500);
    uint64_t steps = 0;
    for (uint64_t i = 0; i < rounds; i++) {
        unsigned char *vectors[VECTORS] = {NULL};
        size_t old_size = 0;
        for (size_t size = 16 + i % 64; size <= MIB; size += size / 2) {
            for (size_t k = 0; k < VECTORS; k++, steps++)
                vectors[k] = grown(vectors[k], old_size, size);
            old_size = size;
        }
        for (size_t k = 0; k < VECTORS; k++)
            free(vectors[k]);
    }
    return steps;
}

uint64_t
micro_grow_step(const struct bench_plan *plan)
{
    enum {
        BUFFERS = 16
    };
    uint64_t rounds = bench_work(plan, 200);
    uint64_t steps = 0;
    for (uint64_t i = 0; i < rounds; i++) {
        unsigned char *buffers[BUFFERS] = {NULL};
        size_t old_size = 0;
        for (size_t size = 100; size <= 64 * KIB; size += 100) {
            for (size_t k = 0; k < BUFFERS; k++, steps++)
                buffers[k] = grown(buffers[k], old_size, size);
            old_size = size;
        }
        for (size_t k = 0; k < BUFFERS; k++)
            free(buffers[k]);
    }
    return steps;
}

static void
must_be_zero(const unsigned char *block, size_t size, size_t step)
{
    for (size_t i = 0; i < size; i += step) {
        if (block[i] != 0)
            bench_die("calloc gave a block whose byte %zu is %u", i, block[i]);
    }
}

uint64_t
micro_calloc_small(const struct bench_plan *plan)
{
    struct bench_random random = {.state = 3};
    uint64_t ops = bench_work(plan, 6000000);
    uint64_t sum = 0;
    for (uint64_t i = 0; i < ops; i++) {
        struct slot *slot = &slots[bench_below(&random, 10000)];
        size_t size = bench_between(&random, 16, KIB);
        drop(slot);
        unsigned char *block = bench_checked(calloc(1, size), size);
        must_be_zero(block, size, 128);
        fill(slot, block, size);
        sum += size;
    }
    drop_all(10000);
    return sum;
}

uint64_t
micro_calloc_large(const struct bench_plan *plan)
{
    enum {
        LIVE = 32
    };
    struct bench_random random = {.state = 4};
    uint64_t ops = bench_work(plan, 15000);
    uint64_t sum = 0;
    for (uint64_t i = 0; i < ops; i++) {
        struct slot *slot = &slots[bench_below(&random, LIVE)];
        size_t size = bench_between(&random, 64 * KIB, MIB);
        drop(slot);
        unsigned char *block = bench_checked(calloc(size / 16, 16), size);
        size &= ~(size_t)15;
        must_be_zero(block, size, 4 * PAGE);
        for (size_t at = 0; at < size; at += 4 * PAGE)
            block[at] = 1;
        fill(slot, block, size);
        sum += size;
    }
    drop_all(LIVE);
    return sum;
}

uint64_t
micro_aligned(const struct bench_plan *plan)
{
    enum {
        LIVE = 1000
    };
    struct bench_random random = {.state = 5};
    uint64_t ops = bench_work(plan, 6000000);
    uint64_t sum = 0;
    for (uint64_t i = 0; i < ops; i++) {
        struct slot *slot = &slots[bench_below(&random, LIVE)];
        /* Mostly cache lines and vectors, seldom pages. */
        size_t alignment = (size_t)16 << bench_below(&random, i % 16 == 0 ? 9 : 3);
        size_t size = alignment * bench_between(&random, 1, 8);
        drop(slot);
        unsigned char *block = bench_checked(aligned_alloc(alignment, size), size);
        if ((uintptr_t)block % alignment != 0)
            bench_die("block %p is not aligned to %zu", (void *)block, alignment);
        fill(slot, block, size);
        sum += size;
    }
    drop_all(LIVE);
    return sum;
}

uint64_t
micro_large(const struct bench_plan *plan)
{
    enum {
        LIVE = 8
    };
    struct bench_random random = {.state = 6};
    uint64_t ops = bench_work(plan, 1000);
    uint64_t sum = 0;
    for (uint64_t i = 0; i < ops; i++) {
        struct slot *slot = &slots[bench_below(&random, LIVE)];
        size_t size = bench_between(&random, MIB, 16 * MIB);
        drop(slot);
        unsigned char *block = bench_checked(malloc(size), size);
        for (size_t at = 0; at < size; at += PAGE)
            block[at] = 1;
        fill(slot, block, size);
        sum += size;
    }
    drop_all(LIVE);
    return sum;
}
