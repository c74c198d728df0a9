#include "heap/purge.h"

#include "heap/countdown.h"
#include "heap/slab_list.h"

#define PAGE_SHIFT  12
#define PAGE        ((size_t)1 << PAGE_SHIFT)
#define PAGES       (TN_SPAN_MOST * (TN_SLICE >> PAGE_SHIFT)) /* of the largest slab */
#define LIMIT_LEAST (2 * TN_MIB)
#define LIMIT_SHARE 64u /* and at least this part of the memory in use */

/* One bit for each page of a slab. */
struct pages {
    uint64_t bits[PAGES / 64];
};

static void
set_pages(struct pages *pages, size_t first, size_t last)
{
    for (size_t i = first; i <= last; i++) {
        pages->bits[i / 64] |= (uint64_t)1 << i % 64;
    }
}

static bool
has_page(const struct pages *pages, size_t i)
{
    return (pages->bits[i / 64] >> i % 64 & 1) != 0;
}

/* Pages under live blocks, and pages under blocks that are free and carved. */
static void
sort_pages(const struct tn_slab *slab, const uint64_t free[TN_MAP_WORDS],
           const uint64_t bare[TN_MAP_WORDS], struct pages *live, struct pages *listed)
{
    const struct tn_class *class = tn_class_of_slab(slab);
    for (unsigned i = 0; i < class->capacity; i++) {
        uint64_t bit = (uint64_t)1 << i % 64;
        if ((bare[i / 64] & bit) != 0) {
            continue;
        }
        size_t start = (size_t)i * class->size;
        set_pages((free[i / 64] & bit) != 0 ? listed : live, start >> PAGE_SHIFT,
                  (start + class->size - 1) >> PAGE_SHIFT);
    }
}

static void
map_bare(const struct tn_slab *slab, uint64_t map[TN_MAP_WORDS])
{
    for (unsigned i = 0; i < TN_MAP_WORDS; i++) {
        map[i] = 0;
    }
    for (uint64_t bare = slab->bare; bare != 0; bare &= bare - 1) {
        unsigned from;
        unsigned to;
        tn_slab_unit(tn_class_of_slab(slab), tn_lowest_bit(bare), &from, &to);
        for (unsigned i = from; i < to; i++) {
            map[i / 64] |= (uint64_t)1 << i % 64;
        }
    }
}

/* Purges the pages in runs; takes those off the set that could not be, be it that the machine's are
 * larger. */
static size_t
purge_pages(struct tn_space *space, char *base, struct pages *pages)
{
    size_t bytes = 0;
    size_t step = tn_max(tn_os_page_size() >> PAGE_SHIFT, 1);
    for (size_t i = 0; i < PAGES;) {
        if (!has_page(pages, i)) {
            i++;
            continue;
        }
        size_t end = i;
        while (end < PAGES && has_page(pages, end)) {
            end++;
        }
        size_t first = tn_align_up(i, step);
        size_t last = tn_align_down(end, step);
        size_t size = first < last ? (last - first) << PAGE_SHIFT : 0;
        if (size == 0 || !space->backing->purge(space, base + (first << PAGE_SHIFT), size)) {
            first = last = end;
            size = 0;
        }
        bytes += size;
        for (; i < end; i++) {
            if (i < first || i >= last) {
                pages->bits[i / 64] &= ~((uint64_t)1 << i % 64);
            }
        }
    }
    return bytes;
}

/* The units whose links went with the purged pages are bare from now on. */
static uint64_t
units_in(const struct tn_class *class, const struct pages *purged)
{
    if (class->unit_shift != 0) {
        return purged->bits[0] & (((uint64_t)1 << (TN_SLICE >> PAGE_SHIFT)) - 1);
    }
    uint64_t units = 0;
    for (unsigned i = 0; i < class->capacity; i++) {
        if (has_page(purged, (size_t)i * class->size >> PAGE_SHIFT)) {
            units |= (uint64_t)1 << i;
        }
    }
    return units;
}

/* Makes the local list of the free blocks that are not bare, in the order of their addresses; from
 * its end, so that it is whole at every moment. */
static void
relist(struct tn_slab *slab, char *base, const uint64_t free[TN_MAP_WORDS])
{
    const struct tn_class *class = tn_class_of_slab(slab);
    uint64_t bare[TN_MAP_WORDS];
    map_bare(slab, bare);
    for (unsigned i = class->capacity; i-- > 0;) {
        if (((free[i / 64] & ~bare[i / 64]) >> i % 64 & 1) != 0) {
            uintptr_t *block = (uintptr_t *)(base + (size_t)i * class->size);
            *block = tn_slab_link(slab, slab->head);
            atomic_signal_fence(memory_order_seq_cst);
            slab->head = (uintptr_t)block;
        }
    }
}

/* Gives the pages of a slab back that no live block lies on. By its owner, or under the lock that
 * guards it. Returns the bytes. */
static size_t
purge_slab(struct tn_space *space, struct tn_slab *slab)
{
    const struct tn_class *class = tn_class_of_slab(slab);
    char *base = tn_slab_base(space, slab);
    uint64_t free[TN_MAP_WORDS];
    uint64_t bare[TN_MAP_WORDS];
    struct pages live = {{0}};
    struct pages listed = {{0}};
    tn_slab_free_map(space, slab, false, free);
    map_bare(slab, bare);
    sort_pages(slab, free, bare, &live, &listed);
    if (!(slab->flags & TN_ZERO)) { /* bare pages too may have memory */
        set_pages(&listed, 0, ((size_t) class->capacity * class->size - 1) >> PAGE_SHIFT);
    }
    uint64_t any = 0;
    for (size_t i = 0; i < PAGES / 64; i++) {
        listed.bits[i] &= ~live.bits[i];
        any |= listed.bits[i];
    }
    if (any == 0) {
        return 0;
    }
    slab->head = tn_slab_none(slab);
    atomic_signal_fence(memory_order_seq_cst);
    size_t bytes = purge_pages(space, base, &listed);
    slab->bare |= units_in(class, &listed);
    slab->flags |= TN_ZERO | TN_PURGED;
    relist(slab, base, free);
    tn_slab_assert(slab);
    return bytes;
}

/* 16 * (15/16)^k * 4: quarters of pages that k pages' worth of live blocks, laid at random over
 * the 16 pages of a slice, leave free. */
static const uint8_t free_quarters[] = {
    64, 60, 56, 53, 49, 46, 43, 41, 38, 36, 34, 31, 30, 28, 26, 24, 23, 21, 20, 19, 18, 17, 15,
    15, 14, 13, 12, 11, 11, 10, 9,  9,  8,  8,  7,  7,  6,  6,  6,  5,  5,  5,  4,  4,  4,  4};

static unsigned
expected_free(const struct tn_class *class, unsigned live)
{
    size_t pinned = live * (PAGE + class->size) >> PAGE_SHIFT;
    return pinned < sizeof free_quarters ? free_quarters[pinned] : 0;
}

static TN_NOINLINE unsigned
bare_quarters(const struct tn_slab *slab)
{
    const struct tn_class *class = tn_class_of_slab(slab);
    unsigned units = (unsigned)__builtin_popcountll(slab->bare);
    return class->unit_shift != 0 ? units * 4 : units * (class->size >> (PAGE_SHIFT - 2));
}

/* Quarters of pages that a slab in a bin is expected to give back: a function of what it says of
 * itself, so that what was added for it can be taken off again. */
static inline unsigned
promised(const struct tn_slab *slab)
{
    unsigned free = expected_free(tn_class_of_slab(slab), slab->floor * 2u + 1);
    unsigned bare = slab->bare != 0 ? bare_quarters(slab) : 0;
    return free > bare ? free - bare : 0;
}

void
tn_purge_enter(struct tn_cache *cache, const struct tn_slab *slab)
{
    cache->loose += (size_t)promised(slab) << (PAGE_SHIFT - 2);
}

void
tn_purge_leave(struct tn_cache *cache, const struct tn_slab *slab)
{
    cache->loose -= (size_t)promised(slab) << (PAGE_SHIFT - 2);
    cache->loose_left = tn_min(cache->loose_left, cache->loose);
}

static size_t
purge_listed(struct tn_cache *cache, struct tn_slab *slab)
{
    tn_purge_leave(cache, slab);
    size_t bytes = purge_slab(tn_space_of(slab), slab);
    tn_purge_enter(cache, slab);
    return bytes;
}

/* Memory in use in pages. */
static TN_RACY size_t
pages_used(const struct tn_heap *heap)
{
    return (size_t)heap->spaces[0]->map->used << (TN_SLICE_SHIFT - PAGE_SHIFT);
}

/* Whether so many bytes of free pages inside slabs are too many, and purging them is no mistake. In
 * an image, whose pages are a file's, memory goes back by whole slices, or on request. */
static bool
too_loose(struct tn_heap *heap, size_t bytes)
{
    size_t share = pages_used(heap) / LIMIT_SHARE;
    return bytes > tn_max(LIMIT_LEAST, share << PAGE_SHIFT) && heap->generation == 0 &&
           !tn_regrets(&heap->regret, tn_max(LIMIT_LEAST >> PAGE_SHIFT, share));
}

/* Out of line, for looks are many and purges few. */
static TN_NOINLINE void
sweep(struct tn_cache *cache, size_t more)
{
    if (!too_loose(cache->heap, more)) {
        return;
    }
    for (unsigned class = 0; class < TN_OWNED; class ++) {
        struct tn_slab *slab = cache->bin[class].first;
        for (; slab != NULL; slab = slab->next) {
            if (promised(slab) >= 4) {
                purge_listed(cache, slab);
            }
        }
    }
    cache->loose_left = cache->loose;
}

/* A look comes whenever half of the live blocks are gone, so that the pages the slab promises are
 * known within a factor of two. */
void
tn_purge_look(struct tn_cache *cache, struct tn_slab *slab, unsigned live)
{
    unsigned before = promised(slab);
    tn_slab_set_live(slab, live);
    cache->loose += (size_t)(promised(slab) - before) << (PAGE_SHIFT - 2);
    size_t more = cache->loose - cache->loose_left;
    if (TN_UNLIKELY(more > LIMIT_LEAST)) {
        sweep(cache, more);
    }
}

void
tn_purge_regret(struct tn_heap *heap, const struct tn_class *class, uint64_t units)
{
    size_t count = (size_t)__builtin_popcountll(units);
    tn_regret_add(&heap->regret,
                  class->unit_shift != 0 ? count : count * class->size >> PAGE_SHIFT);
}

static size_t
purge_central_class(struct tn_heap *heap, unsigned class)
{
    size_t bytes = 0;
    struct tn_lock *lock = &heap->central[class - TN_OWNED];
    tn_lock(lock);
    for (struct tn_slab *slab = heap->root->shared[class]; slab != NULL; slab = slab->next) {
        int bare = __builtin_popcountll(slab->bare);
        bytes += purge_slab(tn_space_of(slab), slab);
        tn_purge_central_listed(heap, class, bare - __builtin_popcountll(slab->bare));
    }
    tn_unlock(lock);
    return bytes;
}

static size_t
purge_central(struct tn_heap *heap)
{
    size_t bytes = 0;
    for (unsigned class = TN_OWNED; class < TN_CLASSES; class ++) {
        bytes += purge_central_class(heap, class);
    }
    return bytes;
}

void
tn_purge_central_listed(struct tn_heap *heap, unsigned class, int blocks)
{
    size_t inside = tn_classes[class].size - PAGE;
    atomic_fetch_add_explicit(&heap->central_loose, (size_t)blocks * inside, memory_order_relaxed);
}

void
tn_purge_central_look(struct tn_heap *heap)
{
    size_t left = atomic_load_explicit(&heap->central_left, memory_order_relaxed);
    size_t bytes = atomic_load_explicit(&heap->central_loose, memory_order_relaxed);
    ptrdiff_t more = (ptrdiff_t)(bytes - left);
    /* Who purges bars the way for the others until it knows what is left. */
    if (more > (ptrdiff_t)LIMIT_LEAST && too_loose(heap, (size_t)more) &&
        atomic_compare_exchange_strong(&heap->central_left, &left, PTRDIFF_MAX)) {
        purge_central(heap);
        atomic_store(&heap->central_left, atomic_load(&heap->central_loose));
    }
}

static size_t
purge_shared(struct tn_heap *heap)
{
    size_t bytes = 0;
    tn_lock(&heap->lock);
    for (unsigned class = 0; class < TN_OWNED; class ++) {
        for (struct tn_slab *slab; (slab = tn_slab_wake(heap, class)) != NULL;) {
            tn_cache_leave_slab(heap, slab);
        }
        for (struct tn_slab *slab = heap->root->shared[class]; slab != NULL; slab = slab->next) {
            struct tn_space *space = tn_space_of(slab);
            tn_slab_collect_shared(space, slab);
            bytes += purge_slab(space, slab);
        }
    }
    tn_unlock(&heap->lock);
    return bytes;
}

static size_t
purge_own(struct tn_cache *cache)
{
    size_t bytes = 0;
    tn_cache_empty_stocks(cache);
    for (unsigned class = 0; class < TN_OWNED; class ++) {
        struct tn_slab *current = cache->bin[class].current;
        if (current != &tn_empty_slab) {
            if (TN_UNLIKELY(cache->counted)) {
                tn_count_pause(cache, class);
            }
            bytes += purge_slab(tn_space_of(current), current);
        }
        for (struct tn_slab *slab = cache->bin[class].first; slab != NULL; slab = slab->next) {
            bytes += purge_listed(cache, slab);
        }
    }
    return bytes;
}

void
tn_purge_cache(struct tn_cache *cache)
{
    atomic_store_explicit(&cache->trim_wanted, false, memory_order_relaxed);
    purge_own(cache);
}

size_t
tn_purge_heap(struct tn_heap *heap)
{
    size_t bytes = 0;
    uint32_t count = atomic_load_explicit(&heap->space_count, memory_order_acquire);
    if (count == 0 || heap->read_only) {
        return 0;
    }
    TN_LOOK_AWAY;
    struct tn_cache *own = tn_cache_of_heap(heap);
    if (own != NULL) {
        bytes += purge_own(own);
    }
    tn_lock(&heap->lock);
    for (struct tn_cache *cache = heap->caches; cache != NULL; cache = cache->next) {
        if (cache != own) {
            atomic_store_explicit(&cache->trim_wanted, true, memory_order_relaxed);
        }
    }
    tn_unlock(&heap->lock);
    bytes += purge_shared(heap);
    bytes += purge_central(heap);
    for (uint32_t i = 0; i < count; i++) {
        bytes += tn_space_purge(heap->spaces[i]);
    }
    return bytes;
}

size_t
tn_purge_all(void)
{
    return tn_purge_heap(&tn_process_heap);
}
