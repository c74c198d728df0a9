/*
 * What <malloc.h>, <stdlib.h> and C23 declare of malloc's names, said again: not every C library
 * declares all of them.
 */
#ifndef TN_SURFACE_H
#define TN_SURFACE_H

#include <stddef.h>
#include <stdio.h>

#define TN_EXPORT __attribute__((visibility("default")))

TN_EXPORT void *malloc(size_t size);
TN_EXPORT void free(void *p);
TN_EXPORT void cfree(void *p);
TN_EXPORT void free_sized(void *p, size_t size);
TN_EXPORT void free_aligned_sized(void *p, size_t align, size_t size);
TN_EXPORT void *calloc(size_t count, size_t size);
TN_EXPORT void *realloc(void *p, size_t size);
TN_EXPORT void *reallocarray(void *p, size_t count, size_t size);
TN_EXPORT int posix_memalign(void **block, size_t align, size_t size);
TN_EXPORT void *aligned_alloc(size_t align, size_t size);
TN_EXPORT void *memalign(size_t align, size_t size);
TN_EXPORT void *valloc(size_t size);
TN_EXPORT void *pvalloc(size_t size);
TN_EXPORT size_t malloc_usable_size(void *p);
TN_EXPORT size_t malloc_object_size(const void *p);
TN_EXPORT int malloc_trim(size_t pad);
TN_EXPORT int mallopt(int parameter, int value);

#endif
