/* errno: as it was after every success and after free, whatever the block's size and history;
 * ENOMEM after failure. */
#include "expect.h"

#include <malloc.h>

enum {
    MARK = 4711,
    ROUNDS = 4
};

static void
one_size(size_t size)
{
    void *aligned = NULL;

    errno = MARK;
    char *block = malloc(size);
    EXPECT(block != NULL && errno == MARK);
    memset(block, 1, size);
    EXPECT(malloc_usable_size(block) >= size && errno == MARK);
    block = realloc(block, size * 2 + 1);
    EXPECT(block != NULL && errno == MARK);
    block = realloc(block, size / 2 + 1);
    EXPECT(block != NULL && errno == MARK);
    block = reallocarray(block, 3, size + 1);
    EXPECT(block != NULL && errno == MARK);
    char *zeroed = calloc(size + 1, 1);
    EXPECT(zeroed != NULL && errno == MARK);
    EXPECT(posix_memalign(&aligned, 256, size) == 0 && errno == MARK);
    void *more = aligned_alloc(1 << 16, size);
    EXPECT(more != NULL && errno == MARK);
    void *page = valloc(size);
    EXPECT(page != NULL && errno == MARK);
    void *pages = pvalloc(size);
    EXPECT(pages != NULL && errno == MARK);

    free(block);
    EXPECT(errno == MARK);
    free(zeroed);
    EXPECT(errno == MARK);
    free(aligned);
    EXPECT(errno == MARK);
    free(more);
    EXPECT(errno == MARK);
    free(page);
    EXPECT(errno == MARK);
    free(pages);
    EXPECT(errno == MARK);
    free(opaque(NULL));
    EXPECT(errno == MARK);
}

int
main(void)
{
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t size = 0; size < ((size_t)96 << 20); size = size * 7 / 5 + 9) {
            one_size(size);
        }
        errno = MARK;
        malloc_trim(0);
        EXPECT(errno == MARK);
    }

    /* Failure between successes leaves ENOMEM, and success does not wipe it out. */
    errno = 0;
    EXPECT(malloc(opaque_size(PTRDIFF_MAX)) == NULL && errno == ENOMEM);
    void *block = malloc(10);
    EXPECT(block != NULL && errno == ENOMEM);
    free(block);
    EXPECT(errno == ENOMEM);

    /* posix_memalign tells by its value, where memory is short by errno as well; it leaves the
     * pointer alone. */
    void *untouched = &block;
    EXPECT(posix_memalign(&untouched, 3, 100) == EINVAL);
    EXPECT(posix_memalign(&untouched, 0, 100) == EINVAL);
    EXPECT(posix_memalign(&untouched, 4, 100) == EINVAL);
    EXPECT(posix_memalign(&untouched, 24, 100) == EINVAL);
    errno = 0;
    EXPECT(posix_memalign(&untouched, 8, opaque_size(SIZE_MAX)) == ENOMEM && errno == ENOMEM);
    EXPECT(untouched == &block);
    return 0;
}
