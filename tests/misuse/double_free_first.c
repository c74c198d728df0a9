/* Double free of the only block the thread ever had. */
#include "misuse/announce.h"

int
main(void)
{
    void *block = malloc(opaque_size(24));
    free(block);
    misuse_free(block);
    return 0;
}
