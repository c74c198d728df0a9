/* A byte of a block that has none. */
#include "misuse/announce.h"

int
main(void)
{
    char *block = malloc(opaque_size(0));
    misuse_announce(block);
    block[0] = 1;
    return 0;
}
