/* Sizes, alignments, offsets and spans that no heap could satisfy, or that wrap when they are added
 * or multiplied: they give NULL, or a pointer that holds what was asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "quick_fixture.h"

#include <limits.h>
#include <string.h>

static void
impossible_sizes(void **state)
{
    static const unsigned options[] = {0, TARN_QUICK_ALIGN16, TARN_QUICK_TAGS, TARN_QUICK_CHECKED,
                                       TARN_QUICK_IMMEDIATE};
    size_t i;
    unsigned bit;
    int off;

    (void)state;
    for (i = 0; i < sizeof options / sizeof *options; i++) {
        struct tarn_quick *q = heap_of(65536, options[i]);
        void *object = tarn_quick_malloc(q, 100);

        for (bit = 16; bit <= sizeof(size_t) * 8; bit++) {
            for (off = -40; off <= 40; off++) {
                size_t size = (bit == sizeof(size_t) * 8 ? 0 : (size_t)1 << bit) + (size_t)off;

                if (size <= 65536) {
                    continue;
                }
                assert_null(tarn_quick_malloc(q, size));
                assert_null(tarn_quick_mallocz(q, size, 0));
                assert_null(tarn_quick_smalloc(q, size));
                assert_null(tarn_quick_calloc(q, size, 1));
                assert_null(tarn_quick_calloc(q, 1, size));
                assert_null(tarn_quick_calloc(q, size, size));
                assert_null(tarn_quick_calloc(q, size, 3));
                assert_null(tarn_quick_calloc(q, SIZE_MAX / size + 1, size));
                assert_null(tarn_quick_realloc(q, object, size));
                assert_null(tarn_quick_mallocalign(q, size, 8, 0, 0));
                assert_null(tarn_quick_mallocalign(q, size, 4096, 4, size));
                assert_null(tarn_quick_mallocalign(q, 8, size, 0, 0));
                assert_null(tarn_quick_mallocalign(q, size, 0, 0, 64));
            }
        }
        sound(q);
        assert_int_equal(faults, 0);
    }
}

/* What a pointer must satisfy whenever mallocalign gives one. */
static void
holds(const unsigned char *p, size_t size, size_t align, long offset, size_t span)
{
    assert_true(p >= memory && p < memory + 65536);
    assert_true(size <= (size_t)(memory + 65536 - p));
    if (align != 0) {
        /* p - offset is a multiple of align: in unsigned arithmetic, without wrapping. */
        size_t place = (size_t)(uintptr_t)p % align;
        size_t away = offset >= 0 ? (size_t)offset % align : (0 - (size_t)offset) % align;

        assert_true(offset >= 0 ? place == away : (align - place) % align == away);
    }
    if (span != 0 && size != 0) {
        assert_true((uintptr_t)p / span == ((uintptr_t)p + size - 1) / span);
    }
}

static void
mallocalign_matrix(void **state)
{
    const size_t top = (size_t)1 << (sizeof(size_t) * 8 - 1);
    const size_t aligns[] = {0,
                             1,
                             2,
                             3,
                             8,
                             12,
                             64,
                             100,
                             4096,
                             65536,
                             (size_t)1 << 31,
                             top >> 1,
                             top - 8,
                             top - 1,
                             top,
                             top + 1,
                             top + 8,
                             SIZE_MAX / 3,
                             SIZE_MAX - 4096,
                             SIZE_MAX - 8,
                             SIZE_MAX - 1,
                             SIZE_MAX};
    const long offsets[] = {0, 4, -1, LONG_MAX, LONG_MIN};
    const size_t spans[] = {0, 1, 24, 4096, top, SIZE_MAX};
    static const unsigned options[] = {0, TARN_QUICK_ALIGN16 | TARN_QUICK_IMMEDIATE,
                                       TARN_QUICK_TAGS | TARN_QUICK_CHECKED};
    unsigned given = 0;
    size_t i;
    size_t j;
    size_t k;
    size_t a;

    (void)state;
    for (i = 0; i < sizeof options / sizeof *options; i++) {
        struct tarn_quick *q = heap_of(65536, options[i]);

        for (j = 0; j < 266; j++) {
            /* 0 to 65, round 2^31 and 2^32, round half of all, and up to SIZE_MAX. */
            size_t size = j < 66    ? j * 13
                          : j < 116 ? ((size_t)1 << 31) + j - 91
                          : j < 166 ? (((size_t)1 << 31) + (j - 141)) * 2
                          : j < 216 ? top + j - 191
                                    : SIZE_MAX - (j - 216);

            for (a = 0; a < sizeof aligns / sizeof *aligns; a++) {
                for (k = 0; k < 30; k++) {
                    long offset = offsets[k % 5];
                    size_t span = spans[k / 5];
                    unsigned char *p = tarn_quick_mallocalign(q, size, aligns[a], offset, span);

                    if (p != NULL) {
                        given++;
                        holds(p, size, aligns[a], offset, span);
                        memset(p, 0x5a, size);
                        tarn_quick_free(q, p);
                    }
                    assert_true(p == NULL || size < 65536);
                }
            }
        }
        assert_int_equal(faults, 0);
        sound(q);
        tarn_quick_flush(q);
        sound(q);
    }
    {
        /* Neither divides the other, and what both cost together has no block. */
        struct tarn_quick *q = heap_of(65536, 0);
        size_t large = (size_t)1 << (TARN_QUICK_WIDE ? sizeof(size_t) * 8 - 3 : 29);

        assert_null(tarn_quick_mallocalign(q, 8, large - 5000, 0, large - 4999));
        sound(q);
    }
    print_message("%u placed\n", given);
    assert_true(given > 1000);
}

/* The smallest regions that are promised: each option, at every alignment. */
static void
one_kilobyte(void **state)
{
    unsigned options;
    size_t shift;

    (void)state;
    for (options = 0; options < 32; options++) {
        for (shift = 0; shift < 17; shift++) {
            struct tarn_quick *q;
            unsigned char *object[64];
            size_t n = 0;
            size_t i;

            faults = 0;
            q = tarn_quick_init(memory + shift, 1024, options, &hooks);
            assert_non_null(q);
            while (n < 64 && (object[n] = tarn_quick_malloc(q, 24)) != NULL) {
                memset(object[n], (int)n + 1, 24);
                n++;
            }
            assert_true(n >= (options & (TARN_QUICK_TAGS | TARN_QUICK_CHECKED) ? 10 : 20) /
                                 (TARN_QUICK_WIDE + 1u));
            for (i = 0; i < n; i++) {
                assert_int_equal(object[i][23], i + 1);
                tarn_quick_free(q, object[i]);
            }
            tarn_quick_flush(q);
            sound(q);
            assert_non_null(tarn_quick_malloc(q, TARN_QUICK_WIDE ? 200 : 700));
            assert_int_equal(faults, 0);
        }
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(impossible_sizes),
        cmocka_unit_test(mallocalign_matrix),
        cmocka_unit_test(one_kilobyte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
