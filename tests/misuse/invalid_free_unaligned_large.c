/* free of an address eight bytes into a large block. */
#include "misuse/announce.h"

int
main(void)
{
    char *block = misuse_malloc(1000000);
    misuse_free(block + 8);
    return 0;
}
