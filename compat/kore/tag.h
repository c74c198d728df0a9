/*
 * Which blocks have which tags. Few blocks have one, so kore_free asks first whether a block can.
 */
#ifndef TARN_KORE_TAG_H
#define TARN_KORE_TAG_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

#define KORE_TAG_ROWS 256u

struct kore_tag {
    void *block;
    uint32_t tag;
    struct kore_tag *next;
};

/* By address; read without the lock only to see whether a row is empty. */
extern _Atomic(struct kore_tag *) kore_tag_rows[KORE_TAG_ROWS];

static inline unsigned
kore_tag_row(const void *block)
{
    return (unsigned)((uintptr_t)block >> 3 ^ (uintptr_t)block >> 12) % KORE_TAG_ROWS;
}

/* False: the block has no tag. */
static inline bool
kore_tag_may_have(const void *block)
{
    return atomic_load_explicit(&kore_tag_rows[kore_tag_row(block)], memory_order_relaxed) != NULL;
}

bool kore_tag_add(void *block, uint32_t tag); /* false: the tag is taken */
void kore_tag_remove(const void *block);
void *kore_tag_find(uint32_t tag);
void kore_tag_clear(void);

#pragma GCC visibility pop

#endif
