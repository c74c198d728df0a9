/* A block written to after it was freed is not given out again. */
#include "misuse/announce.h"

int
main(void)
{
    char *block = misuse_malloc(100);
    misuse_announce(block);
    free(opaque(block));
    memset(block, 'A', 100);
    opaque(malloc(opaque_size(100)));
    return 0;
}
