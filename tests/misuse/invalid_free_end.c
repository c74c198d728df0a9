/* free of the address behind a large block. */
#include "misuse/announce.h"

int
main(void)
{
    char *block = misuse_malloc(262144);
    misuse_free(block + 262144);
    return 0;
}
