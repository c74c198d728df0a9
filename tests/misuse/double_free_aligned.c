/* Double free of an aligned block. */
#include "misuse/announce.h"

#include <malloc.h>

int
main(void)
{
    void *block = memalign(opaque_size(4096), 100);
    free(block);
    misuse_free(block);
    return 0;
}
