/* a, b, then a again: the classic that fools a check of the list's head alone. */
#include "misuse/announce.h"

int
main(void)
{
    void *first = misuse_malloc(48);
    void *second = misuse_malloc(48);
    free(first);
    free(second);
    misuse_free(first);
    return 0;
}
