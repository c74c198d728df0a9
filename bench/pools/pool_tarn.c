/* Tarn; POOL_FLAGS say in which mode. */
#include <tarn/pool.h>

static inline void *
pool_make(size_t size)
{
    return tarn_pool_new(size, &(struct tarn_pool_options){.flags = POOL_FLAGS});
}

static inline void
pool_end(void *pool)
{
    tarn_pool_close((tarn_pool *)pool);
}

static inline void *
pool_new(void *pool)
{
    return tarn_pool_alloc((tarn_pool *)pool);
}

static inline void
pool_free(void *pool, void *object)
{
    tarn_pool_free((tarn_pool *)pool, object);
}

#define POOL_SHARED ((POOL_FLAGS & TARN_POOL_SHARED) != 0)
#define POOL_FREES  1
#include "pool_bench.h"
