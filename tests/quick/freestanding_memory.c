/* The four functions that any freestanding C needs, for the images and programs that have no libc.
 */
#include <stddef.h>
#include <stdint.h>

void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);

/* Else the loops would be recognised for what they are and call themselves. */
#pragma GCC optimize("no-tree-loop-distribute-patterns")

void *
memcpy(void *to, const void *from, size_t size)
{
    size_t i;

    for (i = 0; i < size; i++) {
        ((unsigned char *)to)[i] = ((const unsigned char *)from)[i];
    }
    return to;
}

void *
memmove(void *to, const void *from, size_t size)
{
    size_t i;

    if ((uintptr_t)to < (uintptr_t)from) {
        return memcpy(to, from, size);
    }
    for (i = size; i > 0; i--) {
        ((unsigned char *)to)[i - 1] = ((const unsigned char *)from)[i - 1];
    }
    return to;
}

void *
memset(void *to, int byte, size_t size)
{
    size_t i;

    for (i = 0; i < size; i++) {
        ((unsigned char *)to)[i] = (unsigned char)byte;
    }
    return to;
}

int
memcmp(const void *a, const void *b, size_t size)
{
    size_t i;

    for (i = 0; i < size; i++) {
        int difference = ((const unsigned char *)a)[i] - ((const unsigned char *)b)[i];

        if (difference != 0) {
            return difference;
        }
    }
    return 0;
}
