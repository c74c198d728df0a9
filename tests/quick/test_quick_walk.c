/* Walks and statistics, also of a heap that is used meanwhile. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "quick_fixture.h"

#include <pthread.h>
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
    assert_non_null(strstr(printed, "; 1 region\n"));
    assert_true(tarn_quick_add(q, memory + 131072, 8192));
    printed_length = 0;
    tarn_quick_summary(q);
    assert_non_null(strstr(printed, "; 2 regions\n"));
    assert_true(tarn_quick_remove(q, memory + 131072));
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
        assert_true(tarn_quick_add(c->q, c->region + 16384, 8192));
        assert_true(tarn_quick_remove(c->q, c->region + 16384)); /* not the one it is in */
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

/* Of a full heap with two words for each object, and of objects that do not start their block. */
static bool
look_odd(void *context, const struct tarn_quick_block *block)
{
    *(int *)context += block->used && (uintptr_t)block->object % 8 == 3;
    return true;
}

static void
full_and_odd(void **state)
{
    struct tarn_quick *q = heap_of(4096, TARN_QUICK_TAGS);
    struct tarn_quick_stats stats;
    size_t size;
    int odd = 0;

    (void)state;
    assert_non_null(tarn_quick_mallocalign(q, 100, 64, 3, 0));
    assert_non_null(tarn_quick_mallocalign(q, 100, 64, 35, 0));
    assert_true(tarn_quick_walk(q, look_odd, &odd));
    assert_int_equal(odd, 2);
    for (size = 4096; size > 0;) {
        if (tarn_quick_malloc(q, size - 1) == NULL) {
            size--;
        }
    }
    tarn_quick_get_stats(q, &stats);
    assert_int_equal(stats.largest, 0);
    sound(q);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static uintptr_t
take_mutex(void *context)
{
    (void)context;
    (void)pthread_mutex_lock(&mutex);
    return 0;
}

static void
drop_mutex(void *context, uintptr_t saved)
{
    (void)context;
    (void)saved;
    (void)pthread_mutex_unlock(&mutex);
}

static pthread_barrier_t begun;
static pthread_barrier_t ended;

static bool
wait_for_the_other(void *context, const struct tarn_quick_block *block)
{
    (void)block;
    if (!*(bool *)context) {
        *(bool *)context = true;
        (void)pthread_barrier_wait(&begun);
        (void)pthread_barrier_wait(&ended);
    }
    return true;
}

static void *
walk_second(void *context)
{
    bool waited = false;

    (void)tarn_quick_walk(context, wait_for_the_other, &waited);
    return NULL;
}

struct first_walk {
    struct tarn_quick *q;
    pthread_t thread;
    bool started;
};

static bool
start_the_other(void *context, const struct tarn_quick_block *block)
{
    struct first_walk *first = context;

    (void)block;
    if (!first->started) {
        first->started = true;
        assert_int_equal(pthread_create(&first->thread, NULL, walk_second, first->q), 0);
        (void)pthread_barrier_wait(&begun);
    }
    return true;
}

/* Two walks that begin one after the other, and end in the same order. */
static void
walks_of_two_threads(void **state)
{
    struct tarn_quick_hooks own = hooks;
    struct first_walk first;

    (void)state;
    memset(&first, 0, sizeof first);
    own.lock = take_mutex;
    own.unlock = drop_mutex;
    first.q = tarn_quick_init(memory, 65536, 0, &own);
    assert_non_null(tarn_quick_malloc(first.q, 100));
    assert_int_equal(pthread_barrier_init(&begun, NULL, 2), 0);
    assert_int_equal(pthread_barrier_init(&ended, NULL, 2), 0);
    assert_true(tarn_quick_walk(first.q, start_the_other, &first));
    (void)pthread_barrier_wait(&ended);
    assert_int_equal(pthread_join(first.thread, NULL), 0);
    /* Nothing is left of either: what merges blocks would look at it. */
    tarn_quick_flush(first.q);
    sound(first.q);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(walk_and_statistics),
        cmocka_unit_test(walk_of_a_busy_heap),
        cmocka_unit_test(full_and_odd),
        cmocka_unit_test(walks_of_two_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
