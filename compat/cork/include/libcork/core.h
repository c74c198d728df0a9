/*
 * libcork's memory pools on Tarn: link with -ltarn-cork -ltarn.
 *
 * Two generations of the interface, one of which a program is written for. By default that of
 * libcork 1.0, as distributions ship it. With CORK_MEMPOOL_EMBEDDED defined before the first
 * include, that of libcork's older manual, where the program holds the struct cork_mempool itself.
 * One program may use both, in different source files.
 */
#ifndef LIBCORK_CORE_H
#define LIBCORK_CORE_H

#include <libcork/core/mempool.h>

#endif
