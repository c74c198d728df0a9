/* What the aligned calls make of their arguments: which alignments posix_memalign refuses, what
 * memalign and aligned_alloc do with one that is no power of two, pages from valloc and pvalloc,
 * and realloc of an aligned block. */
#include "expect.h"

#include <malloc.h>

static void
refused(void)
{
    for (size_t alignment = 0; alignment < 5000; alignment++) {
        void *block = &alignment;
        bool power = alignment != 0 && (alignment & (alignment - 1)) == 0;
        int error = posix_memalign(&block, opaque_size(alignment), 50);
        if (power && alignment >= sizeof(void *)) {
            EXPECT(error == 0 && is_aligned(block, alignment));
            memset(block, 1, 50);
            free(block);
        } else {
            EXPECT(error == EINVAL && block == &alignment);
        }
    }
}

/* glibc up to 2.37 rounds such an alignment up, later ones refuse it in aligned_alloc: either will
 * do, a block that is not aligned will not. */
static void
no_power_of_two(void)
{
    for (size_t alignment = 0; alignment < 300; alignment++) {
        for (int call = 0; call < 2; call++) {
            size_t asked = opaque_size(alignment);
            errno = 0;
            void *block = call == 0 ? memalign(asked, 70) : aligned_alloc(asked, 70);
            if (block == NULL) {
                EXPECT(errno == EINVAL);
                EXPECT(alignment == 0 || (alignment & (alignment - 1)) != 0);
                continue;
            }
            size_t rounded = 1;
            while (rounded < alignment) {
                rounded *= 2;
            }
            EXPECT(is_aligned(block, rounded) && is_aligned(block, 16));
            memset(block, 2, 70);
            free(block);
        }
    }
}

static void
pages(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (size_t size = 1; size < 40 * page; size += 997) {
        char *block = valloc(size);
        EXPECT(block != NULL && is_aligned(block, page));
        memset(block, 1, size);
        char *whole = pvalloc(size);
        EXPECT(whole != NULL && is_aligned(whole, page));
        size_t rounded = (size + page - 1) / page * page;
        EXPECT(malloc_usable_size(whole) >= rounded);
        memset(whole, 2, rounded);
        free(block);
        free(whole);
    }
}

/* realloc keeps the bytes of an aligned block and owes it no more than malloc's alignment. */
static void
grown_and_shrunk(void)
{
    static const size_t lengths[] = {1, 24, 100, 4000, 4096, 9000, 70000, 300000, 5000000};
    size_t count = sizeof lengths / sizeof *lengths;
    for (int power = 3; power <= 22; power++) {
        for (size_t i = 0; i < count; i++) {
            for (size_t j = 0; j < count; j++) {
                size_t kept = lengths[i] < lengths[j] ? lengths[i] : lengths[j];
                size_t seen = kept < 9000 ? kept : 9000;
                char *block = memalign((size_t)1 << power, lengths[i]);
                EXPECT(block != NULL && is_aligned(block, (size_t)1 << power));
                stamp(block, lengths[i] < 9000 ? lengths[i] : 9000, i);
                block[kept - 1] = 77;
                block = realloc(block, lengths[j]);
                EXPECT(block != NULL && is_aligned(block, owed_alignment(lengths[j])));
                EXPECT(malloc_usable_size(block) >= lengths[j]);
                EXPECT(block[kept - 1] == 77 && is_stamped(block, seen - 1, i));
                block[lengths[j] - 1] = 1;
                free(block);
            }
        }
    }
}

/* An allocator that keeps the alignment of what it moves must not lose track of it either. */
static void
moved_often(void)
{
    enum {
        SIDE = 32
    };
    char *blocks[SIDE];
    uint64_t random = 7;
    size_t lengths[SIDE];
    for (size_t i = 0; i < SIDE; i++) {
        lengths[i] = 1000 + i;
        blocks[i] = memalign((size_t)64 << (i % 8), lengths[i]);
        EXPECT(blocks[i] != NULL);
        stamp(blocks[i], lengths[i], i);
    }
    for (int step = 0; step < 20000; step++) {
        size_t i = next_random(&random) % SIDE;
        size_t length = 1 + next_random(&random) % (step % 50 == 0 ? 400000 : 12000);
        size_t kept = length < lengths[i] ? length : lengths[i];
        blocks[i] = realloc(blocks[i], length);
        EXPECT(blocks[i] != NULL && is_stamped(blocks[i], kept, i));
        lengths[i] = length;
        stamp(blocks[i], length, i);
    }
    for (size_t i = 0; i < SIDE; i++) {
        free(blocks[i]);
    }
}

int
main(void)
{
    refused();
    no_power_of_two();
    pages();
    grown_and_shrunk();
    moved_often();
    return 0;
}
