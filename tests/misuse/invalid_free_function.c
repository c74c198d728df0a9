/* free of a function's address. */
#include "misuse/announce.h"

int
main(void)
{
    misuse_free((void *)(uintptr_t)main);
    return 0;
}
