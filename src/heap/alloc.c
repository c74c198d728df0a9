#include "heap/alloc.h"

#include "heap/fast.h"
#include "heap/large.h"
#include "heap/misuse.h"
#include "heap/slab_list.h"

#include <errno.h>
#include <string.h>

void *
tn_no_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

/* A block of a class; NULL when there is no memory for a slab. */
static inline void *
class_malloc(struct tn_cache *cache, unsigned class)
{
    struct tn_slab *slab = cache->bin[class].current;
    if (TN_UNLIKELY(!tn_slab_has_free(slab))) {
        slab = tn_bin_refill(cache, class);
        if (slab == NULL) {
            return tn_no_memory();
        }
    }
    return tn_slab_pop(slab);
}

static void *
large_malloc(struct tn_cache *cache, size_t size, size_t align, size_t start, bool clear)
{
    if (size > TN_SIZE_MOST - start || align > TN_SIZE_MOST / 2) {
        return tn_no_memory();
    }
    bool zero;
    void *block = tn_large_take(cache->heap, cache, size, align, start, &zero);
    if (block == NULL) {
        return tn_no_memory();
    }
    if (clear && !zero) {
        memset(block, 0, size);
    }
    return block;
}

void *
tn_cache_malloc(struct tn_cache *cache, size_t size)
{
    if (TN_UNLIKELY(cache == NULL)) {
        return tn_no_memory();
    }
    if (TN_LIKELY(size <= TN_SLAB_MAX)) {
        return class_malloc(cache, tn_class_of(size));
    }
    return large_malloc(cache, size, TN_SLICE, 0, false);
}

void *
tn_malloc_slow(size_t size)
{
    struct tn_cache *cache = tn_self;
    if (TN_UNLIKELY(cache == &tn_no_cache)) {
        cache = tn_cache_of_thread();
    }
    return tn_cache_malloc(cache, size);
}

void *
tn_cache_zalloc(struct tn_cache *cache, size_t size)
{
    if (TN_UNLIKELY(cache == NULL)) {
        return tn_no_memory();
    }
    if (size <= TN_SLAB_MAX) {
        void *block = class_malloc(cache, tn_class_of(size));
        return block != NULL ? memset(block, 0, size) : NULL;
    }
    return large_malloc(cache, size, TN_SLICE, 0, true);
}

void *
tn_cache_aligned(struct tn_cache *cache, size_t align, size_t size, bool zero)
{
    if (cache == NULL) {
        return tn_no_memory();
    }
    if (align <= TN_SLICE && size <= TN_SLAB_MAX && tn_align_up(size, align) <= TN_SLAB_MAX) {
        unsigned class = tn_class_of(tn_max(tn_align_up(size, align), align));
        while ((tn_classes[class].size & (align - 1)) != 0) {
            class ++;
        }
        void *block = class_malloc(cache, class);
        return block != NULL && zero ? memset(block, 0, size) : block;
    }
    return large_malloc(cache, size, align, 0, zero);
}

void *
tn_cache_aligned_at(struct tn_cache *cache, size_t align, size_t size, size_t offset)
{
    size_t start = -offset & (align - 1);
    if (start == 0) {
        return tn_cache_aligned(cache, align, size, false);
    }
    if (cache == NULL) {
        return tn_no_memory();
    }
    return large_malloc(cache, size, tn_max(align, TN_SLICE), start, false);
}

size_t
tn_good_size(size_t size)
{
    if (size <= TN_SLAB_MAX) {
        return tn_classes[tn_class_of(size)].size;
    }
    return size <= TN_SIZE_MOST - TN_SLICE ? tn_align_up(size, TN_SLICE) : 0;
}

/* A block stays where it is while at least half of it is wanted. */
static bool
stays(size_t usable, size_t size)
{
    return size <= usable && (size >= usable / 2 || usable <= 64);
}

void *
tn_cache_realloc(struct tn_cache *cache, void *p, size_t size, const char *call)
{
    if (p == NULL) {
        return tn_cache_malloc(cache, size);
    }
    size_t usable = tn_usable(p, call);
    if (stays(usable, size)) {
        return p;
    }
    if (size > TN_SIZE_MOST) {
        return tn_no_memory();
    }
    if (usable > TN_SLAB_MAX && tn_resize_in_place(p, size, call)) {
        return p;
    }
    if (usable > TN_SLAB_MAX && size > usable) {
        void *moved = tn_large_move(tn_slice_of(tn_space_of(p), p), size);
        if (moved != NULL) {
            return moved;
        }
    }
    int saved = errno;
    void *copy = tn_cache_malloc(cache, size);
    if (copy == NULL) {
        if (size <= usable) { /* no room for a smaller one: the old one does */
            errno = saved;
            return p;
        }
        return NULL;
    }
    memcpy(copy, p, tn_min(usable, size));
    tn_cache_free(cache, p, call);
    return copy;
}
