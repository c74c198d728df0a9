/* free of the address a block had before realloc moved it. */
#include "misuse/announce.h"

int
main(void)
{
    void *block = misuse_malloc(64);
    void *moved = realloc(block, 100000);
    EXPECT(moved != NULL && moved != block);
    misuse_free(block);
    return 0;
}
