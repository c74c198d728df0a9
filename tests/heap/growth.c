/* Blocks that grow by small steps, two in turn so that neither can stay where it is for ever: they
 * are copied seldom, hold what was written to them, and take no more than a quarter beyond what was
 * asked for and its class. Where there is no room for that, what was asked for is enough. */
#include "tarn/heap.h"
#include "tarn/tarn.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPECT(holds)                                                                              \
    do {                                                                                           \
        if (!(holds)) {                                                                            \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #holds);                    \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

enum {
    BLOCKS = 2,
    FROM = 2 << 10,
    TO = 2 << 20,
    STEP = 500,
    DOUBLINGS = 10
};

static void
few_moves(void)
{
    unsigned char *blocks[BLOCKS] = {NULL};
    unsigned moves = 0;
    for (size_t size = FROM; size <= TO; size += STEP) {
        for (size_t i = 0; i < BLOCKS; i++) {
            unsigned char *grown = tarn_realloc(blocks[i], size);
            EXPECT(grown != NULL);
            moves += blocks[i] != NULL && grown != blocks[i];
            blocks[i] = grown;
            size_t room = tarn_usable_size(grown);
            EXPECT(room >= size && room <= tarn_good_size(size + size / 4));
            for (size_t at = 0; at + STEP < size && size > FROM; at += size / 3) {
                EXPECT(grown[at / STEP * STEP] == (unsigned char)(i + at / STEP));
            }
            for (size_t at = size > FROM ? (size - STEP) / STEP : 0; at * STEP < size; at++) {
                grown[at * STEP] = (unsigned char)(i + at);
            }
        }
    }
    printf("%u moves\n", moves);
    EXPECT(moves <= 4 * DOUBLINGS * BLOCKS); /* a quarter each: 3.1 to a doubling */
    for (size_t i = 0; i < BLOCKS; i++) {
        tarn_free(blocks[i]);
    }
}

/* Nine slices hold the block, a fence stands behind it, and then there is room for ten, not for the
 * twelve that a quarter more would be. */
static void
no_room_for_more(void)
{
    enum {
        SLICE = 64 << 10,
        SLICES = 24
    };
    static _Alignas(SLICE) unsigned char memory[SLICES * SLICE];
    tarn_heap *heap = tarn_heap_new_in(memory, sizeof memory);
    EXPECT(heap != NULL);
    void *block = tarn_heap_malloc(heap, 9 * SLICE);
    EXPECT(block != NULL);
    size_t left = SLICES;
    void *probe = NULL;
    while (probe == NULL && left > 0) {
        probe = tarn_heap_malloc(heap, --left * SLICE);
    }
    EXPECT(left >= 12);
    tarn_heap_free(heap, probe);
    EXPECT(tarn_heap_malloc(heap, (left - 10) * SLICE) != NULL);
    memset(block, 7, 9 * SLICE);
    unsigned char *grown = tarn_heap_realloc(heap, block, 10 * SLICE);
    EXPECT(grown != NULL && grown != block && grown[9 * SLICE - 1] == 7);
    EXPECT(tarn_usable_size(grown) == 10 * SLICE);
    EXPECT(tarn_heap_check(heap) == NULL);
    tarn_heap_destroy(heap);
}

int
main(void)
{
    few_moves();
    no_room_for_more();
    return 0;
}
