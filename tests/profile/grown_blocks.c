/*
 * Blocks that grow under a profile: they have room to grow as without one, so that they are copied
 * no more often; the profile has them at the size that was asked for; and those whose pages are
 * moved stay in it.
 */
#include "expect.h"

#include "tarn/heap.h"
#include "tarn/profile.h"
#include "tarn/tarn.h"

#include <stdio.h>
#include <string.h>

#define MIB ((size_t)1 << 20)

static const char *path;

static void
read_live(unsigned long *blocks, unsigned long *bytes)
{
    EXPECT(tarn_profile_write(path, TARN_PROFILE_HEAP) == 0);
    FILE *file = fopen(path, "r");
    EXPECT(file != NULL && fscanf(file, "heap profile: %lu: %lu", blocks, bytes) == 2);
    fclose(file);
}

/* What is live more than when this was called with NULL. */
static size_t
live_bytes(const char *since)
{
    static unsigned long before;
    unsigned long blocks;
    unsigned long bytes;
    read_live(&blocks, &bytes);
    if (since == NULL) {
        before = bytes;
    }
    return bytes - before;
}

static void *
more(tarn_heap *heap, void *block, size_t size)
{
    void *grown = heap != NULL ? tarn_heap_realloc(heap, block, size) : tarn_realloc(block, size);
    EXPECT(grown != NULL);
    return grown;
}

static void
drop(tarn_heap *heap, void *block)
{
    if (heap != NULL) {
        tarn_heap_free(heap, block);
    } else {
        tarn_free(block);
    }
}

/* How often a block that grows in small steps is somewhere else. */
static unsigned
moves(tarn_heap *heap, size_t from, size_t to, size_t step)
{
    unsigned count = 0;
    char *block = more(heap, NULL, from);
    for (size_t size = from; size <= to; size += step) {
        char *grown = more(heap, block, size);
        count += grown != block;
        block = grown;
    }
    drop(heap, block);
    return count;
}

/* Blocks of others lie where it would grow to. */
static void
grow_with_pages(tarn_heap *heap)
{
    void *others[64];
    size_t count = 0;
    size_t size = 8 * MIB;
    live_bytes(NULL);
    char *block = more(heap, NULL, size);
    memset(block, 7, size);
    EXPECT(live_bytes("before") == size);
    char *moved = block;
    while (moved == block) {
        EXPECT(count < 64);
        others[count++] = more(heap, NULL, MIB);
        size += 4096;
        moved = more(heap, block, size);
    }
    for (size_t i = 0; i < 8 * MIB; i += 4096) {
        EXPECT(moved[i] == 7);
    }
    EXPECT(live_bytes("before") == size + count * MIB);
    drop(heap, moved);
    EXPECT(live_bytes("before") == count * MIB);
    while (count != 0) {
        drop(heap, others[--count]);
    }
    EXPECT(live_bytes("before") == 0);
}

static void
say_what_was_asked_for(tarn_heap *heap)
{
    live_bytes(NULL);
    for (size_t size = 1000; size < 300000; size += size / 9) {
        char *block = more(heap, NULL, size);
        size_t larger = tarn_usable_size(block) + 1; /* than what it can be where it is */
        block = more(heap, block, larger);
        EXPECT(live_bytes("before") == larger);
        drop(heap, block);
    }
}

int
main(int argc, char **argv)
{
    EXPECT(argc == 2);
    path = argv[1];
    tarn_heap *heaps[] = {NULL, tarn_heap_new()};
    for (size_t i = 0; i < 2; i++) {
        unsigned before = moves(heaps[i], 1024, 60000, 16);
        EXPECT(tarn_profile_start((size_t)1 << 40));
        EXPECT(moves(heaps[i], 1024, 60000, 16) <= before + 2);
        tarn_profile_stop();
        EXPECT(tarn_profile_start(1));
        say_what_was_asked_for(heaps[i]);
        grow_with_pages(heaps[i]);
        tarn_profile_stop();
    }
    tarn_heap_destroy(heaps[1]);
    return 0;
}
