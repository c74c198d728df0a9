/* Double free with 1000 other frees of the same size between. */
#include "misuse/announce.h"

int
main(void)
{
    static void *others[1000];
    void *block = misuse_malloc(64);
    for (int i = 0; i < 1000; i++) {
        others[i] = misuse_malloc(64);
    }
    void *last = misuse_malloc(64);
    free(block);
    for (int i = 0; i < 1000; i++) {
        free(others[i]);
    }
    misuse_free(block);
    free(last);
    return 0;
}
