/* The freestanding heap. */
#include <stdio.h>
#include <tarn/quick.h>

static char memory[65536];

int
main(void)
{
    struct tarn_quick *heap = tarn_quick_init(memory, sizeof memory, 0, &tarn_quick_hosted);
    void *object = tarn_quick_malloc(heap, 100);
    tarn_quick_free(heap, object);
    puts(object != NULL && tarn_quick_check(heap, NULL) == NULL ? "kept" : "lost");
    return 0;
}
