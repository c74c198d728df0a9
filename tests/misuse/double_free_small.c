/* Double free of a small block, at once. */
#include "misuse/announce.h"

int
main(void)
{
    void *block = misuse_malloc(40);
    free(block);
    misuse_free(block);
    return 0;
}
