/* A pool's record, and all that putting the pool right follows. */
#include "pool/pool_doubt.h"

#include <string.h>

#define SIZE_MOST ((uint64_t)1 << 40)

void
tn_doubt_say(struct tn_pool_doubt *doubt, const char *what, const void *at)
{
    doubt->broken = true;
    doubt->space->say(doubt->space->context, what, at);
}

static const struct tn_slab *
table(const struct tn_doubtful *space)
{
    return (const void *)(space->memory + TN_SPACE_HEAD);
}

const void *
tn_doubt_meta(const struct tn_doubtful *space, uint64_t pointer, uint64_t size, uint64_t align)
{
    uint64_t offset = pointer - space->base;
    uint64_t slice = offset >> TN_SLICE_SHIFT;
    if (pointer % align != 0 || slice < space->map->first || slice >= space->map->frontier ||
        TN_SLICE - offset % TN_SLICE < size || tn_kind(&table(space)[slice]) != TN_META) {
        return NULL;
    }
    return space->memory + offset;
}

/* The slice that a pool lies in begins with the end of a list, any other with another's address. */
const void *
tn_doubt_own(const struct tn_pool_doubt *doubt, uint64_t pointer, uint64_t size, uint64_t align)
{
    const char *found = tn_doubt_meta(doubt->space, pointer, size, align);
    uint64_t within = pointer % TN_SLICE;
    if (found == NULL || within < sizeof(struct tn_pool_meta)) {
        return NULL;
    }
    const struct tn_pool_meta *meta = (const void *)(found - within);
    return meta->next != NULL || within >= TN_TILE + sizeof(void *) ? found : NULL;
}

static bool
is_of_pool(const struct tn_pool_doubt *doubt, const struct tn_slab *slab)
{
    return tn_kind(slab) == TN_POOL &&
           atomic_load_explicit(&slab->owner, memory_order_relaxed) == doubt->address;
}

const struct tn_slab *
tn_doubt_slab(const struct tn_pool_doubt *doubt, const void *pointer)
{
    const struct tn_doubtful *space = doubt->space;
    uint64_t offset = tn_as_number(pointer) - space->base - TN_SPACE_HEAD;
    uint64_t index = offset / sizeof(struct tn_slab);
    if (offset % sizeof(struct tn_slab) != 0 || index < space->map->first ||
        index >= space->map->frontier) {
        return NULL;
    }
    const struct tn_slab *slab = &table(space)[index];
    return is_of_pool(doubt, slab) ? slab : NULL;
}

const struct tn_slab *
tn_doubt_object(const struct tn_pool_doubt *doubt, uint64_t object, size_t *index)
{
    const struct tn_doubtful *space = doubt->space;
    uint64_t slice = (object - space->base) >> TN_SLICE_SHIFT;
    if (slice < space->map->first || slice >= space->map->frontier) {
        return NULL;
    }
    const struct tn_slab *slab = &table(space)[slice];
    if (tn_kind(slab) == TN_INNER && slab->back <= slice - space->map->first) {
        slice -= slab->back;
        slab -= slab->back;
    }
    uint64_t offset = object - space->base - (slice << TN_SLICE_SHIFT);
    *index = offset / doubt->pool->stride;
    bool found =
        is_of_pool(doubt, slab) && offset % doubt->pool->stride == 0 && *index < slab->entered;
    return found ? slab : NULL;
}

bool
tn_doubt_bits(const struct tn_pool_doubt *doubt, const struct tn_slab *slab)
{
    const struct tn_pool *pool = doubt->pool;
    uint64_t size = (uint64_t)pool->words * sizeof(uint64_t) * (pool->mode == TN_POOL_LONG ? 2 : 1);
    return slab->entered <= pool->capacity && slab->unused <= slab->entered &&
           tn_doubt_own(doubt, tn_as_number(slab->bits), size, sizeof(uint64_t)) != NULL;
}

void *const *
tn_doubt_tile(const struct tn_pool_doubt *doubt, const void *last)
{
    uint64_t end = tn_as_number(last);
    uint64_t before = doubt->pool->slots * sizeof(void *);
    return end % TN_TILE == 0
               ? tn_doubt_own(doubt, end - before, before + sizeof(void *), sizeof(void *))
               : NULL;
}

/* ---- the numbers ---- */

static const char *
strange_layout(const struct tn_pool *pool, uint64_t slices)
{
    unsigned known = 2 * TARN_POOL_PROFILE - 1;
    bool shared = tn_pool_is_shared(pool);
    if ((unsigned)pool->mode > TN_POOL_LONG || (pool->flags & ~known) != 0 ||
        (pool->flags & TARN_POOL_GUARD) != 0 || (pool->mode == TN_POOL_OWNER && shared) ||
        (pool->mode == TN_POOL_SHARED && !shared)) {
        return "a pool's mode and flags cannot be right";
    }
    uint64_t canary = pool->flags & TARN_POOL_CANARY ? sizeof(uint64_t) : 0;
    if (pool->size == 0 || pool->size > SIZE_MOST || pool->stride > 4 * SIZE_MOST ||
        pool->stride < pool->size + canary || pool->lead != 0 || !tn_is_power_of_two(pool->align) ||
        pool->stride % pool->align != 0) {
        return "the sizes of a pool's objects cannot be right";
    }
    uint64_t capacity = ((uint64_t)pool->span << TN_SLICE_SHIFT) / pool->stride;
    uint64_t inverse = pool->span == 1 ? ((uint64_t)1 << 32) / pool->stride + 1 : 0;
    if (pool->span == 0 || pool->span > UINT32_MAX >> 1 || capacity == 0 ||
        pool->capacity != capacity || pool->words != (capacity + 63) / 64 ||
        pool->inverse != inverse || pool->block == 0 || pool->block > capacity) {
        return "the sizes of a pool's slabs cannot be right";
    }
    if (pool->slots == 0 || pool->slots > TN_TILE_SLOTS || pool->batch == 0 ||
        pool->batch > TN_BATCH || pool->batch > pool->slots || pool->next_batch == 0 ||
        pool->next_batch > pool->batch) {
        return "the sizes of a pool's caches cannot be right";
    }
    if (pool->limit == 0 || (!tn_doubt_is_torn(pool) && (pool->slabs > slices / pool->span ||
                                                         pool->entered > pool->slabs * capacity ||
                                                         pool->out > pool->entered))) {
        return "a pool's counts cannot be right";
    }
    if (pool->label.size != pool->size ||
        memchr(pool->label.name, 0, sizeof pool->label.name) == NULL) {
        return "a pool's name cannot be right";
    }
    return NULL;
}

/* ---- caches ---- */

static void
look_at_cache(struct tn_pool_doubt *doubt, const struct tn_pool_cache *cache)
{
    uint64_t bottom = tn_as_number(cache->bottom);
    uint64_t size = doubt->pool->slots * sizeof(void *);
    uint64_t filled = tn_as_number(cache->face.top) - bottom;
    void *const *slots = tn_doubt_tile(doubt, (const char *)cache->bottom + size);
    if (slots == NULL || filled > size || filled % sizeof(void *) != 0 || slots[0] != NULL) {
        tn_doubt_say(doubt, "a pool's cache is not where one can be", cache);
    }
}

/* What every call comes to first, and the cache that stands in the record itself. */
static void
look_at_face(struct tn_pool_doubt *doubt)
{
    const struct tn_pool *pool = doubt->pool;
    uint64_t none = (doubt->address & ~(uint64_t)(TN_SLICE - 1)) + TN_TILE;
    const void *const *slot = tn_doubt_meta(doubt->space, none, sizeof *slot, sizeof *slot);
    uint64_t central[] = {
        [TN_POOL_OWNER] = doubt->address + offsetof(struct tn_pool, face),
        [TN_POOL_SHARED] = 0,
        [TN_POOL_LONG] = doubt->address + offsetof(struct tn_pool, own),
    };
    if (tn_as_number(pool->central) != central[pool->mode]) {
        tn_doubt_say(doubt, "a pool's record does not lead to its cache", &pool->central);
    } else if (pool->mode == TN_POOL_OWNER) {
        look_at_cache(doubt, &pool->face);
    } else if (tn_as_number(pool->face.face.top) != none || slot == NULL || *slot != NULL) {
        tn_doubt_say(doubt, "a pool's cache is not where one can be", &pool->face);
    } else if (pool->mode == TN_POOL_LONG) {
        look_at_cache(doubt, &pool->own);
    }
}

static bool
is_neighbour(const struct tn_pool_doubt *doubt, const struct tn_slab *slab,
             const struct tn_slab *pointer, bool before)
{
    const struct tn_slab *other = tn_doubt_slab(doubt, pointer);
    if (pointer == NULL || other == NULL) {
        return pointer == NULL;
    }
    return tn_doubt_slab(doubt, before ? other->next : other->prev) == slab;
}

/* An object that is dropped goes to its slab's bits, and the slab may go to another list. Others,
 * of a user's own making, are dropped and no more. */
static void
look_at_cached(struct tn_pool_doubt *doubt, const struct tn_pool_cache *cache)
{
    uint64_t filled = tn_as_number(cache->face.top) - tn_as_number(cache->bottom);
    const char *last = (const char *)cache->bottom + doubt->pool->slots * sizeof(void *);
    void *const *slots = tn_doubt_tile(doubt, last);
    bool torn = tn_doubt_is_torn(doubt->pool);
    for (size_t i = 1; i <= filled / sizeof(void *) && !torn && !doubt->broken; i++) {
        size_t index;
        const struct tn_slab *slab = tn_doubt_object(doubt, tn_as_number(slots[i]), &index);
        if (slab != NULL && !tn_doubt_bits(doubt, slab)) {
            tn_doubt_say(doubt, "a pool's slab does not lead to its bits", slab);
        } else if (slab != NULL && (!is_neighbour(doubt, slab, slab->prev, true) ||
                                    !is_neighbour(doubt, slab, slab->next, false))) {
            tn_doubt_say(doubt, "a list of a pool's slabs is broken", slab);
        }
    }
}

static void
look_at_caches(struct tn_pool_doubt *doubt)
{
    struct tn_loop loop = {0};
    const struct tn_pool_cache *next = doubt->pool->caches;
    if (next != NULL && doubt->pool->mode != TN_POOL_SHARED) {
        tn_doubt_say(doubt, "a pool that threads have no caches of has some", doubt->pool);
        return;
    }
    while (next != NULL && !doubt->broken) {
        const struct tn_pool_cache *cache = tn_doubt_own(doubt, tn_as_number(next), 64, 64);
        if (cache == NULL || tn_loops(&loop, tn_as_number(next))) {
            tn_doubt_say(doubt, "the list of a pool's caches is broken",
                         cache != NULL ? (const void *)cache : (const void *)&doubt->pool->caches);
            return;
        }
        look_at_cache(doubt, cache);
        if (!doubt->broken) {
            look_at_cached(doubt, cache);
        }
        next = cache->next;
    }
}

/* ---- slabs ---- */

/* After a crash inside the pool's lock all slabs are listed anew, whatever their lists are. */
static void
look_at_all_slabs(struct tn_pool_doubt *doubt)
{
    const struct tn_map *map = doubt->space->map;
    for (uint32_t i = map->first; i < map->frontier && !doubt->broken; i++) {
        const struct tn_slab *slab = &table(doubt->space)[i];
        if (is_of_pool(doubt, slab) && !tn_doubt_bits(doubt, slab)) {
            tn_doubt_say(doubt, "a pool's slab does not lead to its bits", slab);
        }
    }
}

static void
look_at_list(struct tn_pool_doubt *doubt, const struct tn_slab *const *head, bool from_end)
{
    const struct tn_slab *slab = tn_doubt_slab(doubt, *head);
    if (*head != NULL && (slab == NULL || (from_end ? slab->next : slab->prev) != NULL)) {
        tn_doubt_say(doubt, "a pool's record does not lead to its slabs", head);
    }
}

static void
look_at_lists(struct tn_pool_doubt *doubt)
{
    const struct tn_pool *pool = doubt->pool;
    if (tn_doubt_is_torn(pool)) {
        look_at_all_slabs(doubt);
        return;
    }
    look_at_list(doubt, (const struct tn_slab *const *)&pool->some_first, false);
    look_at_list(doubt, (const struct tn_slab *const *)&pool->some_last, true);
    look_at_list(doubt, (const struct tn_slab *const *)&pool->none_first, false);
    if ((pool->some_first == NULL) != (pool->some_last == NULL)) {
        tn_doubt_say(doubt, "a list of a pool's slabs has the wrong end", &pool->some_last);
    }
}

/* ---- the pool's own memory ---- */

static void
look_at_memory(struct tn_pool_doubt *doubt)
{
    const struct tn_pool *pool = doubt->pool;
    const struct tn_pool_meta *first = (const void *)((const char *)pool - TN_RECORD_AT);
    uint64_t fresh = tn_as_number(pool->fresh);
    uint64_t end = tn_as_number(pool->fresh_end);
    uint64_t slice = end - TN_SLICE;
    if (slice != tn_as_number(pool->metas) ||
        tn_doubt_meta(doubt->space, slice, TN_SLICE, TN_SLICE) == NULL ||
        fresh - slice < sizeof(struct tn_pool_meta) || fresh - slice > TN_SLICE) {
        tn_doubt_say(doubt, "a pool's memory is not where its record says", &pool->metas);
    }
    if (first->next != NULL) {
        tn_doubt_say(doubt, "the list of a pool's slices does not end at the pool", first);
    }
    if (pool->free_bits != NULL &&
        tn_doubt_own(doubt, tn_as_number(pool->free_bits), 8, 8) == NULL) {
        tn_doubt_say(doubt, "a pool's list of free bits is broken", &pool->free_bits);
    }
    if (pool->free_tiles != NULL && tn_doubt_tile(doubt, pool->free_tiles) == NULL) {
        tn_doubt_say(doubt, "a pool's list of tiles is broken", &pool->free_tiles);
    }
    if (pool->depot != NULL && tn_doubt_tile(doubt, pool->depot) == NULL) {
        tn_doubt_say(doubt, "a pool's list of tiles is broken", &pool->depot);
    }
}

static void
look_at_pool(struct tn_pool_doubt *doubt)
{
    const struct tn_map *map = doubt->space->map;
    const char *strange = strange_layout(doubt->pool, map->frontier - map->first);
    if (strange != NULL) {
        tn_doubt_say(doubt, strange, doubt->pool);
        return;
    }
    look_at_face(doubt);
    look_at_lists(doubt);
    look_at_memory(doubt);
    look_at_caches(doubt);
}

static const struct tn_root *
root_of(const struct tn_doubtful *space)
{
    return (const void *)space->map->root;
}

int
tn_pool_doubt_all(const struct tn_doubtful *space, bool all)
{
    struct tn_pool_doubt doubt = {.space = space};
    struct tn_loop loop = {0};
    const struct tn_pool *const *link = (const struct tn_pool *const *)&root_of(space)->pools;
    while (*link != NULL) {
        uint64_t address = tn_as_number(*link);
        doubt.pool = tn_doubt_meta(space, address, sizeof(struct tn_pool), TN_RECORD_AT);
        if (doubt.pool == NULL || address % TN_SLICE != TN_RECORD_AT || tn_loops(&loop, address)) {
            tn_doubt_say(&doubt, "the list of pools is broken", link);
            return 0;
        }
        doubt.address = address;
        look_at_pool(&doubt);
        link = (const struct tn_pool *const *)&doubt.pool->next;
    }
    return (all || TN_INSPECTED) && !doubt.broken ? tn_doubt_parts(space, all) : 0;
}
