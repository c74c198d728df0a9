/* A large block written to after it was freed. */
#include "misuse/announce.h"

int
main(void)
{
    char *block = misuse_malloc(300000);
    misuse_announce(block);
    free(opaque(block));
    block[150000] = 1;
    return 0;
}
