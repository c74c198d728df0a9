/* The frees that are told more than the pointer: C23's free_sized and free_aligned_sized, and the
 * old cfree. The C library may lack all three, so they are looked up. */
#include "expect.h"

#include <dlfcn.h>
#include <malloc.h>

typedef void sized(void *, size_t);
typedef void aligned_sized(void *, size_t, size_t);
typedef void plain(void *);

static void *
look_up(const char *name)
{
    void *address = dlsym(RTLD_DEFAULT, name);
    if (address == NULL) {
        EXPECT(!subject_is_preloaded());
        expect_skip("free_sized, free_aligned_sized and cfree in the C library");
    }
    return address;
}

int
main(void)
{
    sized *free_with_size = (sized *)(uintptr_t)look_up("free_sized");
    aligned_sized *free_with_both = (aligned_sized *)(uintptr_t)look_up("free_aligned_sized");
    plain *old_free = (plain *)(uintptr_t)look_up("cfree");
    uint64_t random = 11;

    free_with_size(NULL, 0);
    free_with_size(NULL, 100);
    free_with_both(NULL, 16, 100);
    old_free(NULL);

    for (int round = 0; round < 200000; round++) {
        size_t size = next_random(&random) % (round % 200 == 0 ? 3000000 : 3000);
        size_t alignment = (size_t)8 << (next_random(&random) % 12);
        errno = 42;
        void *block = NULL;
        switch (round % 5) {
        case 0:
            block = malloc(size);
            EXPECT(block != NULL);
            free_with_size(block, size);
            break;
        case 1:
            block = calloc(size, 1);
            EXPECT(block != NULL);
            free_with_size(block, size);
            break;
        case 2:
            block = realloc(malloc(size / 2), size + 1);
            EXPECT(block != NULL);
            free_with_size(block, size + 1);
            break;
        case 3:
            block = aligned_alloc(alignment, size);
            EXPECT(block != NULL && is_aligned(block, alignment));
            free_with_both(block, alignment, size);
            break;
        default:
            block = malloc(size);
            EXPECT(block != NULL);
            old_free(block);
            break;
        }
        EXPECT(errno == 42);
    }
    return 0;
}
