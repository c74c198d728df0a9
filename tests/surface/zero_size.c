/* Size 0: a pointer of its own that can be freed, from every function that allocates; realloc to 0
 * frees and returns NULL, as glibc documents. */
#include "expect.h"

#include <malloc.h>

enum {
    PIECES = 1000
};

static int
compare_pointers(const void *left, const void *right)
{
    uintptr_t a = *(const uintptr_t *)left;
    uintptr_t b = *(const uintptr_t *)right;
    return (a > b) - (a < b);
}

static void *
allocate_nothing(int way)
{
    void *block = NULL;
    switch (way % 9) {
    case 0:
        return malloc(opaque_size(0));
    case 1:
        return calloc(opaque_size(0), 8);
    case 2:
        return calloc(8, opaque_size(0));
    case 3:
        return realloc(NULL, opaque_size(0));
    case 4:
        return reallocarray(NULL, opaque_size(0), opaque_size(SIZE_MAX));
    case 5:
        EXPECT(posix_memalign(&block, 64, opaque_size(0)) == 0);
        return block;
    case 6:
        return aligned_alloc(32, opaque_size(0));
    case 7:
        return memalign(4096, opaque_size(0));
    default:
        return valloc(opaque_size(0));
    }
}

int
main(void)
{
    static void *blocks[PIECES];

    for (int i = 0; i < PIECES; i++) {
        blocks[i] = allocate_nothing(i);
        EXPECT(blocks[i] != NULL);
        EXPECT(is_aligned(blocks[i], 8));
    }
    qsort(blocks, PIECES, sizeof *blocks, compare_pointers);
    for (int i = 1; i < PIECES; i++) {
        EXPECT(blocks[i] != blocks[i - 1]);
    }
    for (int i = 0; i < PIECES; i++) {
        stamp(blocks[i], malloc_usable_size(blocks[i]), (uint64_t)i);
    }
    for (int i = 0; i < PIECES; i++) {
        EXPECT(is_stamped(blocks[i], malloc_usable_size(blocks[i]), (uint64_t)i));
        free(blocks[i]);
    }

    void *none = pvalloc(opaque_size(0));
    EXPECT(none != NULL);
    free(none);

    /* A block of size 0 grows like any other. */
    char *grown = realloc(malloc(opaque_size(0)), 100);
    EXPECT(grown != NULL);
    memset(grown, 1, 100);
    free(grown);

    for (size_t size = 1; size < ((size_t)4 << 20); size = size * 5 + 3) {
        void *block = malloc(size);
        EXPECT(block != NULL);
        errno = 0;
        EXPECT(realloc(block, opaque_size(0)) == NULL);
        EXPECT(errno == 0);
        block = malloc(size);
        EXPECT(block != NULL);
        EXPECT(reallocarray(block, opaque_size(0), 7) == NULL);
        block = malloc(size);
        EXPECT(block != NULL);
        EXPECT(reallocarray(block, 7, opaque_size(0)) == NULL);
    }

    free(opaque(NULL));
    EXPECT(malloc_usable_size(opaque(NULL)) == 0);
    return 0;
}
