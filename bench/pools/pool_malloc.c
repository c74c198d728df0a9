/* malloc of the same size; which one comes by LD_PRELOAD. */
#include <stdint.h>
#include <stdlib.h>

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
    return malloc((size_t)(uintptr_t)pool);
}

static inline void
pool_free(void *pool, void *object)
{
    (void)pool;
    free(object);
}

#define POOL_SHARED 1
#define POOL_FREES  1
#include "pool_bench.h"
