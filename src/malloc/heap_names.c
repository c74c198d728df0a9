/* The public names of tarn/heap.h. */
#include "tarn/heap.h"

#include "heap/alloc.h"
#include "heap/fast.h"
#include "heap/first_class.h"
#include "heap/purge.h"

#include <string.h>

tarn_heap *
tarn_heap_new(void)
{
    return tn_heap_new();
}

tarn_heap *
tarn_heap_new_in(void *buffer, size_t size)
{
    return tn_heap_new_in(buffer, size);
}

void
tarn_heap_destroy(tarn_heap *heap)
{
    if (heap != NULL && heap != &tn_process_heap) {
        tn_heap_destroy(heap);
    }
}

tarn_heap *
tarn_heap_process(void)
{
    return tn_process_heap_start() ? &tn_process_heap : NULL;
}

tarn_heap *
tarn_heap_of(const void *p)
{
    struct tn_space *space = tn_space_of(p);
    return space != NULL ? space->heap : NULL;
}

void *
tarn_heap_malloc(tarn_heap *heap, size_t size)
{
    return tn_heap_malloc(heap, size);
}

void *
tarn_heap_zalloc(tarn_heap *heap, size_t size)
{
    return tn_heap_calloc(heap, 1, size);
}

void *
tarn_heap_calloc(tarn_heap *heap, size_t count, size_t size)
{
    return tn_heap_calloc(heap, count, size);
}

void *
tarn_heap_realloc(tarn_heap *heap, void *p, size_t size)
{
    return tn_cache_realloc(tn_cache_of_heap(heap), p, size, "tarn_heap_realloc");
}

void *
tarn_heap_reallocarray(tarn_heap *heap, void *p, size_t count, size_t size)
{
    return tn_cache_reallocarray(tn_cache_of_heap(heap), p, count, size, "tarn_heap_reallocarray");
}

void *
tarn_heap_aligned_alloc(tarn_heap *heap, size_t align, size_t size)
{
    return tn_cache_aligned_alloc(tn_cache_of_heap(heap), align, size);
}

char *
tarn_heap_strdup(tarn_heap *heap, const char *text)
{
    return tarn_heap_strndup(heap, text, strlen(text));
}

char *
tarn_heap_strndup(tarn_heap *heap, const char *text, size_t length)
{
    return tn_cache_strndup(tn_cache_of_heap(heap), text, length);
}

void
tarn_heap_free(tarn_heap *heap, void *p)
{
    tn_heap_free(heap, p);
}

size_t
tarn_heap_trim(tarn_heap *heap)
{
    return tn_purge_heap(heap);
}

struct live_walk {
    bool (*visit)(void *context, void *block, size_t size);
    void *context;
};

static bool
visit_live(void *context, const struct tarn_block *block)
{
    const struct live_walk *walk = context;
    return block->state != TARN_BLOCK_LIVE || walk->visit(walk->context, block->start, block->size);
}

bool
tarn_heap_walk(tarn_heap *heap, bool (*visit)(void *context, void *block, size_t size),
               void *context)
{
    struct live_walk walk = {visit, context};
    return tn_heap_walk(heap, visit_live, &walk);
}

bool
tarn_heap_walk_all(tarn_heap *heap, bool (*visit)(void *context, const struct tarn_block *block),
                   void *context)
{
    return tn_heap_walk(heap, visit, context);
}

const char *
tarn_heap_check(tarn_heap *heap)
{
    return tn_heap_check(heap);
}
