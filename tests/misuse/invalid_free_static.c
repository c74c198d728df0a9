/* free of a static object. */
#include "misuse/announce.h"

int
main(void)
{
    static _Alignas(4096) char bytes[8192];
    misuse_free(bytes + 4096);
    return 0;
}
