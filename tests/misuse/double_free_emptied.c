/* Double free after every other block of its size was freed too, so that its slab may be gone. */
#include "misuse/announce.h"

int
main(void)
{
    static void *blocks[5000];
    for (int i = 0; i < 5000; i++) {
        blocks[i] = misuse_malloc(200);
    }
    for (int i = 0; i < 5000; i++) {
        free(blocks[i]);
    }
    misuse_free(blocks[2500]);
    return 0;
}
