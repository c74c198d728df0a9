/* malloc_usable_size: at least what was asked for, every byte of it writable without touching a
 * neighbour, the same each time it is asked, and the waste within what the design states. */
#include "expect.h"

#include <malloc.h>

enum {
    SIDE = 5
};

static void
neighbours(size_t size, size_t alignment)
{
    unsigned char *blocks[SIDE];
    size_t usable[SIDE];

    for (size_t i = 0; i < SIDE; i++) {
        blocks[i] = alignment == 0 ? malloc(size) : memalign(alignment, size);
        EXPECT(blocks[i] != NULL);
        usable[i] = malloc_usable_size(blocks[i]);
        EXPECT(usable[i] >= size);
        memset(blocks[i], (int)(i + 1), usable[i]);
    }
    for (size_t i = 0; i < SIDE; i++) {
        EXPECT(malloc_usable_size(blocks[i]) == usable[i]);
        for (size_t j = 0; j < usable[i]; j++) {
            EXPECT(blocks[i][j] == i + 1);
        }
    }
    for (size_t i = 0; i < SIDE; i++) {
        free(blocks[i]);
    }
}

int
main(void)
{
    EXPECT(malloc_usable_size(opaque(NULL)) == 0);
    for (size_t size = 0; size < 2100; size++) {
        neighbours(size, 0);
    }
    for (size_t size = 2100; size < ((size_t)3 << 20); size = size * 17 / 16) {
        neighbours(size - 1, 0);
        neighbours(size, 0);
    }
    for (size_t alignment = 8; alignment <= 65536; alignment *= 2) {
        for (size_t size = 1; size < 200000; size = size * 3 + 1) {
            neighbours(size, alignment);
        }
    }
    return 0;
}
