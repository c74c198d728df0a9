/*
 * Memory pools: objects of one size, no threads, no lock. Both generations' calls; see core.h.
 *
 * As libcork's: objects enter a pool a block at a time, are initialised then, and handed out the
 * last one first; a freed object comes back first and as it was left; a pool's end runs the done
 * callback on every object in the order in which they would have been handed out, and aborts while
 * any is still out. Blocks count as libcork's do (a word in front of each object and each block);
 * the objects themselves lie without.
 */
#ifndef LIBCORK_CORK_MEMPOOL_H
#define LIBCORK_CORK_MEMPOOL_H

#include <libcork/core/callbacks.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CORK_MEMPOOL_DEFAULT_BLOCK_SIZE 4096

#ifdef CORK_MEMPOOL_EMBEDDED

/* The fields are the library's. */
struct cork_mempool {
    void *pool;
    size_t element_size;
    size_t block_size;
};

#    define cork_mempool_init_size(mp, element_size)                                               \
        cork_mempool_init_size_ex((mp), (element_size), CORK_MEMPOOL_DEFAULT_BLOCK_SIZE)
#    define cork_mempool_init_ex(mp, type, block_size)                                             \
        cork_mempool_init_size_ex((mp), sizeof(type), (block_size))
#    define cork_mempool_init(mp, type) cork_mempool_init_size((mp), sizeof(type))
/* Other functions of the same names are in the other generation. */
#    define cork_mempool_new(mp)       cork_mempool_embedded_new(mp)
#    define cork_mempool_free(mp, ptr) cork_mempool_embedded_free((mp), (ptr))

/* A pool for objects of element_size bytes, in blocks of block_size. */
void cork_mempool_init_size_ex(struct cork_mempool *mp, size_t element_size, size_t block_size);

/* Ends the pool; aborts while an object is out. */
void cork_mempool_done(struct cork_mempool *mp);

/* An object; NULL: no memory. */
void *cork_mempool_embedded_new(struct cork_mempool *mp);

/* Takes an object back. */
void cork_mempool_embedded_free(struct cork_mempool *mp, void *ptr);

#else

struct cork_mempool;

#    define cork_mempool_new_size(element_size)                                                    \
        cork_mempool_new_size_ex((element_size), CORK_MEMPOOL_DEFAULT_BLOCK_SIZE)
#    define cork_mempool_new_ex(type, block_size)                                                  \
        cork_mempool_new_size_ex(sizeof(type), (block_size))
#    define cork_mempool_new(type) cork_mempool_new_size(sizeof(type))

/* A pool for objects of element_size bytes, in blocks of block_size. Aborts without memory, as all
 * of libcork does. */
struct cork_mempool *cork_mempool_new_size_ex(size_t element_size, size_t block_size);

/* Ends the pool: the done callback on every object, then the user data's own; aborts while an
 * object is out. */
void cork_mempool_free(struct cork_mempool *mp);

/* What the callbacks get, and how it is freed: when it is set anew, and when the pool ends. */
void cork_mempool_set_user_data(struct cork_mempool *mp, void *user_data,
                                cork_free_f free_user_data);

/* For objects that enter the pool from now on. */
void cork_mempool_set_init_object(struct cork_mempool *mp, cork_init_f init_object);

/* For all objects, when the pool ends. */
void cork_mempool_set_done_object(struct cork_mempool *mp, cork_done_f done_object);

/* The three above at once. */
void cork_mempool_set_callbacks(struct cork_mempool *mp, void *user_data,
                                cork_free_f free_user_data, cork_init_f init_object,
                                cork_done_f done_object);

/* An object. Aborts without memory. */
void *cork_mempool_new_object(struct cork_mempool *mp);

/* Takes an object back. */
void cork_mempool_free_object(struct cork_mempool *mp, void *ptr);

#endif

#ifdef __cplusplus
}
#endif

#endif
