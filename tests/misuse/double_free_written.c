/* Double free of a block that was written to in between, as a program with a stale pointer does. */
#include "misuse/announce.h"

int
main(void)
{
    char *block = misuse_malloc(128);
    free(block);
    memset(block, 0x41, 128);
    misuse_free(block);
    return 0;
}
