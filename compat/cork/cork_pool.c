#include "cork_pool.h"

/* A block is so many objects as libcork lays in one: a word for the block, one for each object. A
 * block too small for one object, with which libcork gives none, holds one. */
tarn_pool *
cork_pool_new(size_t element_size, size_t block_size, void (*construct)(void *, void *),
              void (*destruct)(void *, void *), void *context)
{
    size_t size = element_size != 0 ? element_size : 1;
    size_t align = element_size % sizeof(void *) == 0 ? 0 : sizeof(void *);
    size_t count = 1;
    if (size < PTRDIFF_MAX && block_size >= 2 * sizeof(void *) + element_size) {
        count = (block_size - sizeof(void *)) / (element_size + sizeof(void *));
    }
    size_t stride = align != 0 ? (size + align - 1) & ~(align - 1) : size;
    size_t bytes;
    if (__builtin_mul_overflow(count, stride, &bytes)) {
        bytes = 0;
    }
    tarn_pool *pool = tarn_pool_new(size, &(struct tarn_pool_options){
                                              .align = align,
                                              .name = "cork_mempool",
                                              .flags = TARN_POOL_STRICT,
                                              .block_size = bytes,
                                              .construct = construct,
                                              .destruct = destruct,
                                              .context = context,
                                          });
    return pool;
}
