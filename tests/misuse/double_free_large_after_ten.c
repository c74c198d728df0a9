/* Double free of a large block with ten other frees of large blocks between. */
#include "misuse/announce.h"

int
main(void)
{
    void *others[10];
    void *block = misuse_malloc(400000);
    for (int i = 0; i < 10; i++) {
        others[i] = misuse_malloc(400000);
    }
    free(block);
    for (int i = 0; i < 10; i++) {
        free(others[i]);
    }
    misuse_free(block);
    return 0;
}
