/* Sizes that no machine can give, at the entry points that the C library does not have: Tarn's own,
 * a heap's (of its own memory, in a buffer, in an image) and a pool's; with the same 266 sizes and
 * 22 alignments as tests/surface/impossible_sizes. NULL, errno, and what was live is as it was. */
#include "expect.h"

#include <tarn/heap.h>
#include <tarn/persist.h>
#include <tarn/pool.h>
#include <tarn/tarn.h>

enum {
    SIZES = 266,
    ALIGNMENTS = 22,
    LIVE = 777,
    BUFFER = 1 << 20
};

static size_t sizes[SIZES];
static size_t tried;
static size_t wrong;

static void
list_sizes(void)
{
    static const size_t around[] = {0, 1, 8, 15, 16, 4095, 4096, 65536};
    static const size_t below[] = {2,
                                   3,
                                   4,
                                   5,
                                   6,
                                   9,
                                   10,
                                   24,
                                   32,
                                   63,
                                   64,
                                   127,
                                   255,
                                   4097,
                                   8191,
                                   16384,
                                   65535,
                                   65537,
                                   1u << 20,
                                   1u << 21,
                                   1u << 30,
                                   (size_t)1 << 32,
                                   (size_t)1 << 40,
                                   (size_t)1 << 46,
                                   (size_t)1 << 47,
                                   7};
    size_t count = 0;
    for (int power = 48; power < 64; power++) {
        for (size_t i = 0; i < sizeof around / sizeof *around; i++) {
            sizes[count++] = ((size_t)1 << power) + around[i];
            if (around[i] != 0) {
                sizes[count++] = ((size_t)1 << power) - around[i];
            }
        }
    }
    for (size_t i = 0; i < sizeof below / sizeof *below; i++) {
        sizes[count++] = SIZE_MAX - below[i];
    }
    EXPECT(count == SIZES);
}

static void
refused(const void *given, const char *what, size_t size, size_t align)
{
    tried++;
    if (given != NULL || errno != ENOMEM) {
        fprintf(stderr, "%s of %#zx, alignment %#zx: %p, errno %d\n", what, size, align, given,
                errno);
        wrong++;
    }
    errno = 0;
}

static void
try_own(void)
{
    char *live = tarn_malloc(LIVE);
    EXPECT(live != NULL);
    stamp(live, LIVE, 1);
    errno = 0;
    for (size_t i = 0; i < SIZES; i++) {
        size_t size = opaque_size(sizes[i]);
        refused(tarn_malloc(size), "tarn_malloc", size, 0);
        refused(tarn_zalloc(size), "tarn_zalloc", size, 0);
        refused(tarn_calloc(1, size), "tarn_calloc", size, 0);
        refused(tarn_calloc(size / 2 + 1, 2), "tarn_calloc of pairs", size, 0);
        refused(tarn_realloc(NULL, size), "tarn_realloc of none", size, 0);
        refused(opaque(tarn_realloc(live, size)), "tarn_realloc", size, 0);
        refused(opaque(tarn_reallocarray(live, size / 3 + 1, 3)), "tarn_reallocarray", size, 0);
        EXPECT(!tarn_expand(live, size));
        for (unsigned power = 3; power < 3 + ALIGNMENTS; power++) {
            size_t align = (size_t)1 << power;
            errno = 0;
            refused(tarn_aligned_alloc(align, size), "tarn_aligned_alloc", size, align);
            refused(tarn_aligned_alloc_at(align, size, 8), "tarn_aligned_alloc_at", size, align);
            refused(tarn_aligned_alloc_at(align, size, size - 1), "tarn_aligned_alloc_at the end",
                    size, align);
        }
        refused(tarn_aligned_alloc((size_t)1 << 63, size), "tarn_aligned_alloc", size, 0);
        refused(tarn_aligned_alloc_at((size_t)1 << 63, 100, size), "tarn_aligned_alloc_at far",
                size, 0);
    }
    EXPECT(is_stamped(live, LIVE, 1));
    tarn_free(live);
}

static void
try_heap(tarn_heap *heap)
{
    EXPECT(heap != NULL);
    char *live = tarn_heap_malloc(heap, LIVE);
    EXPECT(live != NULL);
    stamp(live, LIVE, 1);
    errno = 0;
    for (size_t i = 0; i < SIZES; i++) {
        size_t size = opaque_size(sizes[i]);
        refused(tarn_heap_malloc(heap, size), "tarn_heap_malloc", size, 0);
        refused(tarn_heap_zalloc(heap, size), "tarn_heap_zalloc", size, 0);
        refused(tarn_heap_calloc(heap, size, 1), "tarn_heap_calloc", size, 0);
        refused(tarn_heap_calloc(heap, 2, size / 2 + 1), "tarn_heap_calloc of pairs", size, 0);
        refused(tarn_heap_realloc(heap, NULL, size), "tarn_heap_realloc of none", size, 0);
        refused(tarn_heap_realloc(heap, live, size), "tarn_heap_realloc", size, 0);
        refused(tarn_heap_reallocarray(heap, live, 2, size / 2 + 1), "tarn_heap_reallocarray", size,
                0);
        for (unsigned power = 3; power < 3 + ALIGNMENTS; power++) {
            size_t align = (size_t)1 << power;
            refused(tarn_heap_aligned_alloc(heap, align, size), "tarn_heap_aligned_alloc", size,
                    align);
        }
    }
    EXPECT(is_stamped(live, LIVE, 1));
    tarn_heap_free(heap, live);
    tarn_heap_destroy(heap);
}

static bool
is_refusal(const tarn_pool *pool)
{
    return pool == NULL && (errno == ENOMEM || errno == EINVAL);
}

static void
try_pools(void)
{
    for (size_t i = 0; i < SIZES; i++) {
        struct tarn_pool_options many = {.preallocate = sizes[i]};
        struct tarn_pool_options long_blocks = {.block_size = sizes[i]};
        errno = 0;
        EXPECT(is_refusal(tarn_pool_new(sizes[i], NULL)));
        errno = 0;
        EXPECT(is_refusal(tarn_pool_new(48, &many)));
        errno = 0;
        EXPECT(is_refusal(tarn_pool_new(48, &long_blocks)));
        for (unsigned power = 3; power < 3 + ALIGNMENTS; power++) {
            struct tarn_pool_options aligned = {.align = (size_t)1 << power};
            errno = 0;
            EXPECT(is_refusal(tarn_pool_new(sizes[i], &aligned)));
            tried++;
        }
        tried += 3;
    }
}

int
main(int count, char **arguments)
{
    EXPECT(count > 1);
    list_sizes();
    try_own();
    try_heap(tarn_heap_new());
    void *buffer = tarn_malloc(BUFFER);
    EXPECT(buffer != NULL);
    try_heap(tarn_heap_new_in(buffer, BUFFER));
    tarn_free(buffer);
    remove(arguments[1]);
    try_heap(tarn_create(arguments[1], NULL));
    remove(arguments[1]);
    try_pools();
    fprintf(stderr, "%zu calls\n", tried);
    EXPECT(wrong == 0);
    return 0;
}
