/* malloc_usable_size of a freed block. */
#include "misuse/misuse.h"

#include <malloc.h>

int
main(void)
{
    void *block = misuse_malloc(100);
    free(block);
    misuse_announce(block);
    size_t size = malloc_usable_size(opaque(block));
    EXPECT(opaque_size(size) < 1000);
    return 0;
}
