/* Alignment: 8 for blocks of at most 8 bytes and 16 above from every plain call, whatever was freed
 * before; and what was asked for from 8 bytes to 1 GiB by the aligned calls. */
#include "expect.h"

#include <malloc.h>

enum {
    LIVE = 64
};

static void
plain_calls(void)
{
    void *live[LIVE] = {NULL};
    size_t slot = 0;

    for (size_t size = 0; size < 3000000; size = size < 5000 ? size + 1 : size * 9 / 8 + 5) {
        void *block = malloc(size);
        EXPECT(block != NULL && is_aligned(block, owed_alignment(size)));
        block = realloc(block, size + 9);
        EXPECT(block != NULL && is_aligned(block, 16));
        void *zeroed = calloc(1, size);
        EXPECT(zeroed != NULL && is_aligned(zeroed, owed_alignment(size)));
        free(zeroed);
        free(live[slot]);
        live[slot] = block;
        slot = (slot + 1) % LIVE;
    }
    for (slot = 0; slot < LIVE; slot++) {
        free(live[slot]);
    }
}

static void
aligned_blocks(void)
{
    static const size_t lengths[] = {1, 8, 17, 100, 1000, 4096, 5000, 65536, 100000, 3000000};

    for (int power = 3; power <= 26; power++) {
        size_t alignment = (size_t)1 << power;
        for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
            void *blocks[4];
            EXPECT(posix_memalign(&blocks[0], alignment, lengths[i]) == 0);
            blocks[1] = aligned_alloc(alignment, lengths[i]);
            blocks[2] = memalign(alignment, lengths[i]);
            blocks[3] = memalign(alignment, alignment);
            for (size_t j = 0; j < 4; j++) {
                size_t size = j < 3 ? lengths[i] : alignment;
                EXPECT(blocks[j] != NULL && is_aligned(blocks[j], alignment));
                EXPECT(malloc_usable_size(blocks[j]) >= size);
                stamp(blocks[j], size < 5000 ? size : 5000, j);
                ((char *)blocks[j])[size - 1] = (char)j;
            }
            for (size_t j = 0; j < 4; j++) {
                size_t size = j < 3 ? lengths[i] : alignment;
                size_t seen = size - 1 < 5000 ? size - 1 : 5000;
                EXPECT(is_stamped(blocks[j], seen, j) && ((char *)blocks[j])[size - 1] == (char)j);
                free(blocks[j]);
            }
        }
    }
}

static void
gigabytes(void)
{
    for (int power = 27; power <= 31; power++) {
        size_t alignment = (size_t)1 << power;
        char *block = memalign(alignment, 10000);
        EXPECT(block != NULL && is_aligned(block, alignment));
        stamp(block, 10000, 3);
        char *second = aligned_alloc(alignment, alignment + 5);
        EXPECT(second != NULL && is_aligned(second, alignment));
        second[0] = 1;
        second[alignment + 4] = 2;
        EXPECT(is_stamped(block, 10000, 3));
        free(block);
        EXPECT(second[0] == 1 && second[alignment + 4] == 2);
        free(second);
    }
}

int
main(void)
{
    plain_calls();
    aligned_blocks();
    gigabytes();
    plain_calls();
    return 0;
}
