/* A size that is not the one that was asked for. */
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
    misuse_announce(block);
    free_with_size(opaque(block), 60);
    return 0;
}
