/* Double free by free_sized. */
#include "misuse/announce.h"

#include <dlfcn.h>

typedef void sized(void *, size_t);

int
main(void)
{
    sized *free_with_size = (sized *)(uintptr_t)dlsym(RTLD_DEFAULT, "free_sized");
    void *block = misuse_malloc(64);
    if (free_with_size == NULL) {
        expect_skip("free_sized");
    }
    free_with_size(block, 64);
    misuse_announce(block);
    free_with_size(opaque(block), 64);
    return 0;
}
