/* A byte before the start of a block. */
#include "misuse/announce.h"

int
main(void)
{
    char *block = misuse_malloc(48);
    block[-1] ^= 1;
    misuse_free(block);
    return 0;
}
