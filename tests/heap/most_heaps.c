/* As many heaps as there can be: then a further one is refused with ENOMEM, in a buffer too; the
 * process heap, which nobody used before, works all the same; and what ends makes room. */
#include "tarn/heap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST 2048

static _Alignas(65536) char buffer[1 << 20];
static tarn_heap *heaps[MOST];

static int
fails(const char *what)
{
    fprintf(stderr, "%s\n", what);
    return 1;
}

int
main(void)
{
    size_t count = 0;
    while (count < MOST && (heaps[count] = tarn_heap_new()) != NULL) {
        count++;
    }
    if (count < 900 || count == MOST || errno != ENOMEM) {
        return fails("another number of heaps, or not ENOMEM");
    }
    errno = 0;
    if (tarn_heap_new_in(buffer, sizeof buffer) != NULL || errno != ENOMEM) {
        return fails("a heap in a buffer was not refused with ENOMEM");
    }
    char *volatile block = malloc(100);
    if (block == NULL || tarn_heap_of(block) != tarn_heap_process()) {
        return fails("the process heap has no room");
    }
    free(block);
    tarn_heap_destroy(heaps[count / 2]);
    heaps[count / 2] = tarn_heap_new();
    if (heaps[count / 2] == NULL) {
        return fails("an ended heap made no room");
    }
    for (size_t i = 0; i < count; i++) {
        void *p = tarn_heap_malloc(heaps[i], 100);
        if (p == NULL || tarn_heap_of(p) != heaps[i]) {
            return fails("a block is not its heap's");
        }
        tarn_heap_destroy(heaps[i]);
    }
    printf("%zu heaps\n", count);
    return 0;
}
