/* What describes a huge block goes back to the system with it: of 1 GiB a mebibyte of descriptors,
 * freed at once, or after realloc moved the block away. */
#include "expect.h"

#include <malloc.h>

enum {
    ROUNDS = 4,
    KEPT_KIB = 256
};

static const size_t huge = (size_t)1 << 30;

static long
resident_kib(void)
{
    char line[256];
    long kib = -1;
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    if (file == NULL) {
        expect_skip("/proc/self/smaps_rollup is not there");
    }
    while (fgets(line, sizeof line, file) != NULL) {
        if (sscanf(line, "Rss: %ld", &kib) == 1) {
            break;
        }
    }
    fclose(file);
    EXPECT(kib >= 0);
    return kib;
}

int
main(void)
{
    long before = resident_kib();
    before = resident_kib();
    for (unsigned i = 0; i < ROUNDS; i++) {
        char *block = malloc(opaque_size(huge));
        EXPECT(block != NULL);
        block[0] = 1;
        char *in_the_way = malloc(opaque_size(huge / 4));
        EXPECT(in_the_way != NULL);
        in_the_way[0] = 1;
        if (i % 2 != 0) {
            block = realloc(block, opaque_size(huge + huge / 4));
            EXPECT(block != NULL && block[0] == 1);
        }
        free(block);
        free(in_the_way);
        long kept = resident_kib() - before;
        fprintf(stderr, "round %u: %ld KiB kept\n", i, kept);
        EXPECT(kept <= KEPT_KIB);
    }
    return 0;
}
