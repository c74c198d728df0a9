/* A byte past the end of a block that is never freed. */
#include "misuse/announce.h"

int
main(void)
{
    char *block = misuse_malloc(24);
    misuse_announce(block);
    block[24] = 0;
    return 0;
}
