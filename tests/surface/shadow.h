/* The plain reference beside the heap under test: an ordered set of the address ranges handed out,
 * so that a block that overlaps a live one is seen at once, and per block a seed from which its
 * contents can be told. A skip list over a fixed array, because the reference must not use the heap
 * it judges. */
#ifndef TESTS_SURFACE_SHADOW_H
#define TESTS_SURFACE_SHADOW_H

#include "expect.h"

#define SHADOW_LEVELS 16

struct shadow_block {
    uintptr_t start;
    size_t size;  /* bytes asked for */
    size_t reach; /* bytes the block may use, at least size */
    uint64_t tag; /* contents are stamped with this */
    uint32_t next[SHADOW_LEVELS];
};

struct shadow {
    struct shadow_block *blocks; /* [0] is the head, an address below all others */
    uint32_t *unused;            /* indices of blocks that hold nothing */
    uint32_t unused_count;
    uint64_t random;
};

/* Sets up an empty shadow over arrays for `count` + 1 blocks and `count` indices. */
static inline void
shadow_init(struct shadow *shadow, struct shadow_block *blocks, uint32_t *unused, uint32_t count)
{
    memset(&blocks[0], 0, sizeof blocks[0]);
    shadow->blocks = blocks;
    shadow->unused = unused;
    shadow->unused_count = count;
    shadow->random = 99;
    for (uint32_t i = 0; i < count; i++) {
        unused[i] = count - i;
    }
}

/* Fills `path` with the last block of each level that starts below `start`. */
static inline void
shadow_seek(const struct shadow *shadow, uintptr_t start, uint32_t path[SHADOW_LEVELS])
{
    uint32_t at = 0;
    for (int level = SHADOW_LEVELS - 1; level >= 0; level--) {
        for (uint32_t next = shadow->blocks[at].next[level];
             next != 0 && shadow->blocks[next].start < start;
             next = shadow->blocks[at].next[level]) {
            at = next;
        }
        path[level] = at;
    }
}

/* Notes a block; ends the program if any byte of it belongs to a live one. Returns its index. */
static inline uint32_t
shadow_add(struct shadow *shadow, const void *pointer, size_t size, size_t reach)
{
    uint32_t path[SHADOW_LEVELS];
    uintptr_t start = (uintptr_t)pointer;
    size_t length = reach == 0 ? 1 : reach;

    EXPECT(shadow->unused_count > 0);
    EXPECT(start != 0 && start + length > start);
    shadow_seek(shadow, start, path);
    const struct shadow_block *before = &shadow->blocks[path[0]];
    const struct shadow_block *after = &shadow->blocks[before->next[0]];
    EXPECT(path[0] == 0 || before->start + (before->reach ? before->reach : 1) <= start);
    EXPECT(before->next[0] == 0 || start + length <= after->start);

    uint32_t index = shadow->unused[--shadow->unused_count];
    struct shadow_block *block = &shadow->blocks[index];
    memset(block, 0, sizeof *block);
    block->start = start;
    block->size = size;
    block->reach = reach;
    block->tag = next_random(&shadow->random);
    uint64_t coins = next_random(&shadow->random);
    for (int level = 0; level < SHADOW_LEVELS; level++) {
        block->next[level] = shadow->blocks[path[level]].next[level];
        shadow->blocks[path[level]].next[level] = index;
        if ((coins >> (2 * level) & 3) != 0) {
            break;
        }
    }
    return index;
}

static inline void
shadow_remove(struct shadow *shadow, uint32_t index)
{
    uint32_t path[SHADOW_LEVELS];
    shadow_seek(shadow, shadow->blocks[index].start, path);
    EXPECT(shadow->blocks[path[0]].next[0] == index);
    for (int level = 0; level < SHADOW_LEVELS; level++) {
        if (shadow->blocks[path[level]].next[level] == index) {
            shadow->blocks[path[level]].next[level] = shadow->blocks[index].next[level];
        }
    }
    shadow->unused[shadow->unused_count++] = index;
}

#endif
