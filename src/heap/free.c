/*
 * Everything about free that is not its fast path: looking at a slab when its count says so,
 * blocks of slabs that others own or nobody does, large blocks, and pointers that are none.
 */
#include "heap/alloc.h"
#include "heap/fast.h"
#include "heap/large.h"
#include "heap/misuse.h"
#include "heap/slab_list.h"

#include <errno.h>

static inline bool
looks_free(const struct tn_slab *slab, const char *base, const void *p)
{
    uintptr_t link = *(const uintptr_t *)p ^ slab->key;
    return link == 0 || link - (uintptr_t)base < (size_t)slab->span_small << TN_SLICE_SHIFT;
}

/* The owner's look at one of its slabs whose count of frees has run out. */
static void
look(struct tn_cache *cache, struct tn_slab *slab)
{
    if (slab->flags & TN_CURRENT) {
        slab->left = TN_LEFT_CURRENT;
        return;
    }
    slab->left = slab->floor;
    slab->floor = 0;
    if (slab->left == 0) {
        tn_bin_remove(cache, slab->size_class, slab);
        tn_slab_retire(cache, slab);
    }
}

void
tn_free_look(struct tn_slab *slab)
{
    look(tn_self, slab);
}

static void
free_own(struct tn_cache *cache, struct tn_slab *slab, void *p)
{
    tn_slab_push(slab, p);
    if (--slab->left == 0) {
        look(cache, slab);
    }
}

/* The caller has just cleared FULL: the slab is the cache's now, with every block live. */
static void
claim(struct tn_cache *cache, struct tn_slab *slab)
{
    tn_slab_set_owner(slab, tn_owner_mark(cache, slab));
    slab->left = tn_class_of_slab(slab)->capacity;
    slab->floor = 0;
    tn_bin_append(cache, slab->size_class, slab);
}

/* A block of a slab that is not the cache's: claim the slab if it is nobody's and full, else leave
 * the block on its remote list (essay in remote.h). cache may be NULL: nothing is claimed. */
static void
free_remote(struct tn_cache *cache, struct tn_space *space, struct tn_slab *slab, void *p)
{
    char *base = tn_slab_base(space, slab);
    uintptr_t *block = p;
    uint64_t word = atomic_load_explicit(&slab->remote, memory_order_relaxed);
    uint64_t next;
    do {
        if ((word & TN_REMOTE_FULL) && cache != NULL) {
            next = word & ~TN_REMOTE_FULL;
        } else {
            uint64_t first = tn_remote_first(word);
            *block = first == TN_REMOTE_END ? tn_slab_end(slab)
                                            : (uintptr_t)(base + first * 8) ^ slab->key;
            next = (word & ~TN_REMOTE_END) + TN_REMOTE_ONE;
            next |= (uint64_t)((char *)p - base) / 8;
        }
    } while (!atomic_compare_exchange_weak_explicit(&slab->remote, &word, next,
                                                    memory_order_acq_rel, memory_order_relaxed));
    if ((word & TN_REMOTE_FULL) && cache != NULL) {
        claim(cache, slab);
        free_own(cache, slab, p);
    } else if (tn_remote_shared(next) != 0 && tn_remote_shared(next) == tn_remote_count(next)) {
        tn_slab_unshare_if_empty(space->heap, slab);
    }
}

/* The head of what the slice belongs to, or the slice itself. */
static struct tn_slab *
head_of(struct tn_space *space, struct tn_slab *slab)
{
    if (tn_kind(slab) == TN_INNER && slab->back <= tn_slab_index(space, slab)) {
        return slab - slab->back;
    }
    return slab;
}

/* The head of the slab or large block that p starts; ends the process when it starts none. */
static struct tn_slab *
find_block(const void *p, const char *call, struct tn_space **in)
{
    struct tn_space *space = tn_space_of(p);
    if (space == NULL) {
        tn_die_foreign(p, call);
    }
    *in = space;
    struct tn_slab *slab = head_of(space, tn_slice_of(space, p));
    const char *base = tn_slab_base(space, slab);
    size_t offset = (size_t)((const char *)p - base);
    switch (tn_kind(slab)) {
    case TN_SLAB: {
        const struct tn_class *class = tn_class_of_slab(slab);
        unsigned index = tn_block_index(class, offset);
        const char *start = base + (size_t)index * class->size;
        if (index >= class->capacity) {
            tn_die_not_a_block(p, call);
        }
        if (p != start) {
            tn_die_inside(p, start, class->size, call);
        }
        return slab;
    }
    case TN_LARGE:
        if (p != slab->large_start) {
            tn_die_inside(p, slab->large_start, slab->large_size, call);
        }
        return slab;
    case TN_META:
        tn_die_not_a_block(p, call);
    case TN_POOL:
        tn_die_pooled(p, slab, call);
    default:
        if (tn_slab_index(space, slab) < space->map->frontier) {
            tn_die_already_free(p, NULL, call);
        }
        tn_die_not_a_block(p, call);
    }
}

static void
free_in(struct tn_cache *cache, void *p, const char *call)
{
    struct tn_space *space;
    struct tn_slab *slab = find_block(p, call, &space);
    if (cache != NULL && cache->heap != space->heap) {
        cache = tn_cache_of_heap(space->heap);
    }
    if (tn_kind(slab) == TN_LARGE) {
        tn_large_give(cache, slab);
        return;
    }
    bool own = cache != NULL && tn_slab_owner(slab) == tn_owner_mark(cache, slab);
    if (looks_free(slab, tn_slab_base(space, slab), p) &&
        (!own || tn_slab_lists(space, slab, p))) {
        tn_die_already_free(p, slab, call);
    }
    if (own) {
        free_own(cache, slab, p);
    } else {
        free_remote(cache, space, slab, p);
    }
}

void
tn_free_slow(void *p, const char *call)
{
    if (p != NULL) {
        struct tn_cache *cache = tn_self;
        free_in(cache != &tn_no_cache ? cache : tn_cache_of_thread(), p, call);
    }
}

void
tn_cache_free(struct tn_cache *cache, void *p, const char *call)
{
    if (p != NULL) {
        free_in(cache, p, call);
    }
}

size_t
tn_usable(const void *p, const char *call)
{
    if (p == NULL) {
        return 0;
    }
    struct tn_space *space;
    const struct tn_slab *slab = find_block(p, call, &space);
    return tn_kind(slab) == TN_LARGE ? slab->large_size : tn_class_of_slab(slab)->size;
}

bool
tn_resize_in_place(void *p, size_t size, const char *call)
{
    struct tn_space *space;
    struct tn_slab *slab = find_block(p, call, &space);
    if (tn_kind(slab) == TN_LARGE) {
        return size > TN_SLAB_MAX / 2 && tn_large_resize(slab, size);
    }
    return size <= tn_class_of_slab(slab)->size;
}
