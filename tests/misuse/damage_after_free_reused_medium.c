/* A block written to after it was freed is not given out again. */
#include "misuse/announce.h"

int
main(void)
{
    char *block = misuse_malloc(4000);
    misuse_announce(block);
    free(opaque(block));
    memset(block, 'A', 4000);
    opaque(malloc(opaque_size(4000)));
    return 0;
}
