/* Looking at a pool that stands still: live objects, figures, invariants. */
#include "pool/pool.h"

#include <string.h>

/* The bits of cached objects are set for the time of a walk, so that the clear ones are live. */
static void
set_one(struct tn_pool *pool, void *object, void *context)
{
    const char *call = context;
    struct tn_place place;
    if (!tn_pool_locate(pool, object, &place)) {
        tn_pool_die_wrong(pool, object, call);
    }
    if (tn_pool_has_bit(&place)) {
        tn_pool_die_free(pool, object, call);
    }
    place.slab->bits[place.index / 64] |= (uint64_t)1 << place.index % 64;
}

static void
clear_one(struct tn_pool *pool, void *object, void *context)
{
    (void)context;
    struct tn_place place;
    if (tn_pool_locate(pool, object, &place)) {
        place.slab->bits[place.index / 64] &= ~((uint64_t)1 << place.index % 64);
    }
}

static bool
walk_list(struct tn_pool *pool, const struct tn_slab *slab,
          bool (*visit)(void *context, void *object), void *context)
{
    for (; slab != NULL; slab = slab->next) {
        char *first = tn_pool_first(pool, slab);
        for (uint32_t i = 0; i < slab->entered; i += 64) {
            uint32_t rest = slab->entered - i;
            uint64_t live = ~slab->bits[i / 64];
            live &= rest >= 64 ? ~(uint64_t)0 : ((uint64_t)1 << rest) - 1;
            for (; live != 0; live &= live - 1) {
                if (!visit(context, first + (i + tn_lowest_bit(live)) * pool->stride)) {
                    return false;
                }
            }
        }
    }
    return true;
}

bool
tarn_pool_walk(tarn_pool *face, bool (*visit)(void *context, void *object), void *context)
{
    struct tn_pool *pool = (struct tn_pool *)face;
    static char call[] = "tarn_pool_free";
    tn_pool_each_cached(pool, set_one, call);
    bool done = walk_list(pool, pool->some_first, visit, context) &&
                walk_list(pool, pool->none_first, visit, context);
    tn_pool_each_cached(pool, clear_one, NULL);
    return done;
}

void
tarn_pool_stats(const tarn_pool *face, struct tarn_pool_stats *stats)
{
    const struct tn_pool *pool = (const struct tn_pool *)face;
    size_t metas = 0;
    memset(stats, 0, sizeof *stats);
    tn_pool_lock((struct tn_pool *)(uintptr_t)pool);
    stats->size = pool->size;
    stats->stride = pool->stride;
    stats->cached = tn_pool_cached(pool);
    stats->live = pool->out - stats->cached;
    stats->entered = pool->entered;
    stats->idle = pool->entered - pool->out;
    stats->slabs = pool->slabs;
    for (const struct tn_pool_meta *meta = pool->metas; meta != NULL; meta = meta->next) {
        metas++;
    }
    stats->bytes = (pool->slabs * pool->span + metas) << TN_SLICE_SHIFT;
    tn_pool_unlock((struct tn_pool *)(uintptr_t)pool);
}

static const char *
check_slab(const struct tn_pool *pool, const struct tn_slab *slab, bool some)
{
    if (tn_kind(slab) != TN_POOL ||
        atomic_load_explicit(&slab->owner, memory_order_relaxed) != (uintptr_t)pool) {
        return "a slab in a pool's lists is not the pool's";
    }
    if (tn_pool_has_some(pool, slab) != some) {
        return "a slab is in the wrong one of its pool's lists";
    }
    uint32_t set = 0;
    for (uint32_t w = 0; w < pool->words; w++) {
        if (slab->bits[w] != 0 && w < slab->hint) {
            return "a free object is where none should be";
        }
        set += (uint32_t)__builtin_popcountll(slab->bits[w]);
    }
    if (set != slab->unused) {
        return "the count of a pool's free objects in a slab is wrong";
    }
    if (slab->entered > pool->capacity) {
        return "more objects have entered a slab than it holds";
    }
    for (uint32_t i = slab->entered; i < pool->words * 64; i++) {
        if ((slab->bits[i / 64] >> i % 64 & 1) != 0) {
            return "an object is free that never entered the pool";
        }
    }
    return NULL;
}

static const char *
check_list(const struct tn_pool *pool, const struct tn_slab *slab, bool some, size_t sums[3])
{
    const struct tn_slab *before = NULL;
    for (; slab != NULL; before = slab, slab = slab->next) {
        const char *broken = check_slab(pool, slab, some);
        if (broken != NULL) {
            return broken;
        }
        if (slab->prev != before || ++sums[0] > pool->slabs) {
            return "a list of a pool's slabs is broken";
        }
        sums[1] += slab->entered;
        sums[2] += slab->unused;
    }
    return some && before != pool->some_last ? "a list of a pool's slabs has the wrong end" : NULL;
}

struct canaries {
    const struct tn_pool *pool;
    size_t live;
};

static bool
check_canary(void *context, void *object)
{
    struct canaries *canaries = context;
    canaries->live++;
    return !(canaries->pool->flags & TARN_POOL_CANARY) ||
           tn_pool_canary_holds(canaries->pool, object);
}

const char *
tarn_pool_check(tarn_pool *face)
{
    struct tn_pool *pool = (struct tn_pool *)face;
    size_t sums[3] = {0};
    const char *broken = check_list(pool, pool->some_first, true, sums);
    if (broken == NULL) {
        broken = check_list(pool, pool->none_first, false, sums);
    }
    if (broken != NULL) {
        return broken;
    }
    if (sums[0] != pool->slabs || sums[1] != pool->entered || sums[1] - sums[2] != pool->out) {
        return "the sums of a pool's slabs are wrong";
    }
    struct canaries canaries = {pool, 0};
    if (!tarn_pool_walk(face, check_canary, &canaries)) {
        return "an object of a pool was written past its end";
    }
    if (canaries.live != pool->out - tn_pool_cached(pool)) {
        return "the count of a pool's live objects is wrong";
    }
    return NULL;
}
