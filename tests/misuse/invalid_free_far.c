/* free of an address no process has. */
#include "misuse/announce.h"

int
main(void)
{
    misuse_free((void *)(uintptr_t)0xffff800000001000u);
    return 0;
}
