/* The interface of libcork 1.0. */
#include "libcork/core.h"

#include "cork_pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <tarn/tarn.h>

struct cork_mempool {
    tarn_pool *pool;
    void *user_data;
    cork_free_f free_user_data;
    cork_init_f init_object;
    cork_done_f done_object;
};

static void
init(void *object, void *context)
{
    struct cork_mempool *mp = context;
    if (mp->init_object != NULL) {
        mp->init_object(mp->user_data, object);
    }
}

static void
done(void *object, void *context)
{
    struct cork_mempool *mp = context;
    if (mp->done_object != NULL) {
        mp->done_object(mp->user_data, object);
    }
}

static _Noreturn void
no_memory(const char *call)
{
    fprintf(stderr, "tarn: %s: no memory\n", call);
    abort();
}

struct cork_mempool *
cork_mempool_new_size_ex(size_t element_size, size_t block_size)
{
    struct cork_mempool *mp = tarn_zalloc(sizeof *mp);
    if (mp != NULL) {
        mp->pool = cork_pool_new(element_size, block_size, init, done, mp);
    }
    if (mp == NULL || mp->pool == NULL) {
        no_memory("cork_mempool_new_size_ex");
    }
    return mp;
}

static void
free_user_data(struct cork_mempool *mp)
{
    if (mp->free_user_data != NULL) {
        mp->free_user_data(mp->user_data);
    }
}

void
cork_mempool_free(struct cork_mempool *mp)
{
    tarn_pool_close(mp->pool);
    free_user_data(mp);
    tarn_free(mp);
}

void
cork_mempool_set_user_data(struct cork_mempool *mp, void *user_data, cork_free_f free_data)
{
    free_user_data(mp);
    mp->user_data = user_data;
    mp->free_user_data = free_data;
}

void
cork_mempool_set_init_object(struct cork_mempool *mp, cork_init_f init_object)
{
    mp->init_object = init_object;
}

void
cork_mempool_set_done_object(struct cork_mempool *mp, cork_done_f done_object)
{
    mp->done_object = done_object;
}

void
cork_mempool_set_callbacks(struct cork_mempool *mp, void *user_data, cork_free_f free_data,
                           cork_init_f init_object, cork_done_f done_object)
{
    cork_mempool_set_user_data(mp, user_data, free_data);
    cork_mempool_set_init_object(mp, init_object);
    cork_mempool_set_done_object(mp, done_object);
}

void *
cork_mempool_new_object(struct cork_mempool *mp)
{
    void *object = tarn_pool_alloc(mp->pool);
    if (__builtin_expect(object == NULL, 0)) {
        no_memory("cork_mempool_new_object");
    }
    return object;
}

void
cork_mempool_free_object(struct cork_mempool *mp, void *ptr)
{
    tarn_pool_free(mp->pool, ptr);
}
