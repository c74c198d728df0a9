/* Double free of a block of size 0. */
#include "misuse/announce.h"

int
main(void)
{
    void *block = misuse_malloc(0);
    free(block);
    misuse_free(block);
    return 0;
}
