/* Regions of every size, place and number, and how much memory a mix of objects needs. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "quick_fixture.h"

#include <string.h>
#include <sys/mman.h>

static void
regions_of_any_alignment(void **state)
{
    size_t size;
    size_t shift;

    (void)state;
    for (size = 0; size < 1100; size++) {
        for (shift = 0; shift < 32; shift += 3) {
            struct tarn_quick *q;
            unsigned options = (unsigned)(size % 3 == 0 ? TARN_QUICK_ALIGN16 : 0);

            memset(memory, 0xee, 4096);
            q = tarn_quick_init(memory + shift, size, options, &hooks);
            if (q == NULL) {
                assert_true(size < 1024);
            } else {
                unsigned char *object;

                sound(q);
                while ((object = tarn_quick_malloc(q, 20)) != NULL) {
                    assert_true(object >= memory + shift);
                    assert_true(object + 20 <= memory + shift + size);
                }
                sound(q);
            }
            assert_int_equal(memory[shift + size], 0xee);
            assert_true(shift == 0 || memory[shift - 1] == 0xee);
        }
    }
    assert_null(tarn_quick_init(NULL, 4096, 0, NULL));
    assert_null(tarn_quick_init(memory, SIZE_MAX, 0, NULL));
}

static void
regions(void **state)
{
    struct tarn_quick *q = heap_of(65536, TARN_QUICK_GROWS);
    unsigned char *more = memory + 131072;
    unsigned char *object;

    (void)state;
    assert_null(tarn_quick_malloc(q, 100000));
    assert_true(tarn_quick_add(q, more + 1, 300000));
    object = tarn_quick_malloc(q, 100000);
    assert_non_null(object);
    assert_true(object > more);
    assert_false(tarn_quick_remove(q, more + 1));
    assert_false(tarn_quick_remove(q, memory));
    assert_false(tarn_quick_remove(q, more + 100000));
    sound(q);
    tarn_quick_free(q, object);
    object = tarn_quick_malloc(q, 40);
    tarn_quick_free(q, object);
    assert_true(tarn_quick_remove(q, more + 1));
    assert_false(tarn_quick_remove(q, more + 1));
    assert_null(tarn_quick_malloc(q, 100000));
    sound(q);
    assert_false(tarn_quick_add(q, more, 10));
    assert_false(tarn_quick_add(q, NULL, 4096));
}

/* Places no heap can take in: they are refused before a byte of them is touched. */
static void
out_of_reach(void **state)
{
    struct tarn_quick *q = heap_of(65536, TARN_QUICK_GROWS);
    const uintptr_t far = (uintptr_t)1 << 31;
    const uintptr_t place = (uintptr_t)q;

    (void)state;
    assert_false(tarn_quick_add(q, (void *)(UINTPTR_MAX - 100), 4096)); /* ends beyond the end */
    assert_null(tarn_quick_init((void *)(UINTPTR_MAX - 100), 4096, 0, NULL));
    assert_null(tarn_quick_init(memory, 2, 0, NULL));
    if (sizeof(void *) == 8 && !TARN_QUICK_WIDE) {
        assert_false(tarn_quick_add(q, (void *)(place + far), 4096));
        assert_false(tarn_quick_add(q, (void *)(place + far - 200000), 400000));
        assert_false(tarn_quick_add(q, (void *)(place - far - 4096), 4096));
        assert_false(tarn_quick_add(q, (void *)(place - far + 65536 - 24), 4096));
        assert_false(tarn_quick_add(q, (void *)(place - far + 65536 - 8), 4096));
        assert_false(tarn_quick_add(q, (void *)(place - far), (size_t)1 << 31));
        assert_null(tarn_quick_init(memory, (size_t)1 << 31, 0, NULL));
    }
    assert_false(tarn_quick_add(q, memory + 131072, (size_t)1 << (sizeof(size_t) * 8 - 1)));
    /* Without room for a block, and larger than a heap that does not grow expects. */
    assert_false(tarn_quick_add(q, memory + 131072, 40));
    q = heap_of(4096, 0);
    assert_false(tarn_quick_add(q, memory + 131072, 65536));
    assert_true(tarn_quick_add(q, memory + 131072, 4096));
    assert_true(tarn_quick_add(q, memory + 262144, 4096));
    assert_true(tarn_quick_add(q, memory + 393216, 4096));
    sound(q);
    /* Out of the middle, the front and the end of their list. */
    assert_true(tarn_quick_remove(q, memory + 262144));
    sound(q);
    assert_true(tarn_quick_remove(q, memory + 393216));
    assert_true(tarn_quick_remove(q, memory + 131072));
    sound(q);
}

/* More than four megabytes: the most and longest quick lists. */
static void
large_region(void **state)
{
    const size_t size = (size_t)8 << 20;
    void *region = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct tarn_quick *q = tarn_quick_init(region, size, 0, &hooks);
    static void *object[4096];
    size_t round;
    size_t i;

    (void)state;
    faults = 0;
    assert_non_null(q);
    for (round = 0; round < 3; round++) {
        for (i = 0; i < 4096; i++) {
            object[i] = tarn_quick_malloc(q, i % 600);
            assert_non_null(object[i]);
        }
        for (i = 0; i < 4096; i++) {
            tarn_quick_free(q, object[i * 2741 % 4096]);
        }
        sound(q);
    }
    tarn_quick_flush(q);
    sound(q);
    assert_non_null(tarn_quick_malloc(q, size - 1024));
    assert_int_equal(faults, 0);
    (void)munmap(region, size);
}

/* Within the bound, no order of requests is refused. */
static void
need_is_enough(void **state)
{
    static const unsigned options[] = {0, TARN_QUICK_IMMEDIATE, TARN_QUICK_ALIGN16,
                                       TARN_QUICK_TAGS};
    unsigned random = 12345;
    int round;

    (void)state;
    for (round = 0; round < 200; round++) {
        struct tarn_quick_mix mix[4];
        void *object[4][40] = {{NULL}};
        size_t live[4] = {0, 0, 0, 0};
        unsigned option = options[round % 4];
        struct tarn_quick *q;
        size_t need;
        int i;

        for (i = 0; i < 4; i++) {
            random = random * 1664525 + 1013904223;
            mix[i].size = (random >> 8) % (i == 0 ? 16 : i == 1 ? 100 : 700);
            mix[i].count = 1 + (random >> 20) % 39;
        }
        need = tarn_quick_need(mix, 4, option);
        assert_true(need < sizeof memory);
        q = tarn_quick_init(memory, need, option, &hooks);
        assert_non_null(q);
        for (i = 0; i < 5000; i++) {
            int kind;

            random = random * 1664525 + 1013904223;
            kind = (int)(random >> 30);
            if ((random >> 10) % 5 < 2 && live[kind] > 0) {
                size_t which = (random >> 16) % live[kind];

                tarn_quick_free(q, object[kind][which]);
                object[kind][which] = object[kind][--live[kind]];
            } else if (live[kind] < mix[kind].count) {
                object[kind][live[kind]] = tarn_quick_malloc(q, mix[kind].size);
                assert_non_null(object[kind][live[kind]]);
                live[kind]++;
            }
        }
        sound(q);
    }
    {
        struct tarn_quick_mix huge = {SIZE_MAX, 2};

        assert_true(tarn_quick_need(&huge, 1, 0) == SIZE_MAX);
        huge.size = 100;
        huge.count = SIZE_MAX / 50;
        assert_true(tarn_quick_need(&huge, 1, 0) == SIZE_MAX);
        huge.count = 0;
        assert_true(tarn_quick_need(&huge, 1, 0) < 1024);
        if (!TARN_QUICK_WIDE) {
            /* Objects and the gaps between them do not fit together; and the gaps alone do not. */
            huge.size = 1;
            huge.count = ((size_t)1 << 31) / 33;
            assert_true(tarn_quick_need(&huge, 1, 0) == SIZE_MAX);
            huge.size = 4100;
            huge.count = ((size_t)1 << 31) / 8192;
            assert_true(tarn_quick_need(&huge, 1, 0) == SIZE_MAX);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(regions_of_any_alignment),
        cmocka_unit_test(regions),
        cmocka_unit_test(out_of_reach),
        cmocka_unit_test(large_region),
        cmocka_unit_test(need_is_enough),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
