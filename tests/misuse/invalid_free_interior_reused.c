/* An address inside a block that was freed is not given out. */
#include "misuse/announce.h"

int
main(void)
{
    char *block = misuse_malloc(4000);
    misuse_free(block + 8);
    opaque(malloc(opaque_size(4000)));
    return 0;
}
