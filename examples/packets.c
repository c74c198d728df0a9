/*
 * A driver's packets in 16 KiB, with quickfit: no C library is needed by the heap, every call takes
 * bounded time, buffers for the card do not cross its 4096-byte pages, and one size calculation
 * tells beforehand how much memory always does.
 */
#include <stdio.h>
#include <string.h>
#include <tarn/quick.h>

#define MEMORY  16384
#define PACKETS 8
#define PACKET  256

static _Alignas(4096) unsigned char memory[MEMORY];

int
main(void)
{
    struct tarn_quick_mix mix[] = {{PACKET, PACKETS}, {32, PACKETS}};
    size_t need = tarn_quick_need(mix, 2, TARN_QUICK_TAGS);
    printf("%zu of %d bytes are enough for %d packets, alignment aside\n", need, MEMORY, PACKETS);
    if (need > MEMORY) {
        return 1;
    }
    struct tarn_quick *heap =
        tarn_quick_init(memory, sizeof memory, TARN_QUICK_TAGS, &tarn_quick_hosted);
    unsigned char *packets[PACKETS] = {NULL};
    for (unsigned round = 0; round < 10000; round++) {
        unsigned i = (round * 7 + round / 5) % PACKETS;
        tarn_quick_free(heap, packets[i]);
        /* Aligned to a cache line, inside one page, for the card's sake. */
        packets[i] = tarn_quick_mallocalign(heap, PACKET, 64, 0, 4096);
        if (packets[i] == NULL || (uintptr_t)packets[i] % 64 != 0 ||
            (uintptr_t)packets[i] / 4096 != ((uintptr_t)packets[i] + PACKET - 1) / 4096) {
            return 1;
        }
        memset(packets[i], (int)i, PACKET);
    }
    tarn_quick_summary(heap);
    for (unsigned i = 0; i < PACKETS; i++) {
        tarn_quick_free(heap, packets[i]);
    }
    return tarn_quick_check(heap, NULL) != NULL;
}
