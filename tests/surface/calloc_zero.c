/* calloc gives zeros, above all where the memory was used, freed, trimmed, purged or moved before.
 */
#include "expect.h"

#include <malloc.h>

enum {
    LIVE = 200
};

static void
reuse(size_t largest, int rounds, uint64_t seed)
{
    static unsigned char *live[LIVE];
    uint64_t random = seed;

    for (int round = 0; round < rounds; round++) {
        size_t slot = next_random(&random) % LIVE;
        size_t size = 1 + next_random(&random) % largest;
        if (live[slot] != NULL) {
            memset(live[slot], 0xee, malloc_usable_size(live[slot]));
            free(live[slot]);
        }
        if (next_random(&random) % 3 == 0) {
            live[slot] = malloc(size);
            EXPECT(live[slot] != NULL);
            memset(live[slot], 0xdd, malloc_usable_size(live[slot]));
        } else {
            live[slot] = calloc(1, size);
            EXPECT(live[slot] != NULL && is_zero(live[slot], size));
            EXPECT(size > 1024 || is_zero(live[slot], malloc_usable_size(live[slot])));
            memset(live[slot], 0xcc, size);
        }
        if (next_random(&random) % 16 == 0) {
            size_t next = 1 + next_random(&random) % largest;
            live[slot] = realloc(live[slot], next);
            EXPECT(live[slot] != NULL);
            memset(live[slot], 0xbb, next);
        }
        if (round % 5000 == 4999) {
            malloc_trim(0);
        }
    }
    for (size_t slot = 0; slot < LIVE; slot++) {
        free(live[slot]);
        live[slot] = NULL;
    }
}

/* One size at a time: dirty, free, take back. */
static void
every_size(void)
{
    for (size_t size = 1; size < ((size_t)24 << 20); size = size < 2100 ? size + 1 : size * 9 / 8) {
        unsigned char *blocks[3];
        for (size_t i = 0; i < 3; i++) {
            blocks[i] = malloc(size);
            EXPECT(blocks[i] != NULL);
            memset(blocks[i], 0xff, size);
        }
        for (size_t i = 0; i < 3; i++) {
            free(blocks[i]);
        }
        for (size_t i = 0; i < 3; i++) {
            blocks[i] = calloc(size, 1);
            EXPECT(blocks[i] != NULL && is_zero(blocks[i], size));
        }
        for (size_t i = 0; i < 3; i++) {
            free(blocks[i]);
        }
    }
}

int
main(void)
{
    every_size();
    reuse(600, 300000, 1);
    reuse(20000, 30000, 2);
    reuse(400000, 2500, 3);
    reuse(6000000, 150, 4);
    reuse(5000, 60000, 5);
    return 0;
}
