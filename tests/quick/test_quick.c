/* The promises of tarn/quick.h one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "quick_fixture.h"

#include <stdlib.h>
#include <string.h>

static void
zero_arguments(void **state)
{
    struct tarn_quick *q = heap_of(8192, 0);
    void *a = tarn_quick_malloc(q, 0);
    void *b = tarn_quick_malloc(q, 0);

    (void)state;
    assert_non_null(a);
    assert_non_null(b);
    assert_ptr_not_equal(a, b);
    assert_null(tarn_quick_realloc(q, NULL, 0));
    assert_null(tarn_quick_realloc(q, a, 0));
    a = tarn_quick_realloc(q, NULL, 10);
    assert_non_null(a);
    tarn_quick_free(q, NULL);
    assert_int_equal(tarn_quick_msize(q, NULL), 0);
    assert_non_null(tarn_quick_calloc(q, 0, 5));
    assert_non_null(tarn_quick_mallocz(q, 0, 0));
    a = tarn_quick_mallocz(q, 100, 0);
    memset(a, 0xff, 100);
    tarn_quick_free(q, a);
    a = tarn_quick_mallocz(q, 100, 1);
    assert_int_equal(((unsigned char *)a)[99], 0);
    assert_int_equal(faults, 0);
    sound(q);
}

static void
overhead_and_fixed_cost(void **state)
{
    static const size_t sizes[] = {8, 24, 64, 100, 200, 1000};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct tarn_quick *q = heap_of(sizeof memory, 0);
        size_t n = 0;

        while (tarn_quick_malloc(q, sizes[i]) != NULL) {
            n++;
        }
        /* One word, and rounding to 8. */
        assert_true(sizeof memory / n <= (sizes[i] + 2 * sizeof(void *) + 15) / 8 * 8);
    }
    for (i = 1024; i <= 32768; i *= 2) {
        struct tarn_quick *q = heap_of(i - 1, 0);
        size_t largest = i;

        while (tarn_quick_malloc(q, largest) == NULL) {
            largest--;
        }
        print_message("fixed cost in %zu bytes: %zu\n", i - 1, i - 1 - largest);
        assert_true(i - 1 - largest <= (TARN_QUICK_WIDE ? 900 : 260));
    }
}

static void
freed_small_blocks_make_large_ones(void **state)
{
    static const unsigned options[] = {0, TARN_QUICK_IMMEDIATE};
    void *object[1024];
    size_t i;
    size_t j;

    (void)state;
    for (j = 0; j < 2; j++) {
        struct tarn_quick *q = heap_of(65536, options[j]);
        size_t n = 0;

        while (n < 1024 && (object[n] = tarn_quick_malloc(q, 60)) != NULL) {
            n++;
        }
        for (i = 0; i < n; i++) {
            tarn_quick_free(q, object[i * 389 % n]);
            if (n % 389 == 0) {
                fail();
            }
        }
        assert_non_null(tarn_quick_malloc(q, 32768));
        sound(q);
    }
}

static void
msize_and_slack(void **state)
{
    struct tarn_quick *q = heap_of(65536, 0);
    size_t size;

    (void)state;
    for (size = 0; size < 300; size++) {
        unsigned char *object = tarn_quick_malloc(q, size);
        size_t room = tarn_quick_msize(q, object);

        assert_true(room >= size && room < size + 8 * sizeof(void *));
        memset(object, 0xff, room);
        object = tarn_quick_realloc(q, object, room + 40);
        assert_int_equal(object[room - 1], 0xff);
        assert_int_equal(object[room], 0);
        assert_int_equal(object[room + 39], 0);
        tarn_quick_free(q, object);
    }
    sound(q);
}

static void
realloc_in_place(void **state)
{
    struct tarn_quick *q = heap_of(262144, 0);
    unsigned char *large = tarn_quick_malloc(q, 20000);
    unsigned char *grown = tarn_quick_realloc(q, large, 40000);

    (void)state;
    assert_ptr_equal(large, grown);
    grown = tarn_quick_realloc(q, large, 100);
    assert_ptr_equal(large, grown);
    /* Only by sliding down into the free block before it can this fit. */
    q = heap_of(65536, 0);
    large = tarn_quick_malloc(q, 30000);
    grown = tarn_quick_malloc(q, 20000);
    memset(grown, 0x77, 20000);
    tarn_quick_free(q, large);
    grown = tarn_quick_realloc(q, grown, 50000);
    assert_non_null(grown);
    assert_int_equal(grown[0], 0x77);
    assert_int_equal(grown[19999], 0x77);
    assert_int_equal(grown[20000], 0);
    sound(q);
}

static void
mallocalign_places(void **state)
{
    static const size_t values[] = {0, 1, 2, 3, 4, 6, 8, 12, 16, 24, 64, 100, 128, 256, 1000, 4096};
    size_t n = sizeof values / sizeof *values;
    size_t i;
    size_t j;
    long offset;
    unsigned given = 0;

    (void)state;
    for (i = 0; i < n; i++) {
        for (j = 0; j < n; j++) {
            struct tarn_quick *q = heap_of(sizeof memory / 4, i & 1 ? TARN_QUICK_ALIGN16 : 0);

            for (offset = -70; offset < 70; offset += 3) {
                size_t size = (size_t)(offset + 71) * 3;
                size_t align = values[i];
                size_t span = values[j];
                unsigned char *p = tarn_quick_mallocalign(q, size, align, offset, span);
                unsigned char *grown;

                if (p == NULL) {
                    size_t residue =
                        align == 0 ? 0
                                   : (size_t)((offset % (long)align + (long)align) % (long)align);

                    /* Refused: then it must have been impossible, where that is easy to tell. */
                    if (span == 0 || (align != 0 && span % align == 0 && residue + size <= span &&
                                      (align % 8 == 0))) {
                        fail_msg("refused size %zu align %zu offset %ld span %zu", size, align,
                                 offset, span);
                    }
                    continue;
                }
                given++;
                if (align != 0) {
                    assert_int_equal((intptr_t)((uintptr_t)p % align),
                                     ((offset % (long)align) + (long)align) % (long)align);
                }
                if (span != 0 && size != 0) {
                    assert_int_equal((uintptr_t)p / span, ((uintptr_t)p + size - 1) / span);
                }
                memset(p, 0x5a, size);
                assert_true(tarn_quick_msize(q, p) >= size);
                grown = tarn_quick_realloc(q, p, size + 1);
                assert_non_null(grown);
                assert_int_equal(grown[size], 0);
                assert_true(size == 0 || grown[size - 1] == 0x5a);
                if (offset % 2 == 0) {
                    tarn_quick_free(q, grown);
                }
            }
            sound(q);
            assert_int_equal(faults, 0);
        }
    }
    print_message("%u placed\n", given);
    assert_true(given > 3000);
}

static void
tags(void **state)
{
    struct tarn_quick *q = heap_of(65536, TARN_QUICK_TAGS);
    void *a = tarn_quick_malloc(q, 10);
    void *b = tarn_quick_malloc(q, 20);
    uintptr_t caller = tarn_quick_getmalloctag(q, a);

    (void)state;
    assert_true(caller != 0);
    assert_int_equal(tarn_quick_getrealloctag(q, a), 0);
    tarn_quick_setmalloctag(q, a, 0x1111);
    tarn_quick_setmalloctag(q, b, 0x2222);
    tarn_quick_setrealloctag(q, b, 0x3333);
    a = tarn_quick_realloc(q, a, 5000);
    assert_int_equal(tarn_quick_getmalloctag(q, a), 0x1111);
    assert_true(tarn_quick_getrealloctag(q, a) != 0);
    assert_int_equal(tarn_quick_getrealloctag(q, b), 0x3333);
    tarn_quick_leaks(q);
    assert_non_null(strstr(printed, "tag 0x1111: 1 objects, "));
    assert_non_null(strstr(printed, "tag 0x2222: 1 objects, "));
    /* Tags come in rising order whatever that of the objects. */
    assert_true(strstr(printed, "tag 0x1111") < strstr(printed, "tag 0x2222"));
    tarn_quick_setmalloctag(q, a, 0x4444);
    printed_length = 0;
    tarn_quick_leaks(q);
    assert_true(strstr(printed, "tag 0x2222") < strstr(printed, "tag 0x4444"));
    tarn_quick_free(q, b);
    tarn_quick_free(q, b);
    assert_int_equal(faults, 1);
    sound(q);
    q = heap_of(65536, 0);
    a = tarn_quick_malloc(q, 10);
    tarn_quick_setmalloctag(q, a, 0x1111);
    assert_int_equal(tarn_quick_getmalloctag(q, a), 0);
}

static unsigned char *spare;

static bool
more_memory(void *context, struct tarn_quick *heap, size_t need)
{
    unsigned char *region = spare;

    (void)context;
    assert_true(need >= 50000);
    spare = NULL;
    return region != NULL && tarn_quick_add(heap, region, 200000);
}

static int slept;

static void
sleep_hook(void *context, unsigned milliseconds)
{
    assert_int_equal(milliseconds, 100);
    if (++slept == 3) {
        tarn_quick_free(*(struct tarn_quick **)context, memory); /* foreign: noted, harmless */
        spare = memory + 131072;
    }
}

static void
more_and_sleep_hooks(void **state)
{
    struct tarn_quick *q;
    struct tarn_quick_hooks own = hooks;

    (void)state;
    own.context = &q;
    own.more = more_memory;
    own.sleep = sleep_hook;
    spare = memory + 131072;
    q = tarn_quick_init(memory, 65536, TARN_QUICK_GROWS, &own);
    assert_non_null(tarn_quick_malloc(q, 50000));
    assert_non_null(tarn_quick_malloc(q, 80000));
    assert_null(tarn_quick_malloc(q, 80000 * 2));
    q = tarn_quick_init(memory, 65536, TARN_QUICK_GROWS, &own);
    slept = 0;
    faults = 0;
    assert_non_null(tarn_quick_smalloc(q, 60000 * 2));
    assert_int_equal(slept, 3);
    assert_int_equal(faults, 1);
    sound(q);
}

static unsigned traced;

static void
trace_hook(void *context, const struct tarn_quick_event *event)
{
    (void)context;
    traced = traced * 31 + (unsigned)event->function[0] + (unsigned)event->size;
    assert_true(event->pointer != NULL || event->function[0] == 'f');
    assert_true(event->caller != 0);
}

static void
trace_events(void **state)
{
    struct tarn_quick_hooks own = hooks;
    struct tarn_quick *q;
    void *object;

    (void)state;
    own.trace = trace_hook;
    q = tarn_quick_init(memory, 65536, 0, &own);
    traced = 0;
    object = tarn_quick_malloc(q, 10);
    assert_int_equal(traced, 'm' + 10);
    object = tarn_quick_realloc(q, object, 1000);
    assert_int_equal(traced, ('m' + 10) * 31 + 'r' + 1000);
    tarn_quick_free(q, object);
    sound(q);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(zero_arguments),
        cmocka_unit_test(overhead_and_fixed_cost),
        cmocka_unit_test(freed_small_blocks_make_large_ones),
        cmocka_unit_test(msize_and_slack),
        cmocka_unit_test(realloc_in_place),
        cmocka_unit_test(mallocalign_places),
        cmocka_unit_test(tags),
        cmocka_unit_test(more_and_sleep_hooks),
        cmocka_unit_test(trace_events),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
