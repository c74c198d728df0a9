/* Random operations against a shadow: no two live blocks share a byte, contents stay as stamped
 * until freed, sizes and alignments are as owed, zeroed memory is zero. One thread; the mix and the
 * seed are arguments. */
#include "surface/shadow.h"
#include "surface/subject.h"

enum {
    MOST = 20000
};

struct mix {
    const char *name;
    size_t largest; /* bytes of the largest block */
    uint32_t live;  /* blocks alive at most */
    long operations;
};

static const struct mix mixes[] = {
    {"small", 256, 20000, 3000000},
    {"medium", 9000, 4000, 600000},
    {"large", 3000000, 60, 12000},
    {"all", 0, 6000, 1200000},
};

static struct shadow_block blocks[MOST + 1];
static uint32_t unused[MOST];
static uint32_t live[MOST];
static uint32_t live_count;
static struct shadow shadow;

/* Stamping megabytes at every step would test memory, not us: both ends are enough for large
 * blocks. */
static void
write_contents(const struct shadow_block *block)
{
    char *bytes = (char *)block->start;
    if (block->size <= 16384) {
        stamp(bytes, block->size, block->tag);
    } else {
        stamp(bytes, 4096, block->tag);
        stamp(bytes + block->size - 4096, 4096, ~block->tag);
    }
}

static void
check_contents(const struct shadow_block *block)
{
    const char *bytes = (const char *)block->start;
    if (block->size <= 16384) {
        EXPECT(is_stamped(bytes, block->size, block->tag));
    } else {
        EXPECT(is_stamped(bytes, 4096, block->tag));
        EXPECT(is_stamped(bytes + block->size - 4096, 4096, ~block->tag));
    }
}

static size_t
pick_size(const struct mix *mix, uint64_t *random)
{
    uint64_t r = next_random(random);
    if (mix->largest != 0) {
        return r % 7 == 0 ? mix->largest >> (r >> 8) % 12 : (r >> 8) % (mix->largest + 1);
    }
    switch (r % 64) {
    case 0:
        return (r >> 8) % 400000;
    case 1:
    case 2:
    case 3:
        return (r >> 8) % 40000;
    default:
        return (r >> 8) % 900 >> (r >> 40) % 6;
    }
}

static void
note(void *pointer, size_t size, size_t alignment)
{
    EXPECT(pointer != NULL);
    EXPECT(is_aligned(pointer, alignment));
    size_t reach = subject_usable_size(pointer);
    EXPECT(reach >= size);
    uint32_t index = shadow_add(&shadow, pointer, size, reach);
    write_contents(&blocks[index]);
    live[live_count++] = index;
}

static void
allocate(const struct mix *mix, uint64_t *random)
{
    size_t size = pick_size(mix, random);
    uint64_t r = next_random(random) % 16;
    if (r == 0) {
        size_t alignment = (size_t)8 << next_random(random) % 14;
        note(subject_aligned_alloc(alignment, size), size, alignment);
    } else if (r < 4) {
        void *pointer = subject_calloc(1, size);
        EXPECT(pointer != NULL && is_zero(pointer, size));
        note(pointer, size, owed_alignment(size));
    } else {
        note(subject_malloc(size), size, owed_alignment(size));
    }
}

static uint32_t
take_out(uint64_t *random)
{
    uint32_t at = (uint32_t)(next_random(random) % live_count);
    uint32_t index = live[at];
    live[at] = live[--live_count];
    check_contents(&blocks[index]);
    shadow_remove(&shadow, index);
    return index;
}

static void
resize(const struct mix *mix, uint64_t *random)
{
    size_t size = pick_size(mix, random) + 1;
    uint32_t index = take_out(random);
    uint64_t tag = blocks[index].tag;
    size_t old = blocks[index].size;
    size_t kept = old < size ? old : size;
    size_t seen = old <= 16384 ? kept : kept < 4096 ? kept : 4096;
    void *pointer = subject_realloc((void *)blocks[index].start, size);
    EXPECT(pointer != NULL && is_stamped(pointer, seen, tag));
    note(pointer, size, owed_alignment(size));
}

int
main(int count, char **arguments)
{
    const struct mix *mix = NULL;
    uint64_t random = count > 2 ? strtoull(arguments[2], NULL, 10) : 1;

    for (size_t i = 0; i < sizeof mixes / sizeof *mixes; i++) {
        if (count > 1 && strcmp(arguments[1], mixes[i].name) == 0) {
            mix = &mixes[i];
        }
    }
    EXPECT(mix != NULL);
    long operations = count > 3 ? strtol(arguments[3], NULL, 10) : mix->operations;
    shadow_init(&shadow, blocks, unused, mix->live);

    bool growing = true;
    for (long step = 0; step < operations; step++) {
        uint64_t r = next_random(&random) % 100;
        if (live_count == mix->live) {
            growing = false;
        } else if (live_count < mix->live / 8) {
            growing = true;
        }
        if (live_count == 0 || (r < (growing ? 55u : 35u) && live_count < mix->live)) {
            allocate(mix, &random);
        } else if (r < 92) {
            subject_free((void *)blocks[take_out(&random)].start);
        } else {
            resize(mix, &random);
        }
        if (step % 100000 == 99999) {
            subject_trim(0);
        }
    }
    while (live_count > 0) {
        subject_free((void *)blocks[take_out(&random)].start);
    }
    return 0;
}
