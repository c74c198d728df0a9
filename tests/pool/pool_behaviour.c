/* What a pool promises, point by point. */
#include "expect.h"

#include <tarn/pool.h>
#include <tarn/tarn.h>

struct node {
    struct node *next;
    long value;
    char kind;
};

static void
objects_lie_exactly_apart(void)
{
    static const size_t sizes[] = {1, 7, 8, 24, 64, 200, 1000, 5000, 70000};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        tarn_pool *pool = tarn_pool_new(sizes[i], NULL);
        char *first = tarn_pool_alloc(pool);
        for (int k = 0; k < 7; k++) {
            char *next = tarn_pool_alloc(pool);
            EXPECT(next == first + sizes[i]);
            first = next;
        }
        tarn_pool_destroy(pool);
    }
    tarn_pool *pool = tarn_pool_of(struct node, .name = "nodes");
    struct node *a = tarn_pool_alloc_as(pool, struct node);
    struct node *b = tarn_pool_alloc_as(pool, struct node);
    EXPECT(b == a + 1 && is_aligned(a, _Alignof(struct node)));
    tarn_pool_destroy(pool);
    pool = tarn_pool_new(100, &(struct tarn_pool_options){.align = 64});
    EXPECT((char *)opaque(tarn_pool_alloc(pool)) + 128 == (char *)opaque(tarn_pool_alloc(pool)));
    tarn_pool_destroy(pool);
    pool = tarn_pool_new(1 << 20, &(struct tarn_pool_options){.align = 1 << 20});
    EXPECT(is_aligned(tarn_pool_alloc(pool), 1 << 20));
    tarn_pool_destroy(pool);
}

#ifndef TARN_CHECKS
static void
overhead_is_small(void)
{
    static const struct {
        size_t size;
        double most;
    } cases[] = {{8, 8.2}, {24, 24.3}, {64, 65}, {200, 202}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        enum {
            COUNT = 2000000
        };
        struct tarn_pool_stats stats;
        tarn_pool *pool = tarn_pool_new(cases[i].size, NULL);
        for (size_t k = 0; k < COUNT; k++) {
            EXPECT(tarn_pool_alloc(pool) != NULL);
        }
        tarn_pool_stats(pool, &stats);
        EXPECT(stats.live == COUNT);
        EXPECT((double)stats.bytes / COUNT <= cases[i].most);
        tarn_pool_destroy(pool);
    }
}
#endif

static void
random_order_becomes_address_order(void)
{
    enum {
        COUNT = 20000
    };
    static char *objects[COUNT];
    uint64_t random = 1;
    tarn_pool *pool = tarn_pool_new(64, NULL);
    for (size_t i = 0; i < COUNT; i++) {
        objects[i] = tarn_pool_alloc(pool);
    }
    for (size_t i = COUNT - 1; i > 0; i--) {
        size_t k = (size_t)(next_random(&random) % (i + 1));
        char *other = objects[i];
        objects[i] = objects[k];
        objects[k] = other;
    }
    for (size_t i = 0; i < COUNT; i++) {
        tarn_pool_free(pool, objects[i]);
    }
    size_t steps = 0;
    char *before = tarn_pool_alloc(pool);
    for (size_t i = 1; i < COUNT; i++) {
        char *object = tarn_pool_alloc(pool);
        steps += object > before && object - before <= 64 * 64;
        before = object;
    }
    EXPECT(steps > COUNT * 9 / 10);
    tarn_pool_destroy(pool);
}

static int constructed;
static int destructed;

static void
construct(void *object, void *context)
{
    *(long *)object = (long)(intptr_t)context;
    constructed++;
}

static void
destruct(void *object, void *context)
{
    (void)object, (void)context;
    destructed++;
}

static void
construction_is_kept(void)
{
    tarn_pool *pool = tarn_pool_new(8, &(struct tarn_pool_options){.construct = construct,
                                                                   .destruct = destruct,
                                                                   .context = (void *)12,
                                                                   .block_size = 40});
    long *object = tarn_pool_alloc(pool);
    EXPECT(*object == 12 && constructed == 5);
    *object = 42;
    tarn_pool_free(pool, object);
    long *same = tarn_pool_alloc(pool);
    EXPECT(same == object && *same == 42);
    for (int i = 0; i < 5; i++) {
        EXPECT(*(long *)tarn_pool_alloc(pool) == 12);
    }
    EXPECT(constructed == 10 && destructed == 0);
    tarn_pool_reset(pool);
    EXPECT(destructed == 0);
    EXPECT(tarn_pool_trim(pool) > 0 && destructed == 10);
    EXPECT(*(long *)tarn_pool_alloc(pool) == 12 && constructed == 15);
    tarn_pool_destroy(pool);
    EXPECT(destructed == 15);
}

static void
limits_and_preallocation(void)
{
    tarn_pool *pool =
        tarn_pool_new(32, &(struct tarn_pool_options){.limit = 10, .preallocate = 10});
    struct tarn_pool_stats stats;
    void *objects[12];
    tarn_pool_stats(pool, &stats);
    EXPECT(stats.entered >= 10 && stats.live == 0);
    errno = 0;
    EXPECT(tarn_pool_alloc_many(pool, objects, 12) == 10 && errno == ENOMEM);
    errno = 0;
    EXPECT(tarn_pool_alloc(pool) == NULL && errno == ENOMEM);
    tarn_pool_free(pool, objects[4]);
    EXPECT(tarn_pool_alloc(pool) == objects[4]);
    tarn_pool_free_many(pool, objects, 10);
    EXPECT(tarn_pool_trim(pool) == 0); /* it was preallocated */
    tarn_pool_close(pool);
}

static void
wrong_options_are_refused(void)
{
    static const struct tarn_pool_options wrong[] = {
        {.align = 3},
        {.name = "a name that is by far too long for a pool, or anything else"},
        {.flags = TARN_POOL_WAIT},
        {.flags = TARN_POOL_WAIT | TARN_POOL_SHARED},
        {.flags = TARN_POOL_POISON, .construct = construct},
        {.flags = 1u << 20},
        {.block_size = SIZE_MAX},
        {.block_size = (size_t)0 - 65536},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        errno = 0;
        EXPECT(tarn_pool_new(8, &wrong[i]) == NULL && errno == EINVAL);
    }
    static const size_t sizes[] = {SIZE_MAX, SIZE_MAX / 2, (size_t)1 << 62, SIZE_MAX - 7};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        errno = 0;
        EXPECT(tarn_pool_new(opaque_size(sizes[i]), NULL) == NULL && errno == ENOMEM);
    }
    struct tarn_pool_options many = {.preallocate = (size_t)1 << 45};
    for (; many.preallocate != 0; many.preallocate <<= 1) {
        errno = 0;
        EXPECT(tarn_pool_new(64, &many) == NULL && errno == ENOMEM);
    }
    errno = 0;
    EXPECT(tarn_pool_new(0, NULL) == NULL && errno == EINVAL);
    tarn_pool_close(NULL);
    tarn_pool_destroy(NULL);
}

/* Up to and beyond the size of a page, with each kind of pool. */
static void
objects_are_aligned(void)
{
    for (size_t align = 1; align <= (size_t)1 << 20; align *= 2) {
        for (unsigned flag = 1; flag <= TARN_POOL_STRICT; flag *= 2) {
            struct tarn_pool_options options = {.align = align, .flags = flag};
            tarn_pool *pool = tarn_pool_new(24, &options);
            EXPECT(pool != NULL || flag == TARN_POOL_WAIT);
            for (unsigned i = 0; pool != NULL && i < 3; i++) {
                char *object = tarn_pool_alloc(pool);
                EXPECT(object != NULL && is_aligned(object, align));
                memset(object, 1, 24);
            }
            EXPECT(pool == NULL || tarn_pool_check(pool) == NULL);
            tarn_pool_destroy(pool);
        }
    }
}

static void
pools_live_on_any_heap(void)
{
    static char buffer[TARN_HEAP_BUFFER_LEAST + 65536];
    tarn_heap *heap = tarn_heap_new_in(buffer, sizeof buffer);
    tarn_pool *pool =
        tarn_pool_new(100, &(struct tarn_pool_options){.heap = heap, .name = "small"});
    size_t count = 0;
    char *object;
    while ((object = tarn_pool_alloc(pool)) != NULL) {
        EXPECT(object >= buffer && object + 100 <= buffer + sizeof buffer);
        count++;
    }
    EXPECT(count >= 655);
    EXPECT(tarn_pool_find(heap, "small", NULL) == pool);
    EXPECT(tarn_pool_find(heap, "large", NULL) == NULL);
    EXPECT(tarn_heap_check(heap) == NULL);
    tarn_heap_destroy(heap);

    heap = tarn_heap_new();
    pool = tarn_pool_new(16, &(struct tarn_pool_options){.heap = heap});
    EXPECT(tarn_heap_of(tarn_pool_alloc(pool)) == heap);
    tarn_heap_destroy(heap); /* with its pool */
}

static bool
no_block(void *context, void *block, size_t size)
{
    (void)context, (void)block, (void)size;
    return false;
}

/* What a pool keeps is not among its heap's blocks, and goes back in the end. */
static void
the_heap_is_as_before(void)
{
    tarn_heap *heap = tarn_heap_new();
    tarn_pool *pool = tarn_pool_new(64, &(struct tarn_pool_options){.heap = heap});
    void *objects[5000];
    EXPECT(tarn_pool_alloc_many(pool, objects, 5000) == 5000);
    EXPECT(tarn_heap_walk(heap, no_block, NULL));
    EXPECT(tarn_heap_check(heap) == NULL);
    tarn_pool_free_many(pool, objects, 5000);
    EXPECT(tarn_pool_trim(pool) == 5 * 65536);
    tarn_pool_close(pool);
    EXPECT(tarn_heap_check(heap) == NULL);
    tarn_heap_destroy(heap);
}

int
main(void)
{
    objects_lie_exactly_apart();
#ifndef TARN_CHECKS /* every pool has twice the bits */
    overhead_is_small();
#endif
    random_order_becomes_address_order();
    construction_is_kept();
    limits_and_preallocation();
    wrong_options_are_refused();
    objects_are_aligned();
    pools_live_on_any_heap();
    the_heap_is_as_before();
    return 0;
}
