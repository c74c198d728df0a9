/* free of memory from mmap. */
#include "misuse/announce.h"

#include <sys/mman.h>

int
main(void)
{
    void *block = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(block != MAP_FAILED);
    misuse_free(block);
    return 0;
}
