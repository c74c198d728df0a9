/* libcork 1.0. */
#include <libcork/core.h>

static inline void *
pool_make(size_t size)
{
    return cork_mempool_new_size(size);
}

static inline void
pool_end(void *pool)
{
    cork_mempool_free((struct cork_mempool *)pool);
}

static inline void *
pool_new(void *pool)
{
    return cork_mempool_new_object((struct cork_mempool *)pool);
}

static inline void
pool_free(void *pool, void *object)
{
    cork_mempool_free_object((struct cork_mempool *)pool, object);
}

#define POOL_SHARED 0
#define POOL_FREES  1
#include "pool_bench.h"
