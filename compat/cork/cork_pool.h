/* What both generations of libcork's memory pools are made of here. */
#ifndef CORK_POOL_H
#define CORK_POOL_H

#include <tarn/pool.h>

/* A pool of libcork's ways; NULL: no memory. The callbacks get the context. */
__attribute__((visibility("hidden"))) tarn_pool *
cork_pool_new(size_t element_size, size_t block_size, void (*construct)(void *, void *),
              void (*destruct)(void *, void *), void *context);

#endif
