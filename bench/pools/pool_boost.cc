// Boost.Pool.
#include <boost/pool/pool.hpp>

static inline void *
pool_make(size_t size)
{
    return new boost::pool<>(size);
}

static inline void
pool_end(void *pool)
{
    delete static_cast<boost::pool<> *>(pool);
}

static inline void *
pool_new(void *pool)
{
    return static_cast<boost::pool<> *>(pool)->malloc();
}

static inline void
pool_free(void *pool, void *object)
{
    static_cast<boost::pool<> *>(pool)->free(object);
}

#define POOL_SHARED 0
#define POOL_FREES  1
#include "pool_bench.h"
