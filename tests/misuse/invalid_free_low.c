/* free of a small number. */
#include "misuse/announce.h"

int
main(void)
{
    misuse_free((void *)(uintptr_t)0x1230u);
    return 0;
}
