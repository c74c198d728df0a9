/*
 * All that is the pools', piece by piece: slabs and their bits, slices, tiles, cached objects.
 * Pieces that lie in one another are found by sorting all of them.
 */
#include "pool/pool_doubt.h"

#include "heap/fast.h"

#include <errno.h>
#include <stdlib.h>

struct owned_part {
    uint64_t start;
    uint64_t size;
    const void *at; /* what leads to it */
};

/* Gone through twice: to count the parts, then to note them. */
struct inventory {
    struct tn_pool_doubt doubt;
    struct owned_part *part; /* NULL: they are counted */
    size_t room;
    size_t count;
    size_t slabs;  /* of all pools */
    size_t cached; /* objects of this pool */
};

static void
add(struct inventory *parts, uint64_t start, uint64_t size, const void *at)
{
    if (parts->part == NULL) {
        parts->count++;
    } else if (parts->count < parts->room) { /* else a thread is adding some */
        parts->part[parts->count++] = (struct owned_part){start, size, at};
    }
}

static void
say(struct inventory *parts, const char *what, const void *at)
{
    tn_doubt_say(&parts->doubt, what, at);
}

/* ---- slabs ---- */

static unsigned
count_bits(uint64_t bits)
{
    return (unsigned)__builtin_popcountll(bits);
}

/* The bits of objects before end in a word of them. */
static uint64_t
bits_before(uint64_t word, uint64_t end)
{
    return end >= (word + 1) * 64 ? ~(uint64_t)0
           : end <= word * 64     ? 0
                                  : ((uint64_t)1 << (end - word * 64)) - 1;
}

static const char *
strange_bits(const struct inventory *parts, const struct tn_slab *slab, size_t *live)
{
    const struct tn_pool *pool = parts->doubt.pool;
    const uint64_t *bits = tn_doubt_own(&parts->doubt, tn_as_number(slab->bits), 8, 8);
    uint64_t set = 0;
    for (uint32_t w = 0; w < pool->words; w++) {
        uint64_t out = pool->mode == TN_POOL_LONG ? bits[pool->words + w] : 0;
        uint64_t entered = bits_before(w, slab->entered);
        if (((bits[w] | out) & ~entered) != 0) {
            return "an object is free or live that never entered its pool";
        }
        if ((bits[w] & out) != 0) {
            return "an object of a pool is free and live";
        }
        if (bits[w] != 0 && w < slab->hint) {
            return "a free object of a pool is where none should be";
        }
        set += count_bits(bits[w]);
        *live += count_bits(out);
    }
    return set != slab->unused ? "the count of a pool's free objects in a slab is wrong" : NULL;
}

struct sums {
    size_t slabs;
    size_t entered;
    size_t free;
    size_t live; /* LONG */
};

static void
add_slab(struct inventory *parts, const struct tn_slab *slab, struct sums *sums)
{
    const struct tn_pool *pool = parts->doubt.pool;
    uint64_t label = parts->doubt.address + offsetof(struct tn_pool, label);
    uint64_t words = (uint64_t)pool->words * (pool->mode == TN_POOL_LONG ? 2 : 1);
    if (atomic_load_explicit(&slab->remote, memory_order_relaxed) != label ||
        slab->span != pool->span) {
        say(parts, "a pool's slab is not as its pool says", slab);
    } else if (!tn_doubt_bits(&parts->doubt, slab)) {
        say(parts, "a pool's slab does not lead to its bits", slab);
    } else {
        const char *strange = strange_bits(parts, slab, &sums->live);
        if (strange != NULL) {
            say(parts, strange, slab);
        }
        add(parts, tn_as_number(slab->bits), words * sizeof(uint64_t), slab);
    }
    sums->slabs++;
    sums->entered += slab->entered;
    sums->free += slab->unused;
}

static void
add_list(struct inventory *parts, struct tn_slab *const *head, bool some, struct sums *sums)
{
    const struct tn_pool *pool = parts->doubt.pool;
    const struct tn_slab *before = NULL;
    const struct tn_slab *last = NULL;
    for (const struct tn_slab *next = *head; next != NULL && !parts->doubt.broken;) {
        const struct tn_slab *slab = tn_doubt_slab(&parts->doubt, next);
        if (slab == NULL || sums->slabs == pool->slabs ||
            (before == NULL ? slab->prev != NULL
                            : tn_doubt_slab(&parts->doubt, slab->prev) != before)) {
            say(parts, "a list of a pool's slabs is broken",
                slab != NULL ? (const void *)slab : head);
            return;
        }
        if (tn_pool_has_some(pool, slab) != some) {
            say(parts, "a slab is in the wrong one of its pool's lists", slab);
        }
        add_slab(parts, slab, sums);
        before = slab;
        last = next;
        next = slab->next;
    }
    if (some && last != pool->some_last) {
        say(parts, "a list of a pool's slabs has the wrong end", &pool->some_last);
    }
}

/* Those of a pool that a thread was changing: the lists and counts will be made anew. */
static void
add_torn(struct inventory *parts, struct sums *sums)
{
    const struct tn_doubtful *space = parts->doubt.space;
    uint64_t table = space->base + TN_SPACE_HEAD;
    for (uint64_t i = space->map->first; i < space->map->frontier; i++) {
        uintptr_t pointer = (uintptr_t)(table + i * sizeof(struct tn_slab));
        sums->slabs += tn_doubt_slab(&parts->doubt, (const void *)pointer) != NULL;
    }
}

static void
add_slabs(struct inventory *parts)
{
    const struct tn_pool *pool = parts->doubt.pool;
    struct sums sums = {0};
    if (tn_doubt_is_torn(pool)) {
        add_torn(parts, &sums);
        parts->slabs += sums.slabs;
        return;
    }
    add_list(parts, &pool->some_first, true, &sums);
    if (!parts->doubt.broken) {
        add_list(parts, &pool->none_first, false, &sums);
    }
    parts->slabs += sums.slabs;
    if (parts->doubt.broken) {
        return;
    }
    if (sums.slabs != pool->slabs || sums.entered != pool->entered ||
        sums.entered - sums.free != pool->out) {
        say(parts, "the sums of a pool's slabs are wrong", &pool->slabs);
    } else if (parts->cached > pool->out ||
               (pool->mode == TN_POOL_LONG && sums.live != pool->out - parts->cached)) {
        say(parts, "the count of a pool's live objects is wrong", &pool->out);
    }
}

/* ---- caches ---- */

static bool
is_free_or_live(const struct inventory *parts, const struct tn_slab *slab, size_t index)
{
    const struct tn_pool *pool = parts->doubt.pool;
    const uint64_t *bits = tn_doubt_own(&parts->doubt, tn_as_number(slab->bits), 8, 8);
    uint64_t word = bits[index / 64];
    if (pool->mode == TN_POOL_LONG) {
        word |= bits[pool->words + index / 64];
    }
    return (word >> index % 64 & 1) != 0;
}

/* count objects behind the first slot of a tile. */
static void
add_objects(struct inventory *parts, void *const *slots, size_t count, const void *at)
{
    const struct tn_pool *pool = parts->doubt.pool;
    for (size_t i = 1; i <= count; i++) {
        size_t index;
        if (slots[i] == NULL) {
            continue;
        }
        uint64_t object = tn_as_number(slots[i]);
        const struct tn_slab *slab = tn_doubt_object(&parts->doubt, object, &index);
        if (slab == NULL) {
            say(parts, "a pool's cache holds what is no object of it", &slots[i]);
        } else if (!tn_doubt_bits(&parts->doubt, slab)) {
            say(parts, "a pool's slab does not lead to its bits", slab);
        } else if (!tn_doubt_is_torn(pool) && is_free_or_live(parts, slab, index)) {
            say(parts, "a pool's cache holds an object that is free or live", &slots[i]);
        }
        add(parts, object, 1, at);
        parts->cached++;
    }
}

static void
add_tile(struct inventory *parts, const void *last, size_t count, const void *at)
{
    uint64_t before = parts->doubt.pool->slots * sizeof(void *);
    void *const *slots = tn_doubt_tile(&parts->doubt, last);
    add(parts, tn_as_number(last) - before, before + sizeof(void *), at);
    add_objects(parts, slots, count, at);
}

static void
add_cache(struct inventory *parts, const struct tn_pool_cache *cache)
{
    uint64_t size = parts->doubt.pool->slots * sizeof(void *);
    add_tile(parts, (const char *)cache->bottom + size, tn_pool_count(cache), cache);
}

static void
add_caches(struct inventory *parts)
{
    const struct tn_pool *pool = parts->doubt.pool;
    if (pool->mode == TN_POOL_OWNER) {
        add_cache(parts, &pool->face);
    } else if (pool->mode == TN_POOL_LONG) {
        add_cache(parts, &pool->own);
    }
    for (const struct tn_pool_cache *next = pool->caches; next != NULL;) {
        const struct tn_pool_cache *cache = tn_doubt_own(&parts->doubt, tn_as_number(next), 64, 64);
        add(parts, tn_as_number(next), 64, cache);
        add_cache(parts, cache);
        next = cache->next;
    }
}

/* Tiles, each with the last slot of the next in its first. */
static void
add_tiles(struct inventory *parts, void **const *head, size_t count)
{
    struct tn_loop loop = {0};
    for (const void *last = *head; last != NULL;) {
        void *const *slots = tn_doubt_tile(&parts->doubt, last);
        if (slots == NULL || tn_loops(&loop, tn_as_number(last))) {
            say(parts, "a pool's list of tiles is broken", head);
            return;
        }
        add_tile(parts, last, count, slots);
        last = slots[0];
    }
}

/* ---- the rest ---- */

static void
add_metas(struct inventory *parts)
{
    const struct tn_pool *pool = parts->doubt.pool;
    uint64_t last = parts->doubt.address - TN_RECORD_AT;
    struct tn_loop loop = {0};
    for (const struct tn_pool_meta *next = pool->metas; tn_as_number(next) != last;) {
        uint64_t slice = tn_as_number(next);
        const struct tn_pool_meta *meta =
            tn_doubt_meta(parts->doubt.space, slice, TN_SLICE, TN_SLICE);
        if (meta == NULL || tn_loops(&loop, slice)) {
            say(parts, "the list of a pool's slices is broken",
                meta != NULL ? (const void *)meta : &pool->metas);
            return;
        }
        add(parts, slice, sizeof *meta, meta);
        next = meta->next;
    }
    add(parts, last, TN_TILE + sizeof(void *), pool);
    uint64_t fresh = tn_as_number(pool->fresh);
    if (pool->fresh != pool->fresh_end) {
        add(parts, fresh, tn_as_number(pool->fresh_end) - fresh, &pool->fresh);
    }
}

static void
add_free_bits(struct inventory *parts)
{
    const struct tn_pool *pool = parts->doubt.pool;
    uint64_t size = (uint64_t)pool->words * sizeof(uint64_t) * (pool->mode == TN_POOL_LONG ? 2 : 1);
    struct tn_loop loop = {0};
    for (const void *next = pool->free_bits; next != NULL;) {
        const void *const *bits = tn_doubt_own(&parts->doubt, tn_as_number(next), size, 8);
        if (bits == NULL || tn_loops(&loop, tn_as_number(next))) {
            say(parts, "a pool's list of free bits is broken", &pool->free_bits);
            return;
        }
        add(parts, tn_as_number(next), size, bits);
        next = *bits;
    }
}

static void
add_pool(struct inventory *parts)
{
    const struct tn_pool *pool = parts->doubt.pool;
    parts->cached = 0;
    add_caches(parts);
    add_tiles(parts, &pool->depot, pool->slots);
    if (!tn_doubt_is_torn(pool)) { /* else they will be forgotten */
        add_tiles(parts, &pool->free_tiles, 0);
        add_free_bits(parts);
    }
    add_metas(parts);
    add_slabs(parts);
}

static void
add_all(struct inventory *parts)
{
    const struct tn_doubtful *space = parts->doubt.space;
    const struct tn_root *root = (const void *)space->map->root;
    parts->count = 0;
    parts->slabs = 0;
    for (const struct tn_pool *next = root->pools; next != NULL && !parts->doubt.broken;) {
        uint64_t address = tn_as_number(next);
        parts->doubt.address = address;
        parts->doubt.pool = tn_doubt_meta(space, address, sizeof *next, TN_RECORD_AT);
        add_pool(parts);
        next = parts->doubt.pool->next;
    }
}

/* Slabs of no pool that the heap has. */
static void
count_slabs(struct inventory *parts)
{
    const struct tn_doubtful *space = parts->doubt.space;
    const struct tn_slab *table = (const void *)(space->memory + TN_SPACE_HEAD);
    size_t found = 0;
    for (uint64_t i = space->map->first; i < space->map->frontier; i++) {
        found += tn_kind(&table[i]) == TN_POOL;
    }
    if (found != parts->slabs) {
        say(parts, "there are slabs of pools that no pool has", space->map->root);
    }
}

static int
compare(const void *one, const void *other)
{
    const struct owned_part *a = one;
    const struct owned_part *b = other;
    return (a->start > b->start) - (a->start < b->start);
}

int
tn_doubt_parts(const struct tn_doubtful *space, bool sort)
{
    struct inventory parts = {.doubt = {.space = space}};
    add_all(&parts);
    if (parts.doubt.broken || !sort) {
        return 0;
    }
    count_slabs(&parts);
    if (parts.count == 0) {
        return 0;
    }
    parts.part = tn_malloc(parts.count * sizeof *parts.part);
    if (parts.part == NULL) {
        return ENOMEM;
    }
    parts.room = parts.count;
    add_all(&parts);
    qsort(parts.part, parts.count, sizeof *parts.part, compare);
    for (size_t i = 1; i < parts.count; i++) {
        if (parts.part[i].start - parts.part[i - 1].start < parts.part[i - 1].size) {
            say(&parts, "two parts of pools lie in one another", parts.part[i].at);
        }
    }
    tn_free(parts.part, "tarn_check");
    return 0;
}
