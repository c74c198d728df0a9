#include "block_table.h"

#include <stdio.h>
#include <string.h>

#define SMALL_MOST ((size_t)32 << 10)

static unsigned
power_below(size_t size)
{
    unsigned power = 0;
    while (size >>= 1) {
        power++;
    }
    return power;
}

/* False: no room for one more size. */
static bool
count_small(struct tarn_block_table *table, size_t size)
{
    size_t at = 0;
    while (at < table->rows && table->row[at].size < size) {
        at++;
    }
    if (at == table->rows || table->row[at].size != size) {
        if (table->rows == TARN_TABLE_ROWS) {
            return false;
        }
        memmove(&table->row[at + 1], &table->row[at], (table->rows - at) * sizeof table->row[0]);
        table->row[at] = (struct tarn_table_row){.size = size};
        table->rows++;
    }
    table->row[at].blocks++;
    return true;
}

static bool
count_block(void *context, void *block, size_t size)
{
    struct tarn_block_table *table = context;
    (void)block;
    table->blocks++;
    table->bytes += size;
    if (size > SMALL_MOST || !count_small(table, size)) {
        table->large[power_below(size)]++;
    }
    return true;
}

void
tarn_block_table_fill(struct tarn_block_table *table, tarn_heap *heap)
{
    memset(table, 0, sizeof *table);
    tarn_heap_walk(heap, count_block, table);
}

void
tarn_block_table_say_small(const struct tarn_block_table *table, void (*say)(const char *))
{
    char line[96];
    for (size_t i = 0; i < table->rows; i++) {
        snprintf(line, sizeof line, "  %zu blocks of %zu bytes\n", table->row[i].blocks,
                 table->row[i].size);
        say(line);
    }
}

void
tarn_block_table_say_large(const struct tarn_block_table *table, void (*say)(const char *))
{
    char line[96];
    for (unsigned power = 0; power < 63; power++) {
        if (table->large[power] != 0) {
            snprintf(line, sizeof line, "  %zu blocks of %zu to %zu bytes\n", table->large[power],
                     (size_t)1 << power, ((size_t)2 << power) - 1);
            say(line);
        }
    }
}
