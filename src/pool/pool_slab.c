/* Slabs of a pool and the bits that tell which of their objects are free. */
#include "pool/pool.h"

#include "heap/sample.h"
#include "os/os.h"

void
tn_pool_unlist(struct tn_pool *pool, struct tn_slab *slab)
{
    if (slab->prev != NULL) {
        slab->prev->next = slab->next;
    } else if (pool->some_first == slab) {
        pool->some_first = slab->next;
    } else {
        pool->none_first = slab->next;
    }
    if (slab->next != NULL) {
        slab->next->prev = slab->prev;
    } else if (pool->some_last == slab) {
        pool->some_last = slab->prev;
    }
}

/* A slab with free objects goes to the end: more come back to it until its turn comes. */
void
tn_pool_list(struct tn_pool *pool, struct tn_slab *slab)
{
    if (tn_pool_has_some(pool, slab)) {
        slab->next = NULL;
        slab->prev = pool->some_last;
        if (slab->prev != NULL) {
            slab->prev->next = slab;
        } else {
            pool->some_first = slab;
        }
        pool->some_last = slab;
        return;
    }
    slab->prev = NULL;
    slab->next = pool->none_first;
    if (slab->next != NULL) {
        slab->next->prev = slab;
    }
    pool->none_first = slab;
}

static struct tn_slab *
slab_new(struct tn_pool *pool)
{
    bool zero;
    uint64_t *bits = tn_pool_bits_new(pool);
    if (bits == NULL) {
        return NULL;
    }
    struct tn_slab *slab =
        tn_heap_take(pool->heap, pool->span, tn_max(pool->align, TN_SLICE), &zero);
    if (slab == NULL) {
        tn_pool_bits_end(pool, bits);
        return NULL;
    }
    slab->bits = bits;
    slab->unused = 0;
    slab->entered = 0;
    slab->hint = 0;
    slab->flags = 0;
    slab->span = pool->span;
    atomic_store_explicit(&slab->remote, (uintptr_t)&pool->label, memory_order_relaxed);
    atomic_store_explicit(&slab->owner, (uintptr_t)pool, memory_order_relaxed);
    tn_set_kind(slab, TN_POOL);
    if (pool->flags & TARN_POOL_GUARD) {
        tn_os_forbid(tn_slab_base(tn_pool_space(pool, slab), slab),
                     (size_t)pool->span << TN_SLICE_SHIFT);
    }
    if (pool->mode != TN_POOL_LONG) {
        tn_inspector_open(tn_slab_base(tn_pool_space(pool, slab), slab),
                          (size_t)pool->span << TN_SLICE_SHIFT);
    }
    tn_pool_list(pool, slab);
    pool->slabs++;
    return slab;
}

void
tn_pool_slab_end(struct tn_pool *pool, struct tn_slab *slab, bool destructed)
{
    tn_pool_unlist(pool, slab);
    tn_pool_tell_gone(pool, slab);
    tn_pool_open_slab(pool, slab);
    if (pool->destruct != NULL && !destructed) {
        char *object = tn_pool_first(pool, slab);
        for (uint32_t i = 0; i < slab->entered; i++, object += pool->stride) {
            pool->destruct(object, pool->context);
        }
    }
    if (pool->flags & TARN_POOL_PROFILE) {
        tn_sample_forget_memory(tn_slab_base(tn_pool_space(pool, slab), slab),
                                (size_t)pool->span << TN_SLICE_SHIFT);
    }
    pool->entered -= slab->entered;
    pool->slabs--;
    tn_pool_bits_end(pool, slab->bits);
    atomic_store_explicit(&slab->owner, 0, memory_order_relaxed);
    atomic_store_explicit(&slab->remote, 0, memory_order_relaxed);
    slab->span = pool->span;
    tn_set_kind(slab, TN_HELD);
    tn_heap_give(slab, pool->span, false);
}

static inline size_t
index_of(const struct tn_pool *pool, size_t offset)
{
    return pool->inverse != 0 ? (size_t)((offset * pool->inverse) >> 32) : offset / pool->stride;
}

bool
tn_pool_locate(const struct tn_pool *pool, const void *p, struct tn_place *place)
{
    struct tn_space *space = tn_pool_space(pool, p);
    if (space == NULL) {
        return false;
    }
    struct tn_slab *slab = tn_slice_of(space, p);
    if (tn_kind(slab) == TN_INNER && slab->back <= tn_slab_index(space, slab)) {
        slab -= slab->back;
    }
    if (tn_kind(slab) != TN_POOL ||
        atomic_load_explicit(&slab->owner, memory_order_relaxed) != (uintptr_t)pool) {
        return false;
    }
    size_t offset = (size_t)((const char *)p - tn_slab_base(space, slab)) - pool->lead;
    if (offset >= (size_t)pool->span << TN_SLICE_SHIFT) {
        return false;
    }
    place->slab = slab;
    place->index = index_of(pool, offset);
    return place->index * pool->stride == offset && place->index < slab->entered;
}

static inline void
set_bit(struct tn_slab *slab, size_t index)
{
    size_t word = index / 64;
    slab->bits[word] |= (uint64_t)1 << index % 64;
    slab->unused++;
    if (word < slab->hint) {
        slab->hint = (uint32_t)word;
    }
}

void
tn_pool_put(struct tn_pool *pool, const struct tn_place *place)
{
    struct tn_slab *slab = place->slab;
    if (tn_pool_has_some(pool, slab)) {
        set_bit(slab, place->index);
    } else {
        tn_pool_unlist(pool, slab);
        set_bit(slab, place->index);
        tn_pool_list(pool, slab);
    }
    pool->out--;
}

/* The slab whose next objects enter: all that have some have no bit set. */
static struct tn_slab *
slab_to_enter(struct tn_pool *pool)
{
    for (struct tn_slab *slab = pool->some_first; slab != NULL; slab = slab->next) {
        if (slab->entered < pool->capacity) {
            return slab;
        }
    }
    return slab_new(pool);
}

/* Until they are constructed their bits stay clear, so that none is given to another thread. */
bool
tn_pool_enter(struct tn_pool *pool)
{
    struct tn_slab *slab = slab_to_enter(pool);
    if (slab == NULL) {
        return false;
    }
    uint32_t from = slab->entered;
    uint32_t to = (uint32_t)tn_min(pool->capacity, (size_t)from + pool->block);
    char *first = tn_pool_first(pool, slab);
    tn_pool_unlist(pool, slab);
    slab->entered = to;
    tn_pool_list(pool, slab);
    pool->entered += to - from;
    bool marks = (pool->flags & (TARN_POOL_POISON | TARN_POOL_GUARD)) != 0 || TN_INSPECTED;
    if (pool->construct != NULL || marks) {
        tn_pool_unlock(pool);
        for (uint32_t i = from; i < to; i++) {
            char *object = first + i * pool->stride;
            if (pool->construct != NULL) {
                tn_pool_open_object(pool, object);
                pool->construct(object, pool->context);
            }
            if (marks) {
                tn_pool_mark_free(pool, object);
            }
        }
        tn_pool_lock(pool);
    }
    tn_pool_unlist(pool, slab);
    for (uint32_t i = from; i < to;) {
        uint32_t end = (uint32_t)tn_min(to, (i | 63) + 1);
        uint64_t ones = end - i == 64 ? ~(uint64_t)0 : ((uint64_t)1 << (end - i)) - 1;
        slab->bits[i / 64] |= ones << i % 64;
        i = end;
    }
    slab->hint = (uint32_t)tn_min(slab->hint, from / 64);
    slab->unused += to - from;
    tn_pool_list(pool, slab);
    return true;
}

void **
tn_pool_take_from(struct tn_pool *pool, struct tn_slab *slab, void **at, unsigned count)
{
    char *first = tn_pool_first(pool, slab);
    size_t stride = pool->stride;
    size_t word = slab->hint;
    slab->unused -= count;
    pool->out += count;
    for (;;) {
        uint64_t bits = slab->bits[word];
        char *objects = first + word * 64 * stride;
        while (bits != 0) {
            *at = objects + tn_lowest_bit(bits) * stride;
            __builtin_prefetch(*at--, 1);
            bits &= bits - 1;
            if (--count == 0) {
                slab->bits[word] = bits;
                slab->hint = (uint32_t)word;
                return at;
            }
        }
        slab->bits[word++] = 0;
    }
}

unsigned
tn_pool_take(struct tn_pool *pool, void **at, unsigned count)
{
    unsigned wanted = count;
    struct tn_slab *slab = pool->some_first;
    while (count > 0 && slab != NULL) {
        struct tn_slab *next = slab->next;
        unsigned part = (unsigned)tn_min(count, slab->unused);
        if (part > 0) {
            at = tn_pool_take_from(pool, slab, at, part);
            count -= part;
            if (!tn_pool_has_some(pool, slab)) {
                /* It was on the list of those that have: the ends are that list's. */
                tn_pool_unlist(pool, slab);
                tn_pool_list(pool, slab);
            }
        }
        slab = next;
    }
    return wanted - count;
}

/* For the child of a fork that came while another thread held the lock. */
void
tn_pool_recount(struct tn_pool *pool)
{
    pool->some_first = NULL;
    pool->some_last = NULL;
    pool->none_first = NULL;
    pool->slabs = 0;
    pool->entered = 0;
    pool->out = 0;
    pool->free_bits = NULL;
    pool->free_tiles = NULL;
    uint32_t count = atomic_load(&pool->heap->space_count);
    for (uint32_t s = 0; s < count; s++) {
        struct tn_space *space = pool->heap->spaces[s];
        for (uint32_t i = space->map->first; i < space->map->frontier; i++) {
            struct tn_slab *slab = &space->slabs[i];
            if (tn_kind(slab) != TN_POOL || atomic_load(&slab->owner) != (uintptr_t)pool) {
                continue;
            }
            uint32_t set = 0;
            for (uint32_t w = 0; w < pool->words; w++) {
                set += (uint32_t)__builtin_popcountll(slab->bits[w]);
            }
            slab->unused = set;
            slab->hint = 0;
            pool->slabs++;
            pool->entered += slab->entered;
            pool->out += slab->entered - set;
            tn_pool_list(pool, slab);
        }
    }
}
