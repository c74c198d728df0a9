/* The C names on the default heap, for kernels and firmware without another malloc. An object of
 * its own: who links it has these names. The heap is made by tarn_quick_default_init. */
#include "quick/block.h"

void *malloc(size_t size);
void *calloc(size_t n, size_t size);
void *realloc(void *object, size_t size);
void *aligned_alloc(size_t align, size_t size);
void free(void *object);

/* Not zeroed: C's malloc does not promise it. */
void *
malloc(size_t size)
{
    return tarn_quick_mallocz(tarn_quick_default(), size, 0);
}

void *
calloc(size_t n, size_t size)
{
    return tarn_quick_calloc(tarn_quick_default(), n, size);
}

void *
realloc(void *object, size_t size)
{
    return tarn_quick_realloc(tarn_quick_default(), object, size);
}

void *
aligned_alloc(size_t align, size_t size)
{
    return tarn_quick_mallocalign(tarn_quick_default(), size, align, 0, 0);
}

void
free(void *object)
{
    tarn_quick_free(tarn_quick_default(), object);
}
