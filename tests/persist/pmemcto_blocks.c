/* libpmemcto's manual: blocks, the root, and figures. */
#include "pmemcto_use.h"

#include <fcntl.h>

void
blocks(void **state)
{
    (void)state;
    PMEMctopool *pool = make(NULL);
    pmemcto_free(pool, NULL);
    pmemcto_free(pool, pmemcto_malloc(pool, 0));
    assert_refused(pmemcto_malloc(pool, POOL), ENOMEM);
    assert_refused(pmemcto_malloc(pool, SIZE_MAX), ENOMEM);
    pmemcto_free(pool, pmemcto_calloc(pool, 0, 10));
    pmemcto_free(pool, pmemcto_calloc(pool, 10, 0));
    assert_refused(pmemcto_calloc(pool, SIZE_MAX, 2), ENOMEM);
    assert_refused(pmemcto_calloc(pool, SIZE_MAX / 2 + 2, 2), ENOMEM);
    char *used = pmemcto_malloc(pool, 1000);
    memset(used, 1, 1000);
    pmemcto_free(pool, used);
    unsigned char *zero = pmemcto_calloc(pool, 100, 10);
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(zero[i], 0);
        zero[i] = (unsigned char)i;
    }
    assert_true(pmemcto_malloc_usable_size(pool, zero) >= 1000);
    assert_int_equal(pmemcto_malloc_usable_size(pool, NULL), 0);
    unsigned char *grown = pmemcto_realloc(pool, zero, 200000);
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(grown[i], (unsigned char)i);
    }
    assert_refused(pmemcto_realloc(pool, grown, POOL), ENOMEM); /* and is left untouched: */
    for (unsigned i = 0; i < 1000; i++) {
        assert_int_equal(grown[i], (unsigned char)i);
    }
    assert_null(pmemcto_realloc(pool, grown, 0)); /* is a free */
    void *made = pmemcto_realloc(pool, NULL, 50);
    assert_non_null(made);
    pmemcto_free(pool, made);
    pmemcto_free(pool, pmemcto_realloc(pool, NULL, 0)); /* is a malloc */
    pmemcto_close(pool);
}

void
aligned(void **state)
{
    static const size_t wrong[] = {0, 3, 24, 4097, SIZE_MAX};
    (void)state;
    PMEMctopool *pool = make(NULL);
    for (size_t align = 1; align <= (size_t)4 << 20; align *= 2) {
        void *block = pmemcto_aligned_alloc(pool, align, 4);
        assert_non_null(block);
        assert_int_equal((uintptr_t)block % align, 0);
        pmemcto_free(pool, block);
        pmemcto_free(pool, pmemcto_aligned_alloc(pool, align, 0));
    }
    for (unsigned i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        assert_refused(pmemcto_aligned_alloc(pool, wrong[i], 4), EINVAL);
    }
    assert_refused(pmemcto_aligned_alloc(pool, (size_t)1 << 40, 4), ENOMEM);
    assert_refused(pmemcto_aligned_alloc(pool, 64, POOL), ENOMEM);
    assert_refused(pmemcto_aligned_alloc(pool, 64, SIZE_MAX), ENOMEM);
    pmemcto_close(pool);
}

void
strings(void **state)
{
    (void)state;
    PMEMctopool *pool = make(NULL);
    char *text = pmemcto_strdup(pool, "text");
    wchar_t *wide = pmemcto_wcsdup(pool, L"wide");
    assert_string_equal(text, "text");
    assert_int_equal(wcscmp(wide, L"wide"), 0);
    pmemcto_free(pool, text);
    pmemcto_free(pool, wide);
    char *long_text = malloc(POOL);
    memset(long_text, 'x', POOL - 1);
    long_text[POOL - 1] = 0;
    assert_refused(pmemcto_strdup(pool, long_text), ENOMEM);
    wchar_t *long_wide = malloc(POOL);
    for (size_t i = 0; i < POOL / sizeof *long_wide; i++) {
        long_wide[i] = i + 1 < POOL / sizeof *long_wide ? L'x' : 0;
    }
    assert_refused(pmemcto_wcsdup(pool, long_wide), ENOMEM);
    free(long_text);
    free(long_wide);
    pmemcto_close(pool);
}

void
root_pointer(void **state)
{
    (void)state;
    PMEMctopool *pool = make(NULL);
    assert_null(pmemcto_get_root_pointer(pool));
    char *first = pmemcto_strdup(pool, "first");
    pmemcto_set_root_pointer(pool, first);
    pmemcto_set_root_pointer(pool, pmemcto_strdup(pool, "second"));
    pmemcto_close(pool);
    pool = pmemcto_open(pool_path, NULL);
    assert_string_equal(pmemcto_get_root_pointer(pool), "second");
    assert_string_equal(first, "first"); /* at the same address */
    pmemcto_set_root_pointer(pool, NULL);
    assert_null(pmemcto_get_root_pointer(pool));
    pmemcto_close(pool);
}

/* ---- pmemcto_stats_print(3) ---- */

static char printed[16384];

static void
keep(const char *text)
{
    strncat(printed, text, sizeof printed - strlen(printed) - 1);
}

static const char *
print_stats(PMEMctopool *pool, const char *opts)
{
    printed[0] = 0;
    pmemcto_stats_print(pool, opts);
    return printed;
}

void
figures(void **state)
{
    static const struct {
        const char *letter;
        const char *has;
    } parts[] = {
        {"g", "capacity"},
        {"m", "4 blocks of "},
        {"a", "slices in use"},
        {"b", "small blocks by size"},
        {"l", "large blocks by size"},
    };
    (void)state;
    PMEMctopool *pool = make(NULL);
    pmemcto_set_funcs(NULL, NULL, NULL, NULL, keep);
    assert_non_null(strstr(print_stats(pool, NULL), "0 blocks of 0 bytes"));
    for (unsigned i = 0; i < 3; i++) {
        assert_non_null(pmemcto_malloc(pool, 48));
    }
    assert_non_null(pmemcto_malloc(pool, 100000));
    assert_non_null(strstr(print_stats(pool, NULL), "3 blocks of 48 bytes"));
    assert_non_null(strstr(printed, "1 blocks of 131072 to 262143 bytes"));
    for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++) {
        assert_non_null(strstr(print_stats(pool, "?!"), parts[i].has)); /* silently ignored */
        assert_null(strstr(print_stats(pool, parts[i].letter), parts[i].has));
    }
    assert_string_equal(print_stats(pool, "gmabl"), "");
    pmemcto_close(pool);
}

/* "appears on stderr unless ... print_func or ... PMEMCTO_LOG_FILE" */
void
where_figures_go(void **state)
{
    char log[4096];
    char with_number[4200];
    (void)state;
    snprintf(log, sizeof log, "%.4000s-log-", pool_path);
    snprintf(with_number, sizeof with_number, "%s%d", log, (int)getpid());
    PMEMctopool *pool = make(NULL);
    setenv("PMEMCTO_LOG_FILE", log, 1);
    pmemcto_stats_print(pool, NULL);
    assert_int_equal(access(with_number, F_OK), 0);
    unlink(with_number);
    pmemcto_set_funcs(NULL, NULL, NULL, NULL, keep);
    pmemcto_stats_print(pool, NULL);
    assert_int_not_equal(access(with_number, F_OK), 0);
    pmemcto_set_funcs(NULL, NULL, NULL, NULL, NULL);
    unsetenv("PMEMCTO_LOG_FILE");
    int stderr_now = dup(2);
    int file = open(with_number, O_RDWR | O_CREAT | O_TRUNC, 0600);
    dup2(file, 2);
    pmemcto_stats_print(pool, "");
    dup2(stderr_now, 2);
    close(stderr_now);
    assert_true(lseek(file, 0, SEEK_END) > 0);
    close(file);
    unlink(with_number);
    pmemcto_close(pool);
}
