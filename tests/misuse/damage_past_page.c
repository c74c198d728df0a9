/* A byte past the end of a large block. */
#include "misuse/announce.h"

int
main(void)
{
    char *block = misuse_malloc(300000);
    misuse_announce(block);
    block[(300000 + 15) / 16 * 16] = 1;
    return 0;
}
