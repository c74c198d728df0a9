/*
 * Pools of a space that nobody has found right yet: an image that is being opened or checked.
 * Nothing is used as an address or an index before it has been found to lie where such things lie.
 * The space may be mapped elsewhere than its pointers say, and for reading only.
 */
#ifndef TN_POOL_DOUBT_H
#define TN_POOL_DOUBT_H

#include "pool/pool.h"

#pragma GCC visibility push(hidden)

struct tn_pool_doubt {
    const struct tn_doubtful *space;
    const struct tn_pool *pool; /* where it can be read; NULL: of none yet */
    uint64_t address;           /* as pointers have it */
    bool broken;                /* something was said */
};

/* Of a walk along pointers: whether it comes back to where it was (Brent, "An improved Monte Carlo
 * factorization algorithm", 1980). Begins as zero. */
struct tn_loop {
    uint64_t seen;
    uint64_t steps;
    uint64_t limit;
};

static inline bool
tn_loops(struct tn_loop *loop, uint64_t pointer)
{
    if (pointer == loop->seen) {
        return true;
    }
    if (loop->steps++ == loop->limit) {
        loop->seen = pointer;
        loop->limit = 2 * loop->steps;
    }
    return false;
}

static inline uint64_t
tn_as_number(const void *pointer)
{
    return (uint64_t)(uintptr_t)pointer;
}

/* Whether a thread was changing it that is no more: the opening makes its counts and lists anew. */
static inline bool
tn_doubt_is_torn(const struct tn_pool *pool)
{
    return atomic_load_explicit(&pool->lock.state, memory_order_relaxed) != 0;
}

void tn_doubt_say(struct tn_pool_doubt *doubt, const char *what, const void *at);

/* The bytes that a pointer means, in one slice of pools' own memory; NULL: it means none. */
const void *tn_doubt_meta(const struct tn_doubtful *space, uint64_t pointer, uint64_t size,
                          uint64_t align);
/* The same, and they belong to no pool's record. */
const void *tn_doubt_own(const struct tn_pool_doubt *doubt, uint64_t pointer, uint64_t size,
                         uint64_t align);
/* The descriptor that a pointer means, of a slab of this pool; NULL: of none. */
const struct tn_slab *tn_doubt_slab(const struct tn_pool_doubt *doubt, const void *pointer);
/* The slab of this pool that an object which has entered lies in; NULL: it is no such object. Of
 * the slab nothing else has been looked at. */
const struct tn_slab *tn_doubt_object(const struct tn_pool_doubt *doubt, uint64_t object,
                                      size_t *index);
/* Whether the numbers of a slab are possible, and its bits where bits can be. */
bool tn_doubt_bits(const struct tn_pool_doubt *doubt, const struct tn_slab *slab);
/* The slots of a full tile of this pool, of which a pointer means the last; NULL: none. */
void *const *tn_doubt_tile(const struct tn_pool_doubt *doubt, const void *last);

/* pool_parts.c: all that is the pools', piece by piece, and with sort whether pieces lie in one
 * another. 0, or ENOMEM: it could not be done. */
int tn_doubt_parts(const struct tn_doubtful *space, bool sort);

#pragma GCC visibility pop

#endif
