/* Walks and statistics, also of a heap that is used meanwhile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "quick_fixture.h"

#include <string.h>

static bool
stop_at_two(void *context, const struct tarn_quick_block *block)
{
    (void)block;
    return ++*(int *)context < 2;
}

static void
walk_and_statistics(void **state)
{
    struct tarn_quick *q = heap_of(65536, 0);
    struct tarn_quick_stats stats;
    void *object[10];
    int i;
    int seen = 0;

    (void)state;
    for (i = 0; i < 10; i++) {
        object[i] = tarn_quick_malloc(q, 1000);
    }
    tarn_quick_free(q, object[3]);
    tarn_quick_get_stats(q, &stats);
    assert_int_equal(stats.objects, 9);
    assert_int_equal(stats.used_by_size[9], 9);
    assert_int_equal(stats.free_by_size[9], 1);
    assert_int_equal(stats.total, stats.used + stats.free + stats.quick);
    assert_true(stats.peak >= 10 * 1000 && stats.peak < 10 * 1032);
    assert_non_null(tarn_quick_malloc(q, stats.largest));
    tarn_quick_summary(q);
    assert_non_null(strstr(printed, "in use by 10 objects, at most "));
    assert_false(tarn_quick_walk(q, stop_at_two, &seen));
    assert_int_equal(seen, 2);
}

static uintptr_t
no_lock(void *context)
{
    (void)context;
    return 0;
}

struct changes {
    struct tarn_quick *q;
    unsigned char *object[64];
    unsigned char *region;
    unsigned calls;
    unsigned seen;
    unsigned nested;
};

/* Frees the block being seen and both its neighbours, and writes over what becomes of them; on the
 * way walks once more. */
static bool
change(void *context, const struct tarn_quick_block *block)
{
    struct changes *c = context;
    struct tarn_quick_stats stats;
    unsigned i;

    c->calls++;
    for (i = 0; i < 64; i++) {
        if (block->used && block->object == c->object[i]) {
            break;
        }
    }
    if (i == 64) {
        return true;
    }
    c->seen++;
    if (i % 4 == 1) {
        unsigned char *filler;

        tarn_quick_free(c->q, c->object[i - 1]);
        tarn_quick_free(c->q, c->object[i + 1]);
        tarn_quick_free(c->q, c->object[i]);
        tarn_quick_flush(c->q);
        c->object[i - 1] = NULL;
        c->object[i] = NULL;
        c->object[i + 1] = NULL;
        /* Where the walk would go on if nobody had moved it. */
        filler = tarn_quick_malloc(c->q, 1500);
        memset(filler, 0x4f, 1500);
    }
    if (i == 31) {
        tarn_quick_get_stats(c->q, &stats);
        c->nested = (unsigned)stats.objects;
    }
    return true;
}

static bool
take_away(void *context, const struct tarn_quick_block *block)
{
    struct changes *c = context;

    if ((unsigned char *)block->object > c->region) {
        assert_true(tarn_quick_remove(c->q, c->region));
        memset(c->region, 0x4f, 8192);
    }
    c->calls++;
    return true;
}

static void
walk_of_a_busy_heap(void **state)
{
    static const unsigned options[] = {0, TARN_QUICK_IMMEDIATE, TARN_QUICK_TAGS,
                                       TARN_QUICK_CHECKED};
    struct tarn_quick_hooks own = hooks;
    size_t j;

    (void)state;
    own.lock = no_lock;
    for (j = 0; j < sizeof options / sizeof *options; j++) {
        struct changes c;
        unsigned i;

        memset(&c, 0, sizeof c);
        faults = 0;
        c.region = memory + 131072;
        c.q = tarn_quick_init(memory, 65536, options[j], &own);
        for (i = 0; i < 64; i++) {
            /* Cut from the end of what is free: the walk meets them in falling order. */
            c.object[63 - i] = tarn_quick_malloc(c.q, 600 + i);
            memset(c.object[63 - i], 0x4f, 600 + i);
        }
        assert_true(c.object[5] < c.object[6]);
        assert_true(tarn_quick_walk(c.q, change, &c));
        /* All but the third of each four, which is freed before its turn. */
        assert_int_equal(c.seen, 48);
        assert_int_equal(c.nested, 64 - 24 + 8);
        sound(c.q);
        for (i = 0; i < 64; i++) {
            assert_true(c.object[i] == NULL || c.object[i][599] == 0x4f);
        }
        c.calls = 0;
        assert_true(tarn_quick_add(c.q, c.region, 8192));
        assert_true(tarn_quick_walk(c.q, take_away, &c));
        assert_true(c.calls > 40);
        assert_int_equal(faults, 0);
        sound(c.q);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walk_and_statistics),
        cmocka_unit_test(walk_of_a_busy_heap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
