/* What the misuse programs share. Each names on stdout the pointer it is about to misuse, so that
 * the runner can tell whether the message names the same; then it does the misuse, and ends with 0
 * if nobody stopped it. */
#ifndef TESTS_MISUSE_ANNOUNCE_H
#define TESTS_MISUSE_ANNOUNCE_H

#include "expect.h"

static inline void
misuse_announce(const void *pointer)
{
    char text[64];
    int length = snprintf(text, sizeof text, "%p\n", pointer);
    EXPECT(write(1, text, (size_t)length) == length);
}

/* free(), after saying so. */
static inline void
misuse_free(void *pointer)
{
    misuse_announce(pointer);
    free(opaque(pointer));
}

/* A block that is there. */
static inline void *
misuse_malloc(size_t size)
{
    void *block = malloc(opaque_size(size));
    EXPECT(block != NULL);
    memset(block, 1, size);
    return opaque(block);
}

#endif
