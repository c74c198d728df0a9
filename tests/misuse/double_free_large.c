/* Double free of a large block, at once. */
#include "misuse/announce.h"

int
main(void)
{
    void *block = misuse_malloc(300000);
    free(block);
    misuse_free(block);
    return 0;
}
