/* Every face of the library; run with the name of a file to keep an image in. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tarn/heap.h>
#include <tarn/offset.h>
#include <tarn/persist.h>
#include <tarn/pool.h>
#include <tarn/stats.h>
#include <tarn/tarn.h>

int
main(int argc, char **argv)
{
    char version[32];
    snprintf(version, sizeof version, "%d.%d.%d", TARN_VERSION_MAJOR, TARN_VERSION_MINOR,
             TARN_VERSION_PATCH);
    if (argc != 2 || strcmp(version, tarn_version()) != 0) {
        return 2;
    }
    /* malloc is Tarn's: its blocks are the process heap's. */
    char *block = malloc(100);
    if (tarn_heap_of(block) != tarn_heap_process()) {
        return 3;
    }
    tarn_free(block);
    tarn_pool *pool = tarn_pool_of(long);
    tarn_pool_free(pool, tarn_pool_alloc(pool));
    tarn_pool_close(pool);
    struct tarn_stats stats = {.size = sizeof stats};
    if (tarn_stats(&stats) == 0) {
        return 4;
    }
    tarn_heap *heap = tarn_create(argv[1], NULL);
    if (heap == NULL) {
        fprintf(stderr, "%s\n", tarn_error());
        return 5;
    }
    tarn_set_root(heap, tarn_heap_strdup(heap, "kept"));
    if (tarn_close(heap) != 0) {
        return 6;
    }
    heap = tarn_open(argv[1], NULL);
    printf("%s\n", (char *)tarn_root(heap));
    return tarn_close(heap);
}
