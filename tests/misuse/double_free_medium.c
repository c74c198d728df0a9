/* Double free of a medium block, at once. */
#include "misuse/announce.h"

int
main(void)
{
    void *block = misuse_malloc(5000);
    free(block);
    misuse_free(block);
    return 0;
}
