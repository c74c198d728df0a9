/* realloc of a static object. */
#include "misuse/announce.h"

int
main(void)
{
    static _Alignas(16) char bytes[64];
    misuse_announce(bytes);
    char *block = realloc(opaque(bytes), 100);
    free(opaque(block));
    return 0;
}
