/* free of a block's address, of 10 KiB, in a slab that was not yet handed out. */
#include "misuse/announce.h"

#include <malloc.h>

int
main(void)
{
    char *first = misuse_malloc(10000);
    misuse_free(first + 2 * malloc_usable_size(first));
    return 0;
}
