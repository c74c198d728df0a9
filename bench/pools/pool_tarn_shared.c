/* Tarn, shared. */
#include <tarn/pool.h>

static inline void *
pool_make(size_t size)
{
    return tarn_pool_new(size, &(struct tarn_pool_options){.flags = TARN_POOL_SHARED});
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

#define POOL_SHARED 1
#define POOL_FREES  1
#include "pool_bench.h"
