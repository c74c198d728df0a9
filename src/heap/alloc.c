#define _GNU_SOURCE
#include "heap/alloc.h"

#include "heap/checked.h"
#include "heap/countdown.h"
#include "heap/fast.h"
#include "heap/large.h"
#include "heap/misuse.h"
#include "heap/sample.h"
#include "heap/slab_list.h"
#include "os/option.h"
#include "os/probe.h"

#include <errno.h>
#include <string.h>

#define GROWS_LEAST ((size_t)1024) /* bytes of a block whose growing is worth room for more */

void *
tn_no_memory(void)
{
    errno = ENOMEM;
    return NULL;
}

static inline void *
class_malloc_plain(struct tn_cache *cache, unsigned class)
{
    if (class >= TN_OWNED) {
        void *block = tn_central_malloc(cache, class);
        return block != NULL ? block : tn_no_memory();
    }
    struct tn_slab *slab = cache->bin[class].current;
    if (TN_UNLIKELY(!tn_slab_has_free(slab))) {
        slab = tn_bin_refill(cache, class);
        if (slab == NULL) {
            return tn_no_memory();
        }
    }
    if (TN_UNLIKELY(tn_slab_head_is_odd(slab))) {
        tn_slab_odd_head(slab);
    }
    return tn_slab_pop(slab);
}

static TN_NOINLINE void *
class_malloc_counted(struct tn_cache *cache, unsigned class, size_t size)
{
    void *sample = tn_sample_class(cache, class, size);
    return sample != NULL ? sample : class_malloc_plain(cache, class);
}

static TN_NOINLINE void *
class_malloc_inspected(struct tn_cache *cache, unsigned class, size_t size)
{
    TN_LOOK_AWAY;
    void *block = cache->counted ? class_malloc_counted(cache, class, size)
                                 : class_malloc_plain(cache, class);
    if (block != NULL) {
        tn_inspector_block(cache->heap, block, size, false);
    }
    return block;
}

/* A block of a class; NULL when there is no memory for a slab. */
static inline void *
class_malloc(struct tn_cache *cache, unsigned class, size_t size)
{
    if (TN_INSPECTED) {
        return class_malloc_inspected(cache, class, size);
    }
    if (TN_UNLIKELY(cache->counted)) {
        void *block = class < TN_OWNED ? tn_count_pop(cache, class) : NULL;
        return block != NULL ? block : class_malloc_counted(cache, class, size);
    }
    return class_malloc_plain(cache, class);
}

/* In slices for room bytes, of which size are asked for. */
static void *
large_malloc_in(struct tn_cache *cache, size_t room, size_t size, size_t align, size_t start,
                bool clear)
{
    if (room > TN_SIZE_MOST - start - TN_RED_ZONE || align > TN_SIZE_MOST / 2) {
        return tn_no_memory();
    }
    bool zero;
    void *block = tn_large_take(cache->heap, cache, room + TN_RED_ZONE, align, start, &zero);
    if (block == NULL) {
        return tn_no_memory();
    }
    TN_PROBE2(tarn, large, block, size);
    tn_inspector_block(cache->heap, block, size, clear);
    if (clear && !zero) {
        memset(block, 0, size);
    }
    if (TN_UNLIKELY(cache->counted)) {
        tn_sample_large(cache, block, size);
    }
    return block;
}

static void *
large_malloc(struct tn_cache *cache, size_t size, size_t align, size_t start, bool clear)
{
    return large_malloc_in(cache, size, size, align, start, clear);
}

/* A block with room for more than the size that is asked for, and that a profile is to hear of. */
static inline void *
malloc_in(struct tn_cache *cache, size_t room, size_t size)
{
    if (TN_UNLIKELY(cache == NULL)) {
        return tn_options.check ? tn_checked_malloc(size) : tn_no_memory();
    }
    if (TN_LIKELY(room <= TN_SLAB_MAX - TN_RED_ZONE)) {
        return class_malloc(cache, tn_class_of(room + TN_RED_ZONE), size);
    }
    return large_malloc_in(cache, room, size, TN_SLICE, 0, false);
}

void *
tn_cache_malloc(struct tn_cache *cache, size_t size)
{
    return malloc_in(cache, size, size);
}

static TN_NOINLINE void *
malloc_any(size_t size)
{
    tn_look_round();
    void *block = tn_cache_malloc(tn_cache_of_thread(), size);
    TN_PROBE2(tarn, alloc, block, size);
    return block;
}

/* Also for a thread that has no cache yet: it counts as counted, and has nothing to give. */
static inline void *
malloc_counted(struct tn_cache *cache, size_t size)
{
    void *block = size <= TN_OWNED_MAX ? tn_count_pop(cache, tn_class_of(size)) : NULL;
    return TN_LIKELY(block != NULL) ? block : malloc_any(size);
}

/* The large block that was freed last, where it fits as it is. */
static TN_INLINE void *
take_large(struct tn_cache *cache, size_t size, bool marked)
{
    if (cache->large_count != 0) {
        struct tn_slab *last = cache->large[cache->large_count - 1];
        if (TN_LIKELY(last->large_size == ((size + TN_SLICE - 1) & ~(TN_SLICE - 1)))) {
            cache->large_count--;
            if (marked) { /* as held, tn_held_mark */
                tn_slab_set_owner(last, 0);
            }
            tn_set_kind(last, TN_LARGE);
            return last->large_start;
        }
    }
    return NULL;
}

/* What the fast path leaves: blocks beyond 1 KiB that the cache keeps, then all else. */
void *
tn_malloc_slow(size_t size)
{
    struct tn_cache *cache = tn_self;
    if (TN_UNLIKELY(cache->counted)) {
        return malloc_counted(cache, size);
    }
    if (size <= TN_OWNED_MAX) {
        struct tn_slab *slab = cache->bin[tn_class_of(size)].current;
        if (TN_LIKELY(!tn_slab_head_is_odd(slab))) {
            void *block = tn_take_fast(slab);
            if (TN_LIKELY(block != NULL)) {
                return block;
            }
        }
    } else if (size <= TN_SLAB_MAX) {
        unsigned i = tn_class_of(size) - TN_OWNED;
        if (TN_LIKELY(cache->stashed[i] != 0)) {
            uintptr_t *block = cache->stash[i].block[--cache->stashed[i]];
            *block = 0;
            return block;
        }
    } else {
        void *block = take_large(cache, size, false);
        if (block != NULL) {
            return block;
        }
    }
    return malloc_any(size);
}

/* The same of a heap that is not the process heap. */
void *
tn_heap_malloc_slow(struct tn_heap *heap, size_t size)
{
    const struct tn_other *other = &tn_other;
    struct tn_cache *cache = other->cache;
    if (TN_LIKELY(TN_IS(heap, &other->heap) && !cache->counted)) {
        if (size <= TN_OWNED_MAX) {
            struct tn_slab *slab = cache->bin[tn_class_of(size)].current;
            if (tn_slab_has_free(slab)) {
                return tn_slab_pop(slab);
            }
        } else if (size > TN_SLAB_MAX) {
            void *block = take_large(cache, size, true);
            if (block != NULL) {
                return block;
            }
        }
    }
    return tn_cache_malloc(tn_cache_of_heap(heap), size);
}

/* All of a small block is cleared, as glibc does: some users take it at its usable size. */
void *
tn_cache_zalloc(struct tn_cache *cache, size_t size)
{
    if (TN_UNLIKELY(cache == NULL)) {
        return tn_options.check ? tn_checked_malloc(size) : tn_no_memory();
    }
    if (size <= TN_SLAB_MAX - TN_RED_ZONE) {
        unsigned class = tn_class_of(size + TN_RED_ZONE);
        void *block = class_malloc(cache, class, size);
        size_t room = TN_RED_ZONE == 0 ? tn_classes[class].size : size;
        return block != NULL ? memset(block, 0, room) : NULL;
    }
    return large_malloc(cache, size, TN_SLICE, 0, true);
}

void *
tn_cache_calloc(struct tn_cache *cache, size_t count, size_t size)
{
    size_t bytes;
    return tn_multiply(count, size, &bytes) ? tn_cache_zalloc(cache, bytes) : tn_no_memory();
}

void *
tn_calloc_slow(size_t count, size_t size)
{
    return tn_cache_calloc(tn_cache_of_thread(), count, size);
}

void *
tn_heap_calloc_slow(struct tn_heap *heap, size_t count, size_t size)
{
    return tn_cache_calloc(tn_cache_of_heap(heap), count, size);
}

char *
tn_cache_strndup(struct tn_cache *cache, const char *text, size_t length)
{
    size_t used = strnlen(text, length);
    char *copy = tn_cache_malloc(cache, used + 1);
    if (copy != NULL) {
        memcpy(copy, text, used);
        copy[used] = 0;
    }
    return copy;
}

void *
tn_cache_aligned(struct tn_cache *cache, size_t align, size_t size, bool zero)
{
    if (cache == NULL) {
        return tn_options.check ? tn_checked_aligned(align, size, 0) : tn_no_memory();
    }
    size_t room = size <= TN_SLAB_MAX ? tn_align_up(size + TN_RED_ZONE, align) : SIZE_MAX;
    if (align <= TN_SLICE && room <= TN_SLAB_MAX) {
        unsigned class = tn_class_of(tn_max(room, align));
        while ((tn_classes[class].size & (align - 1)) != 0) {
            class ++;
        }
        void *block = class_malloc(cache, class, size);
        return block != NULL && zero ? memset(block, 0, size) : block;
    }
    return large_malloc(cache, size, align, 0, zero);
}

void *
tn_cache_aligned_alloc(struct tn_cache *cache, size_t align, size_t size)
{
    if (!tn_is_power_of_two(align)) {
        errno = EINVAL;
        return NULL;
    }
    return tn_cache_aligned(cache, align, size, false);
}

void *
tn_cache_aligned_at(struct tn_cache *cache, size_t align, size_t size, size_t offset)
{
    if (!tn_is_power_of_two(align)) {
        errno = EINVAL;
        return NULL;
    }
    size_t start = -offset & (align - 1);
    if (start == 0) {
        return tn_cache_aligned(cache, align, size, false);
    }
    if (cache == NULL) {
        return tn_options.check ? tn_checked_aligned(align, size, offset) : tn_no_memory();
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

/* A block stays where it is while at least half of it is wanted; inspected, never, so that what
 * still points to the old one is found. */
static bool
stays(size_t usable, size_t size)
{
    return !TN_INSPECTED && size <= usable && (size >= usable / 2 || usable <= 64);
}

/* Bytes to take for a block that grows to size and cannot stay: one that has grown will grow again,
 * so that beyond GROWS_LEAST it gets a quarter more than it had. In steps of an eighth, which is
 * what the classes are apart, it would be copied twice as often. */
static size_t
size_to_grow(const struct tn_cache *cache, size_t usable, size_t size)
{
    size_t ample = usable + usable / 4;
    bool exact = TN_INSPECTED || cache == NULL || size <= usable || usable < GROWS_LEAST;
    return exact || ample < size || ample > TN_SIZE_MOST ? size : ample;
}

/* The block's contents in another one, and it freed; NULL, and it stays, for want of memory. */
static void *
relocate(struct tn_cache *cache, void *p, size_t usable, size_t room, size_t size, const char *call)
{
    if (!TN_INSPECTED && usable > TN_SLAB_MAX && size > usable) {
        void *moved = tn_large_move(tn_slab_head_of(tn_space_of(p), p), room);
        if (moved != NULL) {
            tn_sample_anew(tn_space_of(moved)->heap, moved, size);
            return moved;
        }
    }
    void *copy = malloc_in(cache, room, size);
    if (copy != NULL) {
        memcpy(copy, p, tn_min(usable, size));
        tn_cache_free(cache, p, call);
    }
    return copy;
}

void *
tn_cache_realloc(struct tn_cache *cache, void *p, size_t size, const char *call)
{
    if (p == NULL) {
        return tn_cache_malloc(cache, size);
    }
    if (size == 0) {
        tn_cache_free(cache, p, call);
        return NULL;
    }
    if (TN_UNLIKELY(cache == NULL) && tn_options.check) {
        return tn_checked_realloc(p, size, call);
    }
    size_t usable = tn_usable(p, call);
    if (stays(usable, size)) {
        return p;
    }
    if (size > TN_SIZE_MOST) {
        return tn_no_memory();
    }
    if (!TN_INSPECTED && usable > TN_SLAB_MAX && tn_resize_in_place(p, size, call)) {
        return p;
    }
    int saved = errno;
    size_t room = size_to_grow(cache, usable, size);
    void *block = relocate(cache, p, usable, room, size, call);
    if (block == NULL && room != size) {
        block = relocate(cache, p, usable, size, size, call);
    }
    if (block == NULL && size <= usable) { /* no room for a smaller one: the old one does */
        block = p;
    }
    if (block != NULL) {
        errno = saved;
    }
    return block;
}

void *
tn_cache_reallocarray(struct tn_cache *cache, void *p, size_t count, size_t size, const char *call)
{
    size_t bytes;
    return tn_multiply(count, size, &bytes) ? tn_cache_realloc(cache, p, bytes, call)
                                            : tn_no_memory();
}
