/* A byte past the end of a block of many pages. */
#include "misuse/announce.h"

int
main(void)
{
    char *block = misuse_malloc(20000);
    block[20000] = 0;
    misuse_free(block);
    return 0;
}
