/* Sizes that no machine can give never yield a pointer, from any of 15 entry points: twelve without
 * an alignment and three with 22 alignments, 266 sizes each, from 2^48 up to SIZE_MAX. NULL,
 * ENOMEM, and what was live stays as it was. */
#include "expect.h"

#include <malloc.h>

enum {
    SIZES = 266,
    ENTRIES = 15,
    FIRST_ALIGNED = 12,
    ALIGNMENTS = 22,
    LIVE = 777
};

static size_t sizes[SIZES];
static char *live;
static char *live_aligned;

static void
list_sizes(void)
{
    static const ptrdiff_t around[15] = {0,   1,    -1,    8,    -8,    15,    -15,   16,
                                         -16, 4095, -4095, 4096, -4096, 65536, -65536};
    static const size_t below[] = {0,
                                   1,
                                   7,
                                   8,
                                   15,
                                   16,
                                   31,
                                   32,
                                   63,
                                   64,
                                   127,
                                   255,
                                   4095,
                                   4096,
                                   4097,
                                   8191,
                                   16384,
                                   65535,
                                   65536,
                                   65537,
                                   1u << 20,
                                   1u << 21,
                                   1u << 30,
                                   (size_t)1 << 32,
                                   (size_t)1 << 40,
                                   (size_t)1 << 47};
    size_t count = 0;

    for (int power = 48; power < 64; power++) {
        for (size_t i = 0; i < 15; i++) {
            sizes[count++] = ((size_t)1 << power) + (size_t)around[i];
        }
    }
    for (size_t i = 0; i < sizeof below / sizeof *below; i++) {
        sizes[count++] = SIZE_MAX - below[i];
    }
    EXPECT(count == SIZES);
}

/* What the entry point makes of `size`; `*error` is errno, or what posix_memalign returned. */
static void *
enter(int entry, size_t size, size_t alignment, int *error)
{
    void *block = live;
    errno = 0;
    switch (entry) {
    case 0:
        block = malloc(size);
        break;
    case 1:
        block = calloc(1, size);
        break;
    case 2:
        block = calloc(size, 1);
        break;
    case 3:
        block = calloc(size / 2 + 1, 2);
        break;
    case 4:
        block = realloc(NULL, size);
        break;
    case 5:
        block = realloc(live, size);
        break;
    case 6:
        block = realloc(live_aligned, size);
        break;
    case 7:
        block = reallocarray(NULL, size, 1);
        break;
    case 8:
        block = reallocarray(live, 1, size);
        break;
    case 9:
        block = reallocarray(live, size / 2 + 1, 2);
        break;
    case 10:
        block = valloc(size);
        break;
    case 11:
        block = pvalloc(size);
        break;
    case 12:
        block = aligned_alloc(alignment, size);
        break;
    case 13:
        block = memalign(alignment, size);
        break;
    default:
        block = live;
        *error = posix_memalign(&block, alignment, size);
        return block == live ? NULL : block;
    }
    *error = errno;
    return block;
}

int
main(void)
{
    size_t tried = 0;
    size_t given = 0;
    size_t silent = 0;

    list_sizes();
    live = malloc(LIVE);
    live_aligned = memalign(4096, LIVE);
    EXPECT(live != NULL && live_aligned != NULL);
    stamp(live, LIVE, 1);
    stamp(live_aligned, LIVE, 2);

    for (int entry = 0; entry < ENTRIES; entry++) {
        for (int power = 3; power < 3 + ALIGNMENTS; power++) {
            if (entry < FIRST_ALIGNED && power > 3) {
                break;
            }
            for (int i = 0; i < SIZES; i++) {
                int error = 0;
                size_t size = opaque_size(sizes[i]);
                const void *block = enter(entry, size, (size_t)1 << power, &error);
                tried++;
                if (block != NULL || error != ENOMEM) {
                    fprintf(stderr, "entry %d, alignment 2^%d, size %#zx: %p, error %d\n", entry,
                            power, size, block, error);
                    given += block != NULL;
                    silent += error != ENOMEM;
                }
            }
        }
    }
    EXPECT(tried == 20748);
    EXPECT(given == 0);
    EXPECT(silent == 0);
    EXPECT(is_stamped(live, LIVE, 1));
    EXPECT(is_stamped(live_aligned, LIVE, 2));
    free(live);
    free(live_aligned);
    return 0;
}
