/* malloc_usable_size of a block that is free. */
#include "misuse/announce.h"

#include <malloc.h>

int
main(void)
{
    void *block = misuse_malloc(64);
    free(opaque(block));
    misuse_announce(block);
    malloc_usable_size(opaque(block));
    return 0;
}
