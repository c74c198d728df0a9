/* free of an address on the stack. */
#include "misuse/misuse.h"

int
main(void)
{
    _Alignas(16) char bytes[64] = {0};
    misuse_free(bytes);
    return 0;
}
