/* Double free of a huge block, at once. */
#include "misuse/announce.h"

int
main(void)
{
    void *block = misuse_malloc(50000000);
    free(block);
    misuse_free(block);
    return 0;
}
