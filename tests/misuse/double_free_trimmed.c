/* Double free after malloc_trim gave the memory back. */
#include "misuse/announce.h"

#include <malloc.h>

int
main(void)
{
    static void *blocks[5000];
    for (int i = 0; i < 5000; i++) {
        blocks[i] = misuse_malloc(300);
    }
    for (int i = 0; i < 5000; i++) {
        free(blocks[i]);
    }
    malloc_trim(0);
    misuse_free(blocks[10]);
    return 0;
}
