/* free of a string constant. */
#include "misuse/announce.h"

int
main(void)
{
    misuse_free((void *)(uintptr_t) "a constant string");
    return 0;
}
