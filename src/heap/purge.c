#include "heap/purge.h"

size_t
tn_purge_all(void)
{
    size_t bytes = 0;
    struct tn_heap *heap = &tn_process_heap;
    uint32_t count = atomic_load_explicit(&heap->space_count, memory_order_acquire);
    for (uint32_t i = 0; i < count; i++) {
        bytes += tn_space_purge(heap->spaces[i]);
    }
    return bytes;
}
