/* The misuse table: what every heap catches, and what a checked one does besides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "quick_fixture.h"

#include <string.h>

/* What every build must catch. */
static void
misuse(void **state)
{
    static const unsigned options[] = {0, TARN_QUICK_IMMEDIATE, TARN_QUICK_TAGS, TARN_QUICK_CHECKED,
                                       TARN_QUICK_ALIGN16};
    static const size_t sizes[] = {1, 24, 40, 100, 300, 5000};
    size_t i;
    size_t j;

    (void)state;
    for (i = 0; i < sizeof options / sizeof *options; i++) {
        for (j = 0; j < sizeof sizes / sizeof *sizes; j++) {
            struct tarn_quick *q = heap_of(sizeof memory, options[i]);
            unsigned char *p[5];
            int n;

            /* Double free: alone, beside a free block before, behind, both; at once and later. */
            for (n = 0; n < 5; n++) {
                p[n] = tarn_quick_malloc(q, sizes[j]);
            }
            tarn_quick_free(q, p[1]);
            tarn_quick_free(q, p[1]);
            expect_fault("free", p[1]);
            tarn_quick_free(q, p[2]);
            tarn_quick_free(q, p[2]);
            expect_fault("free", p[2]);
            tarn_quick_free(q, p[1]);
            expect_fault("free", p[1]);
            tarn_quick_free(q, p[0]);
            tarn_quick_free(q, p[4]);
            tarn_quick_free(q, p[3]);
            for (n = 0; n < 5; n++) {
                tarn_quick_free(q, p[n]);
                expect_fault("free", p[n]);
                assert_null(tarn_quick_realloc(q, p[n], 10));
                expect_fault("realloc", p[n]);
            }
            tarn_quick_flush(q);
            for (n = 0; n < 5; n++) {
                tarn_quick_free(q, p[n]);
                expect_fault("free", p[n]);
            }
            sound(q);
            /* Foreign and interior pointers. */
            p[0] = tarn_quick_malloc(q, 100);
            tarn_quick_free(q, &q);
            expect_fault("free", &q);
            tarn_quick_free(q, p[0] + 1);
            expect_fault("free", p[0] + 1);
            tarn_quick_free(q, p[0] + 8);
            expect_fault("free", p[0] + 8);
            tarn_quick_free(q, p[0] + 16);
            expect_fault("free", p[0] + 16);
            tarn_quick_free(q, (void *)(uintptr_t)8);
            expect_fault("free", (void *)(uintptr_t)8);
            assert_int_equal(tarn_quick_msize(q, p[0] + 24), 0);
            expect_fault("msize", p[0] + 24);
            sound(q);
        }
    }
}

/* Overruns into the header behind: found when either object is freed. */
static void
overruns(void **state)
{
    static const unsigned char bytes[] = {0x00, 0x41, 0xff, 0x5a, 0x80};
    static const unsigned options[] = {0, TARN_QUICK_IMMEDIATE, TARN_QUICK_TAGS};
    size_t i;
    size_t j;

    (void)state;
    for (i = 0; i < sizeof options / sizeof *options; i++) {
        for (j = 0; j < sizeof bytes; j++) {
            struct tarn_quick *q = heap_of(65536, options[i]);
            unsigned char *p[8];
            unsigned char *low;
            unsigned char *high;
            int n;

            for (n = 0; n < 8; n++) {
                p[n] = tarn_quick_malloc(q, 500);
            }
            low = p[3] < p[4] ? p[3] : p[4];
            high = p[3] < p[4] ? p[4] : p[3];
            memset(low, bytes[j], (size_t)(high - low));
            tarn_quick_free(q, high);
            if (faults == 0) {
                tarn_quick_free(q, low);
            }
            assert_true(faults != 0);
        }
    }
}

/* What a checked heap catches besides. */
static void
checked(void **state)
{
    static const unsigned options[] = {TARN_QUICK_CHECKED, TARN_QUICK_CHECKED | TARN_QUICK_TAGS,
                                       TARN_QUICK_CHECKED | TARN_QUICK_ALIGN16};
    size_t i;
    size_t size;

    (void)state;
    for (i = 0; i < sizeof options / sizeof *options; i++) {
        for (size = 1; size < 200; size++) {
            struct tarn_quick *q = heap_of(65536, options[i]);
            unsigned char *p = tarn_quick_malloc(q, size);
            unsigned char *r = tarn_quick_malloc(q, size);
            size_t at;

            /* One byte too far. */
            p[size] ^= 1;
            tarn_quick_free(q, p);
            expect_fault("free", p);
            p[size] ^= 1;
            tarn_quick_free(q, p);
            assert_int_equal(faults, 0);
            /* Written after free: found when the memory is given out again. */
            at = size > 32 ? size / 2 : 0;
            if (size > 32) {
                p[at] = 1;
                p = tarn_quick_malloc(q, size);
                assert_int_equal(faults, 1);
                assert_string_equal(fault.what, "free memory was written to");
                faults = 0;
            }
            tarn_quick_free(q, r);
            assert_int_equal(faults, 0);
        }
    }
}

static const unsigned checking[] = {TARN_QUICK_CHECKED, TARN_QUICK_CHECKED | TARN_QUICK_TAGS,
                                    TARN_QUICK_CHECKED | TARN_QUICK_ALIGN16};

/* A checked heap with five objects side by side in rising order. */
static struct tarn_quick *
five_objects(unsigned options, size_t size, unsigned char *p[5])
{
    struct tarn_quick *q = heap_of(16384, options);
    int n;

    for (n = 4; n >= 0; n--) {
        p[n] = tarn_quick_malloc(q, size);
        assert_non_null(p[n]);
    }
    assert_true(p[0] < p[1] && p[3] < p[4]);
    return q;
}

/* Uses all memory there is; whatever is damaged is met on the way. */
static void
use_all(struct tarn_quick *q)
{
    size_t size = 16384;

    while (size > 0) {
        if (tarn_quick_malloc(q, size) == NULL) {
            size /= 2;
        }
    }
}

/* Each byte of a freed object, beside used and free blocks on either side: check says so at once,
 * and the next to use the memory meets it, unless nobody could use so little, or a link is written
 * anew before anyone follows it. */
static void
written_after_free(void **state)
{
    static const size_t sizes[] = {1, 8, 24, 100};
    unsigned char *p[5];
    size_t i;
    size_t j;
    size_t at;
    unsigned cases = 0;
    unsigned met = 0;
    int beside;

    (void)state;
    for (i = 0; i < sizeof checking / sizeof *checking; i++) {
        for (j = 0; j < sizeof sizes / sizeof *sizes; j++) {
            for (beside = 0; beside < 8; beside++) {
                for (at = 0; at < sizes[j]; at++) {
                    struct tarn_quick *q = five_objects(checking[i], sizes[j], p);

                    if (beside & 1) {
                        tarn_quick_free(q, p[1]);
                    }
                    if (beside & 2) {
                        tarn_quick_free(q, p[3]);
                    }
                    tarn_quick_free(q, p[2]);
                    sound(q);
                    p[2][at] ^= 0x41;
                    assert_non_null(tarn_quick_check(q, NULL));
                    assert_int_equal(faults, 0);
                    if (beside & 4) { /* joined with neighbours first */
                        tarn_quick_free(q, beside & 1 ? p[0] : p[1]);
                        tarn_quick_free(q, beside & 2 ? p[4] : p[3]);
                    }
                    use_all(q);
                    cases++;
                    met += faults > 0;
                }
            }
        }
    }
    print_message("%u of %u met\n", met, cases);
    assert_true(met * 20 > cases * 17);
}

/* Each bit of the header of an object, and of a free block. */
static void
header_overwritten(void **state)
{
    unsigned char *p[5];
    size_t i;
    unsigned bit;
    const unsigned prev_free = 2;

    (void)state;
    for (i = 0; i < sizeof checking / sizeof *checking; i++) {
        for (bit = 0; bit < 32; bit++) {
            struct tarn_quick *q = five_objects(checking[i], 40, p);
            unsigned char *header = p[2] - (TARN_QUICK_WIDE ? 8 : 4);

            header[bit / 8] ^= (unsigned char)(1u << bit % 8);
            tarn_quick_free(q, p[2]);
            assert_int_equal(faults, 1);
            assert_string_equal(fault.function, "free");
            q = five_objects(checking[i], 40, p);
            tarn_quick_free(q, p[1]);
            tarn_quick_free(q, p[2]);
            tarn_quick_free(q, p[4]);
            header = p[bit & 1 ? 1 : 4] - (TARN_QUICK_WIDE ? 8 : 4);
            header[bit / 8] ^= (unsigned char)(1u << bit % 8);
            assert_non_null(tarn_quick_check(q, NULL));
            if (bit == prev_free || bit == 0) {
                continue; /* now in use, or with a mark: nobody meets it but check */
            }
            use_all(q);
            assert_true(faults > 0);
        }
    }
}

/* check names what is broken, wherever a byte of the heap's own is changed. */
static void
check_finds_damage(void **state)
{
    struct tarn_quick *q = heap_of(16384, 0);
    unsigned char *p[40];
    struct tarn_quick_stats stats;
    int i;

    (void)state;
    for (i = 0; i < 40; i++) {
        p[i] = tarn_quick_malloc(q, (size_t)(i % 7) * 24 + 10);
    }
    for (i = 0; i < 40; i += 3) {
        tarn_quick_free(q, p[i]);
    }
    tarn_quick_get_stats(q, &stats);
    assert_true(stats.quick > 0);
    sound(q);
    for (i = 0; i < 40; i++) {
        int bit;

        if (i % 3 == 0) {
            continue; /* freed: its header may be inside a larger free block by now */
        }

        for (bit = 0; bit < 8 * (int)sizeof(void *) / 2; bit++) {
            unsigned char *byte = p[i] - 4 + bit / 8;
            const void *where = NULL;

            *byte ^= (unsigned char)(1 << bit % 8);
            assert_non_null(tarn_quick_check(q, &where));
            assert_non_null(where);
            *byte ^= (unsigned char)(1 << bit % 8);
        }
    }
    sound(q);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(misuse),
        cmocka_unit_test(overruns),
        cmocka_unit_test(checked),
        cmocka_unit_test(written_after_free),
        cmocka_unit_test(header_overwritten),
        cmocka_unit_test(check_finds_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
