/* As much of cmocka as the unit tests of the freestanding heap use, for builds the distribution has
 * no cmocka for: the first thing that does not hold ends the program. */
#ifndef CMOCKA_H
#define CMOCKA_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
    const char *name;
    void (*test)(void **state);
};

#define fail_msg(...) (printf(__VA_ARGS__), printf(" (%s:%d)\n", __FILE__, __LINE__), exit(1))
#define fail()        fail_msg("FAILED")
#define print_message printf

#define assert_true(x)                                                                             \
    do {                                                                                           \
        if (!(x)) {                                                                                \
            fail_msg("FAILED: %s", #x);                                                            \
        }                                                                                          \
    } while (0)
#define assert_false(x)            assert_true(!(x))
#define assert_null(x)             assert_true((x) == NULL)
#define assert_non_null(x)         assert_true((x) != NULL)
#define assert_int_equal(a, b)     assert_true((unsigned long long)(a) == (unsigned long long)(b))
#define assert_ptr_equal(a, b)     assert_true((const void *)(a) == (const void *)(b))
#define assert_ptr_not_equal(a, b) assert_true((const void *)(a) != (const void *)(b))
#define assert_string_equal(a, b)  assert_true(strcmp(a, b) == 0)

#define cmocka_unit_test(function)                                                                 \
    {                                                                                              \
#        function, function                                                                        \
    }

static int
run_tests(const struct CMUnitTest *tests, size_t number)
{
    size_t i;

    for (i = 0; i < number; i++) {
        tests[i].test(NULL);
    }
    printf("%zu tests passed\n", number);
    return 0;
}

#define cmocka_run_group_tests(tests, before, behind) run_tests(tests, sizeof tests / sizeof *tests)

#endif
