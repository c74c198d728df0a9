#include "heap/first_class.h"

#include "heap/checked.h"
#include "heap/sample.h"
#include "heap/slab_list.h"
#include "heap/thread.h"
#include "os/os.h"

#include <errno.h>
#include <string.h>

#define SPACE_FIRST ((size_t)256 << 20) /* further ones double */

/* The heap lies in the head of its first space, before the space. */
static struct tn_heap *
heap_in(struct tn_space *space)
{
    return (struct tn_heap *)((char *)space - tn_align_up(sizeof(struct tn_heap), 64));
}

_Static_assert(sizeof(struct tn_map) + sizeof(struct tn_heap) + sizeof(struct tn_space) + 128 <=
                   TN_SPACE_HEAD,
               "map, heap and space fit in the head");

static struct tn_heap *
begin(struct tn_space *space)
{
    struct tn_heap *heap = heap_in(space);
    tn_heap_init(heap, space);
    tn_registry_add_heap(heap);
    tn_thread_start_watching();
    return heap;
}

struct tn_heap *
tn_heap_new(void)
{
    size_t limit = tn_os_address_limit();
    size_t size = limit == SIZE_MAX ? SPACE_FIRST : tn_min(SPACE_FIRST, limit / 16);
    struct tn_space *space = tn_heap_make_space(NULL, tn_align_up(size, TN_SPACE_ALIGN));
    if (space == NULL) {
        errno = ENOMEM;
        return NULL;
    }
    return begin(space);
}

struct tn_heap *
tn_heap_new_in(void *buffer, size_t size)
{
    char *base = (char *)tn_align_up((uintptr_t)buffer, TN_SLICE);
    size_t lost = (size_t)(base - (char *)buffer);
    if (buffer == NULL || size < lost || size - lost < TN_SPACE_LEAST) {
        errno = EINVAL;
        return NULL;
    }
    size = tn_align_down(size - lost, TN_SLICE);
    memset(base, 0, TN_SPACE_HEAD + (size >> TN_SLICE_SHIFT) * sizeof(struct tn_slab));
    struct tn_space *space = (struct tn_space *)(base + TN_SPACE_HEAD) - 1;
    bool made = tn_space_init(space, base, size, &tn_buffer_backing, NULL);
    if (!made || !tn_registry_add(space)) {
        errno = made ? ENOMEM : EINVAL;
        return NULL;
    }
    return begin(space);
}

void
tn_heap_destroy(struct tn_heap *heap)
{
    tn_registry_remove_heap(heap);
    tn_sample_forget(heap);
    uint32_t count = atomic_load(&heap->space_count);
    /* The heap itself lies in its first space. */
    for (uint32_t i = count; i-- > 0;) {
        struct tn_space *space = heap->spaces[i];
        tn_registry_remove(space);
        space->backing->release(space);
    }
}

/* One bit for each block that is free, those in the stash of a cache included. */
static void
map_free(struct tn_space *space, const struct tn_slab *slab, uint64_t map[TN_MAP_WORDS])
{
    const struct tn_class *class = tn_class_of_slab(slab);
    char *base = tn_slab_base(space, slab);
    TN_LOOK_AWAY;
    tn_slab_free_map(space, slab, true, map);
    for (unsigned i = 0; slab->size_class >= TN_OWNED && i < class->capacity; i++) {
        bool marked = *(uintptr_t *)(base + (size_t)i * class->size) == tn_slab_end(slab);
        map[i / 64] |= (uint64_t)marked << i % 64;
    }
}

/* False: nobody is to be told of it. */
static bool
look_at(struct tn_space *space, const struct tn_slab *slab, unsigned index, bool live,
        struct tarn_block *block)
{
    size_t size = tn_class_of_slab(slab)->size;
    *block = (struct tarn_block){
        .start = tn_slab_base(space, slab) + (size_t)index * size,
        .size = size,
        .class_size = size,
        .state = live                           ? TARN_BLOCK_LIVE
                 : tn_slab_is_bare(slab, index) ? TARN_BLOCK_UNTOUCHED
                                                : TARN_BLOCK_FREE,
    };
    if (live && tn_checked_owns(block->start) &&
        !tn_checked_shown(space, slab, &block->start, &block->size)) {
        return false;
    }
    if (live) {
        block->size = tn_inspector_size(block->start, block->size);
    }
    return true;
}

static bool
walk_slab(struct tn_space *space, const struct tn_slab *slab,
          bool (*visit)(void *context, const struct tarn_block *block), void *context)
{
    uint64_t map[TN_MAP_WORDS];
    map_free(space, slab, map);
    for (unsigned i = 0; i < tn_class_of_slab(slab)->capacity; i++) {
        struct tarn_block block;
        bool live = (map[i / 64] >> i % 64 & 1) == 0;
        if (look_at(space, slab, i, live, &block) && !visit(context, &block)) {
            return false;
        }
    }
    return true;
}

static bool
walk_large(const struct tn_slab *slab, bool (*visit)(void *context, const struct tarn_block *block),
           void *context)
{
    bool of_class = tn_kind(slab) == TN_SAMPLED && slab->large_size <= TN_SLAB_MAX;
    struct tarn_block block = {
        .start = slab->large_start,
        .size = tn_inspector_size(slab->large_start, slab->large_size),
        .class_size = of_class ? slab->large_size : 0,
        .state = TARN_BLOCK_LIVE,
    };
    return visit(context, &block);
}

bool
tn_heap_walk(struct tn_heap *heap, bool (*visit)(void *context, const struct tarn_block *block),
             void *context)
{
    uint32_t count = atomic_load(&heap->space_count);
    for (uint32_t s = 0; s < count; s++) {
        struct tn_space *space = heap->spaces[s];
        struct tn_map *map = space->map;
        for (uint32_t i = map->first; i < map->frontier; i++) {
            struct tn_slab *slab = &space->slabs[i];
            enum tn_kind kind = tn_kind(slab);
            if (kind == TN_SLAB && !walk_slab(space, slab, visit, context)) {
                return false;
            }
            if (tn_is_large(kind) && !(slab->flags & TN_RESTING) &&
                !walk_large(slab, visit, context)) {
                return false;
            }
        }
    }
    return true;
}

#ifdef TARN_MEMCHECK
static void
tell_slab(struct tn_heap *heap, struct tn_space *space, const struct tn_slab *slab)
{
    const struct tn_class *class = tn_class_of_slab(slab);
    char *base = tn_slab_base(space, slab);
    uint64_t map[TN_MAP_WORDS];
    map_free(space, slab, map);
    tn_inspector_close(base, (size_t) class->span << TN_SLICE_SHIFT);
    for (unsigned i = 0; i < class->capacity; i++) {
        if ((map[i / 64] >> i % 64 & 1) == 0) {
            tn_inspector_block(heap, base + (size_t)i * class->size, class->size, true);
        }
    }
}

void
tn_heap_tell(struct tn_heap *heap)
{
    struct tn_space *space = heap->spaces[0];
    struct tn_map *map = space->map;
    tn_inspector_begin(heap);
    for (uint32_t i = map->first; i < map->frontier; i++) {
        struct tn_slab *slab = &space->slabs[i];
        if (tn_kind(slab) == TN_SLAB) {
            tell_slab(heap, space, slab);
        } else if (tn_kind(slab) == TN_LARGE) {
            tn_inspector_close(tn_slab_base(space, slab), (size_t)slab->span << TN_SLICE_SHIFT);
            tn_inspector_block(heap, slab->large_start, slab->large_size, true);
        }
    }
}
#endif

const char *
tn_heap_check(struct tn_heap *heap)
{
    uint32_t count = atomic_load(&heap->space_count);
    for (uint32_t s = 0; s < count; s++) {
        struct tn_space *space = heap->spaces[s];
        const char *broken = tn_space_check(space);
        for (uint32_t i = space->map->first; i < space->map->frontier && broken == NULL; i++) {
            const struct tn_slab *slab = &space->slabs[i];
            if (tn_kind(slab) == TN_SLAB) {
                broken = tn_slab_check(space, slab);
            }
        }
        if (broken != NULL) {
            return broken;
        }
    }
    return NULL;
}
