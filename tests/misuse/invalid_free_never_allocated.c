/* free of an address near live blocks that was never handed out. */
#include "misuse/announce.h"

int
main(void)
{
    char *block = misuse_malloc(1024);
    char *page = (char *)((uintptr_t)block | 0xffff) + 1;
    misuse_free(page + ((size_t)64 << 20));
    return 0;
}
