/* realloc keeps what the block held, up and down across every boundary of size classes, page counts
 * and slices, in place or moved, alone or between neighbours that must not change. */
#include "expect.h"

#include <malloc.h>

/* From every size of a ladder around powers of two and their eighths to every near one. */
static size_t
ladder(size_t *steps, size_t limit)
{
    size_t count = 0;
    for (size_t size = 1; size < limit; size = size < 40 ? size + 1 : size + size / 8) {
        steps[count++] = size;
    }
    for (size_t power = 64; power < limit; power *= 2) {
        steps[count++] = power - 1;
        steps[count++] = power;
        steps[count++] = power + 1;
    }
    return count;
}

static void
check_move(size_t from, size_t to)
{
    size_t kept = from < to ? from : to;
    char *before = malloc(from);
    char *block = malloc(from);
    char *after = malloc(from);
    EXPECT(before != NULL && block != NULL && after != NULL);
    memset(before, 0x11, from);
    stamp(block, from, from);
    memset(after, 0x22, from);
    block = realloc(block, to);
    EXPECT(block != NULL && is_aligned(block, owed_alignment(to)));
    EXPECT(is_stamped(block, kept, from));
    memset(block, 0x33, malloc_usable_size(block));
    EXPECT(before[0] == 0x11 && before[from - 1] == 0x11);
    EXPECT(after[0] == 0x22 && after[from - 1] == 0x22);
    free(before);
    free(block);
    free(after);
}

static void
grow_step_by_step(size_t limit, size_t numerator)
{
    char *block = malloc(1);
    size_t size = 1;
    EXPECT(block != NULL);
    *block = (char)1;
    stamp(block, 1, 9);
    while (size < limit) {
        size_t next = size * numerator / 100 + 1;
        block = realloc(block, next);
        EXPECT(block != NULL && is_stamped(block, size, 9));
        stamp(block, next, 9);
        size = next;
    }
    while (size > 1) {
        size_t next = size * 100 / numerator;
        next = next == size ? size - 1 : next;
        next = next == 0 ? 1 : next;
        block = realloc(block, next);
        EXPECT(block != NULL && is_stamped(block, next, 9));
        size = next;
    }
    free(block);
}

/* Large blocks that grow in turn, so that none has free room behind it for long. */
static void
interleaved(void)
{
    enum {
        SIDE = 6
    };
    char *blocks[SIDE] = {NULL};
    size_t size = 0;
    for (int step = 0; step < 60; step++) {
        size_t next = size + 40000 + (size_t)step * 3000;
        for (size_t i = 0; i < SIDE; i++) {
            blocks[i] = realloc(blocks[i], next);
            EXPECT(blocks[i] != NULL);
            EXPECT(size == 0 || (is_stamped(blocks[i], 4096, i) && blocks[i][size - 1] == (char)i));
            stamp(blocks[i], 4096, i);
            blocks[i][next - 1] = (char)i;
        }
        size = next;
    }
    for (size_t i = 0; i < SIDE; i++) {
        free(blocks[i]);
    }
}

/* What usable_size grants counts as the block's: it may be written, and a shrink keeps it. */
static void
usable_then_realloc(void)
{
    for (size_t size = 1; size < 300000; size = size * 6 / 5 + 1) {
        char *block = malloc(size);
        EXPECT(block != NULL);
        size_t usable = malloc_usable_size(block);
        stamp(block, usable, 5);
        block = realloc(block, usable);
        EXPECT(block != NULL && is_stamped(block, usable, 5));
        block = realloc(block, usable + 1);
        EXPECT(block != NULL && is_stamped(block, usable, 5));
        free(block);
    }
}

int
main(void)
{
    static size_t steps[2000];
    size_t count = ladder(steps, (size_t)12 << 20);

    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            if (steps[i] > 5000 || steps[j] > 5000) {
                if (steps[i] > steps[j] * 5 || steps[j] > steps[i] * 5 || steps[j] > 400000) {
                    continue;
                }
            }
            check_move(steps[i], steps[j]);
        }
    }
    for (size_t size = 65536; size <= ((size_t)8 << 20); size *= 2) {
        check_move(size - 1, size);
        check_move(size, size + 1);
        check_move(size + 1, size);
        check_move(size, size * 3);
        check_move(size * 3, size);
        check_move(size * 3, 20);
        check_move(20, size * 3);
    }
    grow_step_by_step(400000, 103);
    grow_step_by_step((size_t)64 << 20, 150);
    interleaved();
    usable_then_realloc();

    char *block = realloc(NULL, 33);
    EXPECT(block != NULL);
    memset(block, 1, 33);
    free(block);
    return 0;
}
