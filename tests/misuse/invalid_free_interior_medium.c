/* free of an address inside a medium block. */
#include "misuse/announce.h"

int
main(void)
{
    char *block = misuse_malloc(9000);
    misuse_free(block + 4096);
    return 0;
}
