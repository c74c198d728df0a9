/* GLib slices. */
#include <glib.h>
#include <stdint.h>

static inline void *
pool_make(size_t size)
{
    return (void *)(uintptr_t)size;
}

static inline void
pool_end(void *pool)
{
    (void)pool;
}

static inline void *
pool_new(void *pool)
{
    return g_slice_alloc((gsize)(uintptr_t)pool);
}

static inline void
pool_free(void *pool, void *object)
{
    g_slice_free1((gsize)(uintptr_t)pool, object);
}

#define POOL_SHARED 1
#define POOL_FREES  1
#include "pool_bench.h"
