#include "heap/heap.h"

#include "heap/thread.h"
#include "os/option.h"
#include "os/os.h"

#define SPACE_LEAST ((size_t)64 << 30) /* the process heap's first space, where it can be had */
#define SPACE_MOST  ((size_t)4 << 40)
#define SPACE_TRY   ((size_t)8 << 20) /* and the least to try for */
#define LIMIT_SHARE 16                /* under an address limit, spaces of this part of it */

uintptr_t tn_window_base;
size_t tn_window_size;
struct tn_slab *tn_window_slabs;
struct tn_heap tn_process_heap = {.lock = {.rank = TN_RANK_HEAP}};

static _Atomic uint64_t heap_serials;

struct tn_space *
tn_heap_make_space(struct tn_heap *heap, size_t size)
{
    char *base = tn_os_reserve(size, TN_SPACE_ALIGN);
    if (base == NULL) {
        return NULL;
    }
    if (tn_os_commit(base, TN_SPACE_HEAD)) {
        struct tn_space *space = (struct tn_space *)(base + TN_SPACE_HEAD) - 1;
        space->heap = heap;
        if (tn_space_init(space, base, size, &tn_anonymous_backing, NULL) &&
            tn_registry_add(space)) {
            return space;
        }
    }
    tn_os_release(base, size);
    return NULL;
}

bool
tn_heap_init(struct tn_heap *heap, struct tn_space *space)
{
    ((struct tn_root *)space->map->root)->secret = tn_os_random();
    tn_heap_attach(heap, space);
    return true;
}

void
tn_heap_attach(struct tn_heap *heap, struct tn_space *space)
{
    heap->root = (struct tn_root *)space->map->root;
    heap->lock.rank = TN_RANK_HEAP;
    for (unsigned i = 0; i < TN_CENTRAL; i++) {
        heap->central[i].rank = TN_RANK_CENTRAL;
    }
    heap->serial = atomic_fetch_add(&heap_serials, 1) + 1;
    heap->spaces[0] = space;
    heap->space_size = space->size;
    space->heap = heap;
    atomic_store_explicit(&heap->space_count, 1, memory_order_release);
}

static size_t
first_space_size(void)
{
    size_t memory = tn_os_memory(); /* also where it is not needed here: asked before any sandbox */
    size_t limit = tn_os_address_limit();
    if (limit != SIZE_MAX) {
        return tn_max(SPACE_TRY, tn_align_down(limit / LIMIT_SHARE, TN_SPACE_ALIGN));
    }
    size_t twice = (size_t)1 << (tn_log2(memory) + 2);
    return tn_min(tn_max(twice, SPACE_LEAST), SPACE_MOST);
}

bool
tn_process_heap_start(void)
{
    static struct tn_lock lock = {.rank = TN_RANK_REGISTRY};
    struct tn_heap *heap = &tn_process_heap;
    if (atomic_load_explicit(&heap->space_count, memory_order_acquire) != 0) {
        return true;
    }
    bool first = false;
    tn_lock(&lock);
    if (atomic_load_explicit(&heap->space_count, memory_order_relaxed) == 0) {
        struct tn_space *space = NULL;
        tn_options_read();
        for (size_t size = first_space_size(); space == NULL && size >= SPACE_TRY; size /= 2) {
            space = tn_heap_make_space(heap, size);
        }
        if (space == NULL) {
            tn_unlock(&lock);
            return false;
        }
        tn_window_base = (uintptr_t)space->base;
        tn_window_slabs = space->slabs;
        tn_window_size = space->size;
        tn_heap_init(heap, space);
        first = true;
    }
    tn_unlock(&lock);
    if (first) {
        tn_registry_add_heap(heap);
        tn_thread_start_watching();
    }
    return true;
}

/* One more space for a heap whose others are full. Under the heap's lock. */
static struct tn_slab *
add_space(struct tn_heap *heap, size_t span, size_t align, bool *zero)
{
    uint32_t count = atomic_load_explicit(&heap->space_count, memory_order_relaxed);
    if (count == TN_SPACES || heap->spaces[0]->backing != &tn_anonymous_backing) {
        return NULL;
    }
    size_t slices = span + (align >> TN_SLICE_SHIFT);
    if (slices > (SIZE_MAX >> TN_SLICE_SHIFT) / 2) {
        return NULL;
    }
    size_t bytes = slices << TN_SLICE_SHIFT;
    size_t least = bytes + bytes / 512 + TN_SPACE_LEAST; /* the table is 1/1024 of it */
    least = tn_align_up(least, TN_SPACE_ALIGN);
    size_t size = tn_max(least, heap->space_size);
    for (;;) {
        struct tn_space *space = tn_heap_make_space(heap, size);
        if (space != NULL) {
            struct tn_slab *slab = tn_space_take(space, span, align, zero);
            if (slab == NULL) { /* addresses, but no memory */
                tn_registry_remove(space);
                tn_os_release(space->base, size);
                return NULL;
            }
            heap->spaces[count] = space;
            heap->space_size = tn_min(size * 2, SPACE_LEAST);
            atomic_store_explicit(&heap->space_count, count + 1, memory_order_release);
            return slab;
        }
        if (size == least) {
            return NULL;
        }
        size = tn_max(least, tn_align_down(size / 2, TN_SPACE_ALIGN));
    }
}

static struct tn_slab *
take_from(struct tn_heap *heap, uint32_t from, uint32_t to, size_t span, size_t align, bool *zero)
{
    for (uint32_t i = from; i < to; i++) {
        struct tn_slab *slab = tn_space_take(heap->spaces[i], span, align, zero);
        if (slab != NULL) {
            return slab;
        }
    }
    return NULL;
}

struct tn_slab *
tn_heap_take(struct tn_heap *heap, size_t span, size_t align, bool *zero)
{
    uint32_t count = atomic_load_explicit(&heap->space_count, memory_order_acquire);
    struct tn_slab *slab = take_from(heap, 0, count, span, align, zero);
    if (slab != NULL) {
        return slab;
    }
    tn_lock(&heap->lock);
    uint32_t now = atomic_load_explicit(&heap->space_count, memory_order_relaxed);
    slab = take_from(heap, count, now, span, align, zero);
    if (slab == NULL) {
        slab = add_space(heap, span, align, zero);
    }
    tn_unlock(&heap->lock);
    while (slab == NULL && tn_stale_left(heap)) {
        tn_stale_sweep(heap, UINT32_MAX);
        slab = take_from(heap, 0, now, span, align, zero);
    }
    if (slab == NULL) {
        /* Free slices in pieces of both states join when they are all clean. */
        size_t purged = 0;
        for (uint32_t i = 0; i < now; i++) {
            purged += tn_space_purge(heap->spaces[i]);
        }
        if (purged != 0) {
            slab = take_from(heap, 0, now, span, align, zero);
        }
    }
    return slab;
}

void
tn_heap_give(struct tn_slab *slab, size_t span, bool zero)
{
    tn_space_give(tn_space_of(slab), slab, span, zero);
}
