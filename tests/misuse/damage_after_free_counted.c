/* A count is written to a block that was freed: it is not given out again. */
#include "misuse/announce.h"

int
main(void)
{
    char *other = misuse_malloc(48);
    char *block = misuse_malloc(48);
    misuse_announce(block);
    free(opaque(other));
    free(opaque(block));
    *(long *)opaque(block) = 7;
    opaque(calloc(1, opaque_size(48)));
    return 0;
}
