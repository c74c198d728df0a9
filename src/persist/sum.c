#define XXH_INLINE_ALL
#include <xxhash.h>

#include "persist/sum.h"

uint64_t
tn_sum(const void *data, size_t size)
{
    uint64_t sum = XXH3_64bits(data, size);
    return sum != 0 ? sum : 1;
}
