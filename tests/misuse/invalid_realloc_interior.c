/* realloc of an address inside a block. */
#include "misuse/announce.h"

int
main(void)
{
    char *block = misuse_malloc(5000);
    misuse_announce(block + 64);
    block = realloc(opaque(block + 64), 6000);
    free(opaque(block));
    return 0;
}
