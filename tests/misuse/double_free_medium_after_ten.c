/* Double free of a medium block with ten other frees between. */
#include "misuse/announce.h"

int
main(void)
{
    void *others[10];
    void *block = misuse_malloc(9000);
    for (int i = 0; i < 10; i++) {
        others[i] = misuse_malloc(9000);
    }
    free(block);
    for (int i = 0; i < 10; i++) {
        free(others[i]);
    }
    misuse_free(block);
    return 0;
}
