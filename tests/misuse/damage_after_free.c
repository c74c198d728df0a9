/* A block written to after it was freed, and not asked for again. */
#include "misuse/announce.h"

int
main(void)
{
    char *block = misuse_malloc(100);
    misuse_announce(block);
    free(opaque(block));
    block[50] = 1;
    return 0;
}
