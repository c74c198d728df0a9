/* Writes the process heap's statistics, or summaries, in the form asked for, to stdout. */
#include "tarn/pool.h"
#include "tarn/stats.h"
#include "tarn/tarn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void
put_line(void *context, const char *line)
{
    (void)context;
    puts(line);
}

int
main(int argc, char **argv)
{
    static void *blocks[1000]; /* live to the end */
    for (int i = 0; i < 1000; i++) {
        blocks[i] = tarn_malloc(5000);
    }
    const char *what = argc > 1 ? argv[1] : "";
    if (strcmp(what, "json") == 0) {
        tarn_stats_write(tarn_heap_process(), TARN_STATS_JSON, put_line, NULL);
    } else if (strcmp(what, "prometheus") == 0) {
        tarn_stats_write(tarn_heap_process(), TARN_STATS_PROMETHEUS, put_line, NULL);
    } else if (strcmp(what, "heap") == 0) {
        tarn_heap *heap = tarn_heap_new();
        for (int i = 0; i < 10; i++) {
            blocks[i] = tarn_heap_malloc(heap, 1000);
        }
        tarn_heap_summary(heap, put_line, NULL);
        tarn_heap_destroy(heap);
    } else {
        tarn_pool *pool = tarn_pool_new(100, &(struct tarn_pool_options){.name = "things"});
        for (int i = 0; i < 10; i++) {
            blocks[i] = tarn_pool_alloc(pool);
        }
        tarn_pool_summary(pool, put_line, NULL);
        tarn_pool_destroy(pool);
    }
    return blocks[0] == NULL;
}
