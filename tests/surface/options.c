/* mallopt takes every parameter without harm; malloc_trim gives freed memory back and says so. */
#include "expect.h"

#include <malloc.h>

enum {
    BLOCKS = 400000,
    SIZE = 200
};

static void *blocks[BLOCKS];

static void
still_works(void)
{
    for (size_t size = 1; size < 2000000; size = size * 3 + 1) {
        char *block = malloc(size);
        EXPECT(block != NULL);
        memset(block, 1, size);
        free(block);
    }
}

static void
every_option(void)
{
    for (int parameter = -12; parameter <= 12; parameter++) {
        if (parameter == M_PERTURB) {
            continue;
        }
        int answer = mallopt(parameter, parameter == M_MXFAST ? 64 : 1 << 17);
        EXPECT(answer == 0 || answer == 1);
        still_works();
    }
    EXPECT(mallopt(M_MMAP_MAX, 65536) == 1 || subject_is_preloaded());
}

static void
trim(void)
{
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(SIZE);
        EXPECT(blocks[i] != NULL);
        memset(blocks[i], 1, SIZE);
    }
    size_t full = status_kib("VmRSS:");
    for (size_t i = 0; i < BLOCKS; i++) {
        free(blocks[i]);
    }
    int answer = malloc_trim(0);
    EXPECT(answer == 0 || answer == 1);
    size_t after = status_kib("VmRSS:");
    fprintf(stderr, "resident: %zu KiB full, %zu KiB freed and trimmed\n", full, after);
    EXPECT(full >= (size_t)BLOCKS * SIZE / 1024);
    EXPECT(after <= full - (size_t)BLOCKS * SIZE / 1024 * 9 / 10);
    still_works();

    /* With one block in a hundred kept, what is kept stays. */
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(SIZE);
        EXPECT(blocks[i] != NULL);
        stamp(blocks[i], SIZE, i);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        if (i % 100 != 0) {
            free(blocks[i]);
        }
    }
    malloc_trim(0);
    malloc_trim(1 << 20);
    for (size_t i = 0; i < BLOCKS; i += 100) {
        EXPECT(is_stamped(blocks[i], SIZE, i));
        free(blocks[i]);
    }
    malloc_trim(SIZE_MAX);
}

int
main(void)
{
    trim();
    every_option();
    return 0;
}
