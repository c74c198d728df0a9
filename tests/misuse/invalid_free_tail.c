/* free of what is left behind the last block of a slab of 9 KiB blocks. */
#include "misuse/announce.h"

#include <malloc.h>

int
main(void)
{
    char *first = misuse_malloc(9000);
    size_t step = malloc_usable_size(first);
    misuse_free(first - ((uintptr_t)first & 65535) + 65536 / step * step);
    return 0;
}
