/*
 * Slabs of blocks of more than 8 KiB, for all threads. Those with free blocks are on the heap's
 * list of the class, the full ones on none; left counts the blocks that are not on the local list.
 * Everything here happens under the class's lock but for the cache's own stash.
 */
#include "heap/purge.h"
#include "heap/slab_list.h"

static struct tn_lock *
lock_of(struct tn_heap *heap, unsigned class)
{
    return &heap->central[class - TN_OWNED];
}

static void
link_slab(struct tn_heap *heap, struct tn_slab *slab)
{
    struct tn_slab **list = &heap->root->shared[slab->size_class];
    slab->prev = NULL;
    slab->next = *list;
    if (*list != NULL) {
        (*list)->prev = slab;
    }
    *list = slab;
}

static void
unlink_slab(struct tn_heap *heap, struct tn_slab *slab)
{
    if (slab->prev != NULL) {
        slab->prev->next = slab->next;
    } else {
        heap->root->shared[slab->size_class] = slab->next;
    }
    if (slab->next != NULL) {
        slab->next->prev = slab->prev;
    }
}

static bool
is_full(const struct tn_slab *slab)
{
    return !tn_slab_has_free(slab) && slab->bare == 0;
}

/* A block of a listed slab, its first word cleared. */
static void *
take_block(struct tn_heap *heap, struct tn_slab *slab)
{
    int listed = -1;
    if (!tn_slab_has_free(slab)) {
        uint64_t bare = slab->bare;
        tn_slab_replenish(tn_space_of(slab), slab);
        bare ^= slab->bare;
        listed += __builtin_popcountll(bare);
        if (slab->flags & TN_PURGED) {
            tn_purge_regret(heap, tn_class_of_slab(slab), bare);
        }
    }
    slab->left++;
    void *block = tn_slab_pop(slab);
    tn_purge_central_listed(heap, slab->size_class, listed);
    tn_slab_assert(slab);
    if (is_full(slab)) {
        unlink_slab(heap, slab);
    }
    return block;
}

void *
tn_central_malloc(struct tn_cache *cache, unsigned class)
{
    uint8_t *stashed = &cache->stashed[class - TN_OWNED];
    if (*stashed != 0) {
        uintptr_t *block = cache->stash[class - TN_OWNED].block[--*stashed];
        *block = 0;
        return block;
    }
    struct tn_heap *heap = cache->heap;
    struct tn_lock *lock = lock_of(heap, class);
    tn_lock(lock);
    struct tn_slab *slab = heap->root->shared[class];
    if (slab == NULL) {
        tn_unlock(lock);
        bool zero;
        slab = tn_heap_take(heap, tn_classes[class].span, TN_SLICE, &zero);
        if (slab == NULL) {
            return NULL;
        }
        tn_slab_init(cache, slab, class, zero);
        tn_lock(lock);
        link_slab(heap, slab);
    }
    void *block = take_block(heap, slab);
    tn_unlock(lock);
    return block;
}

static void
give_block(struct tn_heap *heap, struct tn_slab *slab, void *p)
{
    unsigned class = slab->size_class;
    struct tn_lock *lock = lock_of(heap, class);
    bool empty = false;
    tn_lock(lock);
    if (is_full(slab)) {
        link_slab(heap, slab);
    }
    tn_slab_push(slab, p);
    slab->left--;
    tn_slab_assert(slab);
    int listed = 1;
    if (slab->left == 0) {
        listed -= (int)tn_class_of_slab(slab)->capacity - __builtin_popcountll(slab->bare);
        unlink_slab(heap, slab);
        tn_set_kind(slab, TN_HELD);
        empty = true;
    }
    tn_purge_central_listed(heap, class, listed);
    tn_unlock(lock);
    if (empty) {
        size_t span = slab->span_small;
        slab->span = (uint32_t)span;
        tn_heap_give(slab, span, false);
    } else {
        tn_purge_central_look(heap);
    }
}

void
tn_central_free(struct tn_cache *cache, struct tn_space *space, struct tn_slab *slab, void *p)
{
    struct tn_heap *heap = space->heap;
    if (cache == NULL || heap->no_stash) {
        give_block(heap, slab, p);
        return;
    }
    unsigned i = slab->size_class - TN_OWNED;
    struct tn_stash *stash = &cache->stash[i];
    *(uintptr_t *)p = tn_slab_end(slab); /* a free block's mark */
    if (cache->stashed[i] < TN_STASH) {
        stash->block[cache->stashed[i]++] = p;
        return;
    }
    void *oldest = stash->block[0];
    for (unsigned k = 1; k < TN_STASH; k++) {
        stash->block[k - 1] = stash->block[k];
    }
    stash->block[TN_STASH - 1] = p;
    give_block(heap, tn_slab_head_of(tn_space_of(oldest), oldest), oldest);
}

void
tn_central_empty_stash(struct tn_cache *cache)
{
    for (unsigned i = 0; i < TN_CENTRAL; i++) {
        while (cache->stashed[i] > 0) {
            void *block = cache->stash[i].block[--cache->stashed[i]];
            give_block(cache->heap, tn_slab_head_of(tn_space_of(block), block), block);
        }
    }
}

void
tn_central_restore(struct tn_heap *heap, struct tn_space *space, struct tn_slab *slab)
{
    unsigned capacity = tn_class_of_slab(slab)->capacity;
    uint64_t map[TN_MAP_WORDS];
    unsigned free = tn_slab_free_map(space, slab, false, map);
    if (free > capacity) {
        slab->head = tn_slab_none(slab);
        free = tn_slab_free_map(space, slab, false, map);
    }
    slab->left = (uint16_t)(capacity - free);
    if (!is_full(slab)) {
        link_slab(heap, slab);
    }
}
