/* realloc of a freed large block. */
#include "misuse/announce.h"

int
main(void)
{
    void *block = misuse_malloc(400000);
    free(block);
    misuse_announce(block);
    block = realloc(opaque(block), 500000);
    free(opaque(block));
    return 0;
}
