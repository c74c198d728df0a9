/*
 * The portable form of an image: lines of JSON, described in docs/heap-command.md. A first line
 * with what stands in the superblock, lines of pieces of memory, a last line with their sum.
 */
#ifndef TARN_HEAP_LINES_H
#define TARN_HEAP_LINES_H

#include <stddef.h>
#include <stdint.h>

#define HEAP_LINES_VERSION 1
#define HEAP_PIECE_MOST    ((size_t)65536) /* bytes of memory in a line */

/* The sum of all pieces up to and with this one. */
uint64_t heap_lines_sum(uint64_t before, uint64_t at, const void *bytes, size_t size);

#endif
