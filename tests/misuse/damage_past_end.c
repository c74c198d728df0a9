/* A byte past the end of a small block. */
#include "misuse/announce.h"

int
main(void)
{
    char *block = misuse_malloc(24);
    block[24] = 0;
    misuse_free(block);
    return 0;
}
