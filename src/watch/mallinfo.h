/*
 * The C library's questions about malloc, as glibc's <malloc.h> declares them; other C libraries
 * do not.
 */
#ifndef TN_MALLINFO_H
#define TN_MALLINFO_H

#include <stddef.h>
#include <stdio.h>

#define TN_EXPORT __attribute__((visibility("default")))

#define FIELDS(type)                                                                               \
    type arena;    /* bytes committed */                                                           \
    type ordblks;  /* pieces that free memory is in: runs of slices, blocks in slabs */            \
    type smblks;   /* 0 */                                                                         \
    type hblks;    /* 0: no block is a mapping of its own */                                       \
    type hblkhd;   /* 0 */                                                                         \
    type usmblks;  /* 0 */                                                                         \
    type fsmblks;  /* bytes of free slices that threads keep */                                    \
    type uordblks; /* bytes in live blocks */                                                      \
    type fordblks; /* arena - uordblks */                                                          \
    type keepcost; /* bytes that malloc_trim gives back at least */

struct mallinfo {
    FIELDS(int)
};

struct mallinfo2 {
    FIELDS(size_t)
};

#undef FIELDS

TN_EXPORT struct mallinfo2 mallinfo2(void);

/* The same in ints: INT_MAX for what is more. */
TN_EXPORT struct mallinfo mallinfo(void);

/* Figures as XML with glibc's element names; free memory by size. 0, or -1 with errno: EINVAL when
 * options is not 0, else what writing said. */
TN_EXPORT int malloc_info(int options, FILE *stream);

/* A summary on stderr. */
TN_EXPORT void malloc_stats(void);

#endif
