/*
 * How a size is written wherever a user may write one: in an option, in the environment, after an
 * option of the tarn command.
 */
#ifndef TN_BYTE_COUNT_H
#define TN_BYTE_COUNT_H

#include <stdbool.h>
#include <stdint.h>

/* Reads a whole number, decimal or hexadecimal after 0x, with or without K, M, G or T (of 1024, in
 * either case, with or without iB) behind it; alone it counts units. False when it is none or does
 * not fit. */
bool tn_byte_count(const char *text, uint64_t unit, uint64_t *bytes);

#endif
