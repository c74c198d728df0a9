/* The number of mappings stays small whatever is freed where: 2,000 blocks of 300 KB live, every
 * second one freed; 400,000 small blocks with sparse frees and a trim; aligned and resized large
 * blocks. */
#include "expect.h"

#include <malloc.h>

enum {
    LARGE = 2000,
    LARGE_SIZE = 300000,
    SMALL = 400000,
    ALLOWED = 64
};

static char *large[LARGE];
static char *small[SMALL];

static long
mappings(void)
{
    static char buffer[65536];
    FILE *maps = fopen("/proc/self/maps", "r");
    size_t length = 0;
    long lines = 0;
    EXPECT(maps != NULL);
    while ((length = fread(buffer, 1, sizeof buffer, maps)) > 0) {
        for (size_t i = 0; i < length; i++) {
            lines += buffer[i] == '\n';
        }
    }
    fclose(maps);
    return lines;
}

static void
check(const char *when, long start)
{
    long now = mappings();
    fprintf(stderr, "%-38s %ld mappings above the start\n", when, now - start);
    EXPECT(now - start <= ALLOWED);
}

int
main(void)
{
    long start = mappings();

    for (size_t i = 0; i < LARGE; i++) {
        large[i] = malloc(LARGE_SIZE);
        EXPECT(large[i] != NULL);
        large[i][0] = 1;
    }
    check("2,000 blocks of 300 KB", start);
    for (size_t i = 0; i < LARGE; i += 2) {
        free(large[i]);
    }
    check("every second freed", start);
    malloc_trim(0);
    check("trimmed", start);
    for (size_t i = 0; i < LARGE; i += 2) {
        large[i] = memalign((size_t)4096 << i % 8, LARGE_SIZE / 2);
        EXPECT(large[i] != NULL);
        large[i][0] = 1;
    }
    check("aligned ones between", start);
    for (size_t i = 1; i < LARGE; i += 2) {
        large[i] = realloc(large[i], i % 4 == 1 ? LARGE_SIZE * 2 : LARGE_SIZE / 4);
        EXPECT(large[i] != NULL);
    }
    check("resized", start);
    for (size_t i = 0; i < LARGE; i++) {
        free(large[i]);
    }
    check("all freed", start);

    for (size_t i = 0; i < SMALL; i++) {
        small[i] = malloc(100 + i % 900);
        EXPECT(small[i] != NULL);
        small[i][0] = 1;
    }
    check("400,000 small blocks", start);
    for (size_t i = 0; i < SMALL; i++) {
        if (i % 17 != 0) {
            free(small[i]);
        }
    }
    malloc_trim(0);
    check("one in seventeen left, trimmed", start);
    for (size_t i = 0; i < SMALL; i += 17) {
        free(small[i]);
    }
    check("none left", start);
    return 0;
}
