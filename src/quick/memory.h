/* The four functions that any freestanding C implementation must provide. */
#ifndef TN_QUICK_MEMORY_H
#define TN_QUICK_MEMORY_H

#include <stddef.h>

#if defined(__STDC_HOSTED__) && __STDC_HOSTED__
#    include <string.h>
#else
#    ifdef __cplusplus
extern "C" {
#    endif
void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);
#    ifdef __cplusplus
}
#    endif
#endif

#endif
