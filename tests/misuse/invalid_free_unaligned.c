/* free of an address one byte into a block. */
#include "misuse/announce.h"

int
main(void)
{
    char *block = misuse_malloc(100);
    misuse_free(block + 1);
    return 0;
}
