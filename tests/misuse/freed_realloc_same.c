/* A block that is free is asked to become a little smaller, which would leave it where it is. */
#include "misuse/announce.h"

int
main(void)
{
    char *block = misuse_malloc(200);
    free(opaque(block));
    misuse_announce(block);
    opaque(realloc(opaque(block), opaque_size(190)));
    return 0;
}
