/*
 * Checksums: XXH3 with 64 bits (Collet), compiled in. Never 0, which stands for no sum.
 */
#ifndef TN_SUM_H
#define TN_SUM_H

#include <stddef.h>
#include <stdint.h>

uint64_t tn_sum(const void *data, size_t size);

#endif
