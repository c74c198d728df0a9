/* realloc of a freed block. */
#include "misuse/announce.h"

int
main(void)
{
    void *block = misuse_malloc(64);
    free(block);
    misuse_announce(block);
    block = realloc(opaque(block), 1000);
    free(opaque(block));
    return 0;
}
