/* libcork 1.0 under a mutex. */
#include <libcork/core.h>
#include <pthread.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

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
    pthread_mutex_lock(&lock);
    void *object = cork_mempool_new_object((struct cork_mempool *)pool);
    pthread_mutex_unlock(&lock);
    return object;
}

static inline void
pool_free(void *pool, void *object)
{
    pthread_mutex_lock(&lock);
    cork_mempool_free_object((struct cork_mempool *)pool, object);
    pthread_mutex_unlock(&lock);
}

#define POOL_SHARED 1
#define POOL_FREES  1
#include "pool_bench.h"
