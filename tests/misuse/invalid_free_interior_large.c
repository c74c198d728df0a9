/* free of an address inside a large block. */
#include "misuse/announce.h"

int
main(void)
{
    char *block = misuse_malloc(500000);
    misuse_free(block + 131072);
    return 0;
}
