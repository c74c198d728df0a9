/* The interface of libcork's older manual: the program holds the pool's struct. */
#define CORK_MEMPOOL_EMBEDDED
#include "cork_pool.h"
#include "libcork/core.h"

#include <stdlib.h>

static tarn_pool *
pool_of(struct cork_mempool *mp)
{
    if (mp->pool == NULL) {
        mp->pool = cork_pool_new(mp->element_size, mp->block_size, NULL, NULL, NULL);
    }
    return mp->pool;
}

void
cork_mempool_init_size_ex(struct cork_mempool *mp, size_t element_size, size_t block_size)
{
    mp->pool = NULL;
    mp->element_size = element_size;
    mp->block_size = block_size;
    pool_of(mp);
}

void
cork_mempool_done(struct cork_mempool *mp)
{
    tarn_pool_close(mp->pool);
    mp->pool = NULL;
}

void *
cork_mempool_embedded_new(struct cork_mempool *mp)
{
    tarn_pool *pool = pool_of(mp);
    return pool != NULL ? tarn_pool_alloc(pool) : NULL;
}

void
cork_mempool_embedded_free(struct cork_mempool *mp, void *ptr)
{
    tarn_pool_free(mp->pool, ptr);
}
