/*
 * Descriptors are read while their owners change them: a slice may turn from one thing into
 * another between two reads. Every number read is therefore bounded before it is used, a step never
 * leaves the slices dealt out, and what makes no sense counts as held by a thread.
 */
#include "watch/census.h"

#include "heap/slab_list.h"
#include "os/os.h"

#include <string.h>

#define READ(field) __atomic_load_n(&(field), __ATOMIC_RELAXED)

_Static_assert(TN_CLASSES <= TARN_STATS_CLASSES, "a place for each class");

/* What the map says, read under its lock. */
struct extent {
    size_t first;
    size_t frontier;
    size_t committed;
};

static struct extent
extent_of(struct tn_space *space)
{
    tn_lock(&space->lock);
    struct extent extent = {space->map->first, space->map->frontier, space->map->committed};
    tn_unlock(&space->lock);
    return extent;
}

/* The functions below count what begins at a slice and return its slices; 0, and nothing is
 * counted, when that cannot be: more than the most there are. */
static TN_RACY size_t
count_slab(struct tn_space *space, const struct tn_slab *slab, size_t most,
           struct tarn_stats *stats)
{
    unsigned index = READ(slab->size_class);
    if (index >= TN_CLASSES || tn_classes[index].span > most) {
        return 0;
    }
    const struct tn_class *class = &tn_classes[index];
    size_t live = tn_min(tn_slab_live(space, slab), class->capacity);
    size_t returned = tn_remote_count(atomic_load_explicit(&slab->remote, memory_order_relaxed));
    live -= tn_min(live, returned);
    struct tarn_stats_class *one = &stats->classes[index];
    one->live += live;
    one->room += class->capacity;
    one->slabs++;
    stats->live_blocks += live;
    stats->live_bytes += live * class->size;
    stats->slab_free_bytes += ((size_t) class->span << TN_SLICE_SHIFT) - live * class->size;
    return class->span;
}

static TN_RACY void
count_large(const struct tn_slab *slab, size_t span, struct tarn_stats *stats)
{
    size_t bytes = tn_min(READ(slab->large_size), span << TN_SLICE_SHIFT);
    stats->large_blocks++;
    stats->large_bytes += bytes;
    stats->live_blocks++;
    stats->live_bytes += bytes;
    stats->slab_free_bytes += (span << TN_SLICE_SHIFT) - bytes;
}

/* Slices that are one block of a class, for it is a sample (heap/sample.h). */
static TN_RACY void
count_small_sample(size_t size, size_t span, struct tarn_stats *stats)
{
    struct tarn_stats_class *class = &stats->classes[tn_class_of(size)];
    class->live++;
    class->room++;
    class->slabs++;
    stats->live_blocks++;
    stats->live_bytes += class->size;
    stats->slab_free_bytes += (span << TN_SLICE_SHIFT) - class->size;
}

static TN_RACY size_t
count_run(const struct tn_slab *slab, enum tn_kind kind, size_t most, struct tarn_stats *stats)
{
    size_t span = READ(slab->span);
    if (span > most) {
        return 0;
    }
    size_t bytes = span << TN_SLICE_SHIFT;
    size_t size = READ(slab->large_size);
    if (kind == TN_SAMPLED && size != 0 && size <= TN_SLAB_MAX) {
        count_small_sample(size, span, stats);
        return span;
    }
    switch (kind) {
    case TN_LARGE:
    case TN_SAMPLED:
        count_large(slab, span, stats);
        break;
    case TN_POOL: /* what is in it, its pool tells */
        stats->live_blocks++;
        stats->live_bytes += bytes;
        break;
    case TN_FREE:
        *(READ(slab->flags) & TN_ZERO ? &stats->clean_bytes : &stats->dirty_bytes) += bytes;
        stats->free_runs_count++;
        break;
    case TN_PURGING:
        stats->dirty_bytes += bytes;
        break;
    default:
        stats->cached_bytes += bytes;
        break;
    }
    return span;
}

static TN_RACY size_t
count_slices(struct tn_space *space, const struct tn_slab *slab, size_t most,
             struct tarn_stats *stats)
{
    enum tn_kind kind = (enum tn_kind)atomic_load_explicit(&slab->kind, memory_order_acquire);
    switch (kind) {
    case TN_SLAB:
        return count_slab(space, slab, most, stats);
    case TN_LARGE:
    case TN_SAMPLED:
    case TN_POOL:
    case TN_FREE:
    case TN_PURGING:
    case TN_HELD:
        return count_run(slab, kind, most, stats);
    case TN_META:
        stats->own_bytes += TN_SLICE;
        return 1;
    default:
        return 0;
    }
}

static TN_RACY void
count_space(struct tn_space *space, struct tarn_stats *stats)
{
    struct extent extent = extent_of(space);
    size_t table = tn_align_up(extent.committed * sizeof(struct tn_slab), 4096);
    for (size_t i = extent.first; i < extent.frontier;) {
        size_t span = count_slices(space, &space->slabs[i], extent.frontier - i, stats);
        if (span == 0) {
            stats->cached_bytes += TN_SLICE;
            span = 1;
        }
        i += span;
    }
    stats->clean_bytes += (extent.committed - extent.frontier) << TN_SLICE_SHIFT;
    stats->own_bytes += TN_SPACE_HEAD + table;
    stats->committed_bytes +=
        ((extent.committed - extent.first) << TN_SLICE_SHIFT) + TN_SPACE_HEAD + table;
    stats->reserved_bytes += space->size;
    stats->space_count++;
}

/* Blocks that a cache keeps are live to their slabs, but not to the program. */
static TN_RACY void
count_stash(const struct tn_cache *cache, struct tarn_stats *stats)
{
    for (unsigned i = 0; i < TN_CENTRAL; i++) {
        struct tarn_stats_class *class = &stats->classes[TN_OWNED + i];
        size_t kept = tn_min(READ(cache->stashed[i]), class->live);
        class->live -= kept;
        stats->live_blocks -= kept;
        stats->live_bytes -= kept * class->size;
        stats->slab_free_bytes += kept * class->size;
    }
}

TN_RACY void
tn_count_heap(struct tn_heap *heap, struct tarn_stats *stats)
{
    memset(stats, 0, sizeof *stats);
    stats->class_count = TN_CLASSES;
    for (unsigned i = 0; i < TN_CLASSES; i++) {
        stats->classes[i].size = tn_classes[i].size;
    }
    uint32_t count = atomic_load_explicit(&heap->space_count, memory_order_acquire);
    for (uint32_t i = 0; i < count; i++) {
        count_space(heap->spaces[i], stats);
    }
    if (count != 0) {
        tn_lock(&heap->lock);
        for (const struct tn_cache *cache = heap->caches; cache != NULL; cache = cache->next) {
            stats->threads++;
            count_stash(cache, stats);
        }
        tn_unlock(&heap->lock);
    }
}

void
tn_count_process(struct tarn_stats *stats)
{
    struct tn_os_usage usage;
    tn_os_usage(&usage);
    stats->resident_bytes = usage.resident;
    stats->purged_bytes = tn_os_purged();
}

size_t
tn_count_dirty(struct tn_heap *heap)
{
    size_t slices = 0;
    uint32_t count = atomic_load_explicit(&heap->space_count, memory_order_acquire);
    for (uint32_t i = 0; i < count; i++) {
        struct tn_space *space = heap->spaces[i];
        tn_lock(&space->lock);
        slices += space->map->dirty_slices;
        tn_unlock(&space->lock);
    }
    return slices << TN_SLICE_SHIFT;
}
