/* Lives on 24 MiB at a time, in one size after another, and of each block writes every page: what
 * was freed in one size must serve the next. Usage: within */
#include "expect.h"

enum {
    LIVE = 24 << 20
};

int
main(void)
{
    static const size_t sizes[] = {64, 700000, 96, 9000, 2000, 40000, 500, 5000000, 32, 100000};
    for (int round = 0; round < 3; round++) {
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            size_t count = LIVE / sizes[s];
            char **blocks = calloc(count, sizeof *blocks);
            EXPECT(blocks != NULL);
            for (size_t i = 0; i < count; i++) {
                blocks[i] = malloc(sizes[s]);
                EXPECT(blocks[i] != NULL);
                memset(blocks[i], (int)i, sizes[s]);
            }
            for (size_t i = 0; i < count; i++) {
                EXPECT(blocks[i][sizes[s] - 1] == (char)i);
                free(blocks[i]);
            }
            free(blocks);
        }
    }
    printf("%zu KiB resident at most\n", status_kib("VmHWM:"));
    return 0;
}
