/* A block written to after it was freed, among others that come and go. */
#include "misuse/announce.h"

int
main(void)
{
    char *block = misuse_malloc(100);
    misuse_announce(block);
    free(opaque(block));
    block[50] = 1;
    for (int i = 0; i < 10000; i++) {
        free(opaque(malloc(opaque_size(100))));
    }
    return 0;
}
