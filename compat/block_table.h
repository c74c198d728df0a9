/* Live blocks of a heap by their sizes, for the reports that foreign interfaces promise. */
#ifndef TARN_COMPAT_BLOCK_TABLE_H
#define TARN_COMPAT_BLOCK_TABLE_H

#include <tarn/heap.h>

#include <stddef.h>

#define TARN_TABLE_ROWS 128 /* more than the engine has classes */

struct tarn_table_row {
    size_t size; /* usable bytes of each block */
    size_t blocks;
};

struct tarn_block_table {
    size_t blocks;
    size_t bytes; /* usable ones, of all blocks */
    size_t rows;
    struct tarn_table_row row[TARN_TABLE_ROWS]; /* of slabs, in order of size */
    size_t large[64];                           /* larger blocks, by the power of two below */
};

/* As tarn_heap_walk: no thread may use the heap meanwhile. */
void tarn_block_table_fill(struct tarn_block_table *table, tarn_heap *heap);

/* A line of text for each size, or for each power of two of larger blocks. */
void tarn_block_table_say_small(const struct tarn_block_table *table, void (*say)(const char *));
void tarn_block_table_say_large(const struct tarn_block_table *table, void (*say)(const char *));

#endif
