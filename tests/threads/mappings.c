/* The number of mappings stays small whatever is freed where: 2,000 blocks of 300 KB live, every
 * second one freed; 400,000 small blocks with sparse frees and a trim; aligned and resized large
 * blocks; blocks of up to 12 MiB that realloc moves about, whose pages are moved and not copied
 * where that counts, in a fork's child too. */
#include "expect.h"
#include "threads/child.h"

#include <malloc.h>
#include <sys/resource.h>

enum {
    MOVING = 64,
    MOVES = 1500,
    GROWING = 3,

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

struct moving {
    char *block;
    size_t size;
    size_t mark;
};

static const size_t step = (size_t)1 << 20;

/* Every mebibyte and the last byte say which block it is. */
static void
mark(struct moving *moving, size_t mark)
{
    moving->mark = mark;
    for (size_t i = 0; i < moving->size; i += step) {
        stamp(moving->block + i, 64, mark + i);
    }
}

static bool
is_marked(const struct moving *moving, size_t size)
{
    bool whole = true;
    for (size_t i = 0; i + 64 <= size; i += step) {
        whole &= is_stamped(moving->block + i, 64, moving->mark + i);
    }
    return whole;
}

/* Blocks change their sizes at random, shrink, go and come again. */
static void
move_about(const char *when, long start, uint64_t random)
{
    static struct moving all[MOVING];
    long most = 0;

    for (size_t i = 0; i < MOVES; i++) {
        struct moving *one = &all[next_random(&random) % MOVING];
        size_t size = (1 + next_random(&random) % 200) << 16;
        if (next_random(&random) % 8 == 0) {
            free(one->block);
            *one = (struct moving){NULL, 0, 0};
            continue;
        }
        size_t kept = size < one->size ? size : one->size;
        one->block = realloc(one->block, size);
        EXPECT(one->block != NULL && is_marked(one, kept));
        one->size = size;
        mark(one, i);
        if (i % 16 == 0) {
            long now = mappings();
            most = now > most ? now : most;
        }
    }
    fprintf(stderr, "%-38s %ld mappings above the start\n", when, most - start);
    EXPECT(most - start <= ALLOWED);
    for (size_t i = 0; i < MOVING; i++) {
        EXPECT(is_marked(&all[i], all[i].size));
        free(all[i].block);
        all[i] = (struct moving){NULL, 0, 0};
    }
    check(when, start);
    EXPECT(mappings() - start <= ALLOWED / 4);
}

static long
faults(void)
{
    struct rusage usage;
    EXPECT(getrusage(RUSAGE_SELF, &usage) == 0);
    return usage.ru_minflt;
}

/* Blocks that double in turn: each is in the way of the others, and moves time and again. Fewer
 * faults than a copy of the last doubling would take. */
static void
grow_in_turn(long start)
{
    static struct moving all[GROWING];
    long before = 0;
    size_t page = (size_t)sysconf(_SC_PAGESIZE);

    for (size_t size = step; size <= 64 * step; size *= 2) {
        before = faults();
        for (size_t i = 0; i < GROWING; i++) {
            all[i].block = realloc(all[i].block, size);
            EXPECT(all[i].block != NULL && is_marked(&all[i], all[i].size));
            all[i].size = size;
            mark(&all[i], size + i);
        }
    }
    long more = faults() - before;
    long copied = (long)(GROWING * 32 * step / page);
    fprintf(stderr, "%ld faults, a copy has %ld\n", more, copied);
    EXPECT(more < copied / 4);
    check("three that grew in turn", start);
    for (size_t i = 0; i < GROWING; i++) {
        free(all[i].block);
    }
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

    grow_in_turn(start);
    for (unsigned round = 0; round < 3; round++) {
        move_about("moved about", start, 7 + round);
    }
    pid_t child = fork();
    if (child == 0) {
        move_about("moved about by a child", start, 5);
        _exit(0);
    }
    child_succeeds(child);
    move_about("and by its parent", start, 9);
    return 0;
}
