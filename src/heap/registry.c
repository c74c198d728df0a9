/*
 * Which spaces there are, so that a pointer finds its own; and which heaps, for fork and for
 * threads that end. Searched without a lock: an entry's size is written last and cleared first.
 * A buffer that a heap is made in may be a block of another heap: the innermost space counts.
 */
#include "heap/heap.h"

#define ENTRIES 1024
#define OTHERS  (ENTRIES - TN_SPACES) /* for all heaps but the process heap, which has its own */

struct entry {
    _Atomic(uintptr_t) base;
    _Atomic size_t size; /* 0: not in use */
    struct tn_space *space;
};

static struct entry entries[ENTRIES];
static _Atomic unsigned entry_count; /* entries ever used */
_Atomic bool tn_spaces_nest;
static struct tn_heap *heaps;
static struct tn_lock lock = {.rank = TN_RANK_REGISTRY};

struct tn_lock *
tn_registry_lock(void)
{
    return &lock;
}

struct tn_heap *
tn_registry_heaps(void)
{
    return heaps;
}

/* Also called with a heap's lock held: entries are claimed without one. */
bool
tn_registry_add(struct tn_space *space)
{
    if (tn_registry_search(space->base) != NULL) {
        atomic_store(&tn_spaces_nest, true);
    }
    unsigned room = space->heap == &tn_process_heap ? ENTRIES : OTHERS;
    for (unsigned i = 0; i < room; i++) {
        uintptr_t none = 0;
        if (atomic_compare_exchange_strong(&entries[i].base, &none, (uintptr_t)space->base)) {
            entries[i].space = space;
            atomic_store_explicit(&entries[i].size, space->size, memory_order_release);
            tn_inspector_space(space->base, space->size);
            unsigned count = atomic_load(&entry_count);
            while (count <= i && !atomic_compare_exchange_weak(&entry_count, &count, i + 1)) {
            }
            return true;
        }
    }
    return false;
}

void
tn_registry_remove(struct tn_space *space)
{
    unsigned count = atomic_load(&entry_count);
    for (unsigned i = 0; i < count; i++) {
        if (entries[i].space == space && atomic_load(&entries[i].size) != 0) {
            tn_inspector_space_end(space->base, space->size,
                                   (size_t)space->map->frontier << TN_SLICE_SHIFT);
            atomic_store(&entries[i].size, 0);
            atomic_store(&entries[i].base, 0);
            return;
        }
    }
}

struct tn_space *
tn_registry_search(const void *p)
{
    unsigned count = atomic_load_explicit(&entry_count, memory_order_acquire);
    struct tn_space *found = NULL;
    size_t least = SIZE_MAX;
    for (unsigned i = 0; i < count; i++) {
        size_t size = atomic_load_explicit(&entries[i].size, memory_order_acquire);
        uintptr_t base = atomic_load_explicit(&entries[i].base, memory_order_acquire);
        /* The size once more: the base may be that of another space, which came meanwhile. */
        if ((uintptr_t)p - base < size && size < least &&
            size == atomic_load_explicit(&entries[i].size, memory_order_acquire)) {
            found = entries[i].space;
            least = size;
        }
    }
    return found;
}

void
tn_registry_add_heap(struct tn_heap *heap)
{
    tn_inspector_begin(heap);
    tn_lock(&lock);
    heap->next_heap = heaps;
    heaps = heap;
    tn_unlock(&lock);
}

void
tn_registry_remove_heap(struct tn_heap *heap)
{
    tn_inspector_end(heap);
    tn_lock(&lock);
    tn_cache_part_all(heap); /* before the ends of threads pass the heap by */
    for (struct tn_heap **link = &heaps; *link != NULL; link = &(*link)->next_heap) {
        if (*link == heap) {
            *link = heap->next_heap;
            break;
        }
    }
    tn_unlock(&lock);
}
