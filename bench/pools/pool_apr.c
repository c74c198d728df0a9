/* APR pools, which free nothing but all at once. */
#include <apr_general.h>
#include <apr_pools.h>

static size_t apr_size;

static inline void *
pool_make(size_t size)
{
    apr_pool_t *pool;
    apr_size = size;
    apr_initialize();
    apr_pool_create(&pool, NULL);
    return pool;
}

static inline void
pool_end(void *pool)
{
    apr_pool_destroy((apr_pool_t *)pool);
}

static inline void *
pool_new(void *pool)
{
    return apr_palloc((apr_pool_t *)pool, apr_size);
}

static inline void
pool_free(void *pool, void *object)
{
    (void)pool, (void)object;
}

#define POOL_SHARED 0
#define POOL_FREES  0
#include "pool_bench.h"
