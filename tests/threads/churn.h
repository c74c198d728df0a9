/* Blocks that many threads hand round: a table whose slots are taken by exchange, stamped contents,
 * and one step of churn. What the threads of a test do while something else is tried. */
#ifndef TESTS_THREADS_CHURN_H
#define TESTS_THREADS_CHURN_H

#include "expect.h"

#include <stdatomic.h>

enum {
    CHURN_SLOTS = 512
};

struct churn_block {
    size_t size; /* bytes after this header, all stamped */
    uint64_t tag;
};

static _Atomic(struct churn_block *) churn_slots[CHURN_SLOTS];

static inline struct churn_block *
churn_make(uint64_t *random)
{
    uint64_t r = next_random(random);
    size_t size = r % 256 == 0  ? (r >> 16) % 300000
                  : r % 16 == 0 ? (r >> 16) % 9000
                                : (r >> 16) % 400;
    struct churn_block *block = (struct churn_block *)malloc(sizeof *block + size);
    EXPECT(block != NULL);
    block->size = size;
    block->tag = r;
    stamp(block + 1, size, r);
    return block;
}

static inline void
churn_drop(struct churn_block *block)
{
    if (block != NULL) {
        EXPECT(is_stamped(block + 1, block->size, block->tag));
        free(block);
    }
}

/* Replaces a random slot's block by a new one. */
static inline void
churn_step(uint64_t *random)
{
    size_t slot = next_random(random) % CHURN_SLOTS;
    churn_drop(atomic_exchange(&churn_slots[slot], churn_make(random)));
}

/* Frees every block of the table. */
static inline void
churn_clear(void)
{
    for (size_t slot = 0; slot < CHURN_SLOTS; slot++) {
        churn_drop(atomic_exchange(&churn_slots[slot], NULL));
    }
}

#endif
