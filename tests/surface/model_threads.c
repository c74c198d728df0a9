/* Random operations of several threads on one table of blocks: each slot is taken by exchange, so
 * that a block is freed, resized and checked by whichever thread comes by. Threads are replaced as
 * they go, so that blocks outlive their maker. A stamp in each block tells of any two that overlap.
 */
#include "expect.h"
#include "surface/subject.h"

#include <pthread.h>
#include <stdatomic.h>

enum {
    SLOTS = 4096,
    THREADS_MOST = 16,
    ROUNDS = 12,
    STEPS = 60000
};

struct block {
    size_t size; /* of the whole block; bytes after this header are stamped */
    uint64_t tag;
};

static _Atomic(struct block *) slots[SLOTS];
static atomic_uint next_seed = 1;

static struct block *
make(size_t size, uint64_t tag, uint64_t way)
{
    struct block *block = NULL;
    size += sizeof *block;
    if (way % 16 == 0) {
        size_t alignment = (size_t)16 << (way >> 8) % 10;
        block = subject_aligned_alloc(alignment, size);
        EXPECT(is_aligned(block, alignment));
    } else if (way % 16 < 4) {
        block = subject_calloc(size, 1);
        EXPECT(block != NULL && is_zero(block, size < 20000 ? size : 20000));
    } else {
        block = subject_malloc(size);
    }
    EXPECT(block != NULL && is_aligned(block, 16));
    block->size = size;
    block->tag = tag;
    stamp(block + 1, size - sizeof *block, tag);
    return block;
}

static void
check(const struct block *block)
{
    EXPECT(block->size >= sizeof *block && block->size < ((size_t)1 << 24));
    EXPECT(subject_usable_size((void *)(uintptr_t)block) >= block->size);
    EXPECT(is_stamped(block + 1, block->size - sizeof *block, block->tag));
}

static size_t
pick_size(uint64_t *random)
{
    uint64_t r = next_random(random);
    if (r % 512 == 0) {
        return (r >> 16) % 500000;
    }
    return r % 16 == 0 ? (r >> 16) % 12000 : (r >> 16) % 700 >> (r >> 40) % 5;
}

static void *
work(void *argument)
{
    uint64_t random = atomic_fetch_add(&next_seed, 1) * 1000003u;
    int steps = *(const int *)argument;

    for (int step = 0; step < steps; step++) {
        size_t slot = next_random(&random) % SLOTS;
        uint64_t way = next_random(&random);
        struct block *block = atomic_exchange(&slots[slot], NULL);
        if (block != NULL) {
            check(block);
            if (way % 8 == 0) {
                size_t size = pick_size(&random) + sizeof *block;
                size_t old = block->size;
                uint64_t tag = block->tag;
                block = subject_realloc(block, size);
                EXPECT(block != NULL && block->tag == tag);
                size_t kept = (old < size ? old : size) - sizeof *block;
                EXPECT(is_stamped(block + 1, kept, tag));
                block->size = size;
                stamp(block + 1, size - sizeof *block, tag);
            } else {
                subject_free(block);
                block = NULL;
            }
        }
        if (block == NULL && way % 4 != 3) {
            block = make(pick_size(&random), next_random(&random), way >> 8);
        }
        if (block != NULL) {
            block = atomic_exchange(&slots[slot], block);
            if (block != NULL) {
                check(block);
                subject_free(block);
            }
        }
        if (step % 20000 == 0) {
            subject_trim(0);
        }
    }
    return NULL;
}

int
main(int count, char **arguments)
{
    int threads = count > 1 ? atoi(arguments[1]) : 4;
    static int steps = STEPS;
    pthread_t ids[THREADS_MOST];

    atomic_store(&next_seed, count > 2 ? (unsigned)atoi(arguments[2]) : 1u);
    steps = count > 3 ? atoi(arguments[3]) : STEPS;
    EXPECT(threads >= 1 && threads <= THREADS_MOST);
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < threads; i++) {
            EXPECT(pthread_create(&ids[i], NULL, work, &steps) == 0);
        }
        for (int i = 0; i < threads; i++) {
            EXPECT(pthread_join(ids[i], NULL) == 0);
        }
    }
    for (size_t slot = 0; slot < SLOTS; slot++) {
        struct block *block = atomic_load(&slots[slot]);
        if (block != NULL) {
            check(block);
            subject_free(block);
        }
    }
    return 0;
}
