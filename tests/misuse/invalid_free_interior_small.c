/* free of an address inside a small block. */
#include "misuse/announce.h"

int
main(void)
{
    char *block = misuse_malloc(160);
    misuse_free(block + 16);
    return 0;
}
