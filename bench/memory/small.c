/* How large is a small process? One thread, a few hundred kilobytes live in small blocks; tells the
 * resident set once they are there. What an allocator sets up in advance shows here. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

int
main(void)
{
    enum {
        BLOCKS = 3000
    };
    static unsigned char *blocks[BLOCKS];
    static size_t sizes[BLOCKS];
    struct bench_random random = {.state = 1};
    size_t live = 0;
    for (size_t i = 0; i < BLOCKS; i++) {
        sizes[i] = bench_between(&random, 16, 200);
        blocks[i] = bench_checked(malloc(sizes[i]), sizes[i]);
        bench_stamp(blocks[i], sizes[i]);
        live += sizes[i];
    }
    size_t resident = bench_resident();
    for (size_t i = 0; i < BLOCKS; i++) {
        bench_verify(blocks[i], sizes[i]);
        free(blocks[i]);
    }
    printf("live: %.2f\nresident: %.2f\n", (double)live / 1e6, (double)resident / 1e6);
    return 0;
}
