/* free of an address on the stack. */
#include "misuse/announce.h"

int
main(void)
{
    _Alignas(16) char bytes[64] = {0};
    misuse_free(bytes);
    return 0;
}
