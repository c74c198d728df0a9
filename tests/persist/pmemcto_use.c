/* libpmemcto's manual, page by page: a test for each promise that can be seen, and its example. */
#include "pmemcto_use.h"
#include "beside.h"

#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

const char *pool_path;

PMEMctopool *
make(const char *layout)
{
    PMEMctopool *pool = pmemcto_create(pool_path, layout, POOL, 0600);
    assert_non_null(pool);
    return pool;
}

static int
remove_pool(void **state)
{
    (void)state;
    unlink(pool_path);
    pmemcto_set_funcs(NULL, NULL, NULL, NULL, NULL);
    unsetenv("PMEMCTO_LOG_FILE");
    return 0;
}

static void
write_file(const char *text, off_t size)
{
    int made = open(pool_path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(made >= 0);
    assert_int_equal(pwrite(made, text, strlen(text), 0), (ssize_t)strlen(text));
    assert_int_equal(ftruncate(made, size), 0);
    close(made);
}

static off_t
file_size(void)
{
    struct stat status;
    assert_int_equal(stat(pool_path, &status), 0);
    return status.st_size;
}

/* ---- libpmemcto(7) ---- */

static void
versions(void **state)
{
    (void)state;
    assert_null(pmemcto_check_version(PMEMCTO_MAJOR_VERSION, PMEMCTO_MINOR_VERSION));
    assert_non_null(pmemcto_check_version(PMEMCTO_MAJOR_VERSION + 1, 0));
    assert_non_null(pmemcto_check_version(PMEMCTO_MAJOR_VERSION - 1, 9));
    assert_non_null(pmemcto_check_version(PMEMCTO_MAJOR_VERSION, PMEMCTO_MINOR_VERSION + 1));
    const char *reason = pmemcto_check_version(9, 9);
    assert_ptr_equal(reason, pmemcto_check_version(9, 9)); /* static */
}

struct root {
    char *str;
    char *data;
};

/* As it stands in the manual, but for the path and the size. */
static int
example(void)
{
    PMEMctopool *pcp;
    pcp = pmemcto_create(pool_path, "example_layout", POOL, 0666);
    if (pcp == NULL) {
        pcp = pmemcto_open(pool_path, "example_layout");
    }
    if (pcp == NULL) {
        return 1;
    }
    struct root *rootp = pmemcto_get_root_pointer(pcp);
    int first = rootp == NULL;
    if (rootp == NULL) {
        rootp = pmemcto_malloc(pcp, sizeof(*rootp));
        if (rootp == NULL) {
            return 2;
        }
        pmemcto_set_root_pointer(pcp, rootp);
        rootp->str = pmemcto_strdup(pcp, "Hello World!");
        rootp->data = NULL;
    }
    int right = strcmp(rootp->str, "Hello World!") == 0 && rootp->data == NULL;
    pmemcto_close(pcp);
    return right ? 10 + first : 3;
}

static void
the_example_twice(void **state)
{
    (void)state;
    assert_int_equal(in_child(example), 11);
    assert_int_equal(in_child(example), 10);
}

static void *
other_thread(void *context)
{
    char *before = context;
    snprintf(before, 8, "%s", pmemcto_errormsg());
    assert_null(pmemcto_open("/nowhere/at/all", NULL));
    return NULL;
}

/* "errors encountered in one thread do not affect its value in other threads"; "never cleared by
 * any library function". */
static void
messages(void **state)
{
    (void)state;
    char before[8] = "?";
    char mine[512];
    pthread_t thread;
    assert_refused(pmemcto_open(pool_path, NULL), ENOENT);
    snprintf(mine, sizeof mine, "%s", pmemcto_errormsg());
    assert_non_null(strstr(mine, pool_path));
    assert_non_null(strstr(mine, strerror(ENOENT)));
    pthread_create(&thread, NULL, other_thread, before);
    pthread_join(thread, NULL);
    assert_string_equal(before, "");
    assert_string_equal(pmemcto_errormsg(), mine);
    PMEMctopool *pool = make(NULL);
    pmemcto_free(pool, pmemcto_malloc(pool, 10));
    pmemcto_close(pool);
    assert_string_equal(pmemcto_errormsg(), mine);
}

static void *
allocate(void *context)
{
    for (unsigned i = 0; i < 20000; i++) {
        char *block = pmemcto_malloc(context, i % 500 + 1);
        assert_non_null(block);
        memset(block, 1, i % 500 + 1);
        pmemcto_free(context, block);
    }
    return NULL;
}

static void
many_threads(void **state)
{
    (void)state;
    pthread_t threads[4];
    PMEMctopool *pool = make(NULL);
    for (unsigned i = 0; i < 4; i++) {
        pthread_create(&threads[i], NULL, allocate, pool);
    }
    for (unsigned i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
    }
    pmemcto_close(pool);
    assert_int_equal(pmemcto_check(pool_path, NULL), 1);
}

/* ---- pmemcto_open(3) ---- */

static void
layouts(void **state)
{
    static char layout[PMEMCTO_MAX_LAYOUT + 1];
    (void)state;
    memset(layout, 'x', PMEMCTO_MAX_LAYOUT);
    assert_refused(pmemcto_create(pool_path, layout, POOL, 0600), EINVAL);
    assert_int_not_equal(access(pool_path, F_OK), 0);
    layout[PMEMCTO_MAX_LAYOUT - 1] = 0;
    pmemcto_close(make(layout));
    assert_refused(pmemcto_open(pool_path, "other"), EINVAL);
    assert_refused(pmemcto_open(pool_path, ""), EINVAL);
    pmemcto_close(pmemcto_open(pool_path, layout));
    pmemcto_close(pmemcto_open(pool_path, NULL));
    unlink(pool_path);
    pmemcto_close(make(NULL)); /* is an empty name */
    PMEMctopool *pool = pmemcto_open(pool_path, "");
    assert_non_null(pool);
    pmemcto_close(pool);
}

/* "mode specifies the permissions ... as described by creat(2)" */
static void
modes(void **state)
{
    static const mode_t wanted[] = {0640, 0666, 0400, 0};
    struct stat status;
    (void)state;
    mode_t mask = umask(027);
    for (unsigned i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        PMEMctopool *pool = pmemcto_create(pool_path, NULL, POOL, wanted[i]);
        assert_non_null(pool);
        assert_int_equal(stat(pool_path, &status), 0);
        assert_int_equal(status.st_mode & 07777, wanted[i] & ~(mode_t)027);
        pmemcto_close(pool);
        unlink(pool_path);
    }
    umask(mask);
}

static void
expect_whole(void)
{
    struct stat status;
    assert_int_equal(stat(pool_path, &status), 0);
    assert_int_equal(status.st_size, POOL);
    assert_true((size_t)status.st_blocks * 512 >= POOL);
}

/* "fully allocated to the size poolsize"; "never attempts to grow or shrink that memory pool" */
static void
its_size_never_changes(void **state)
{
    (void)state;
    PMEMctopool *pool = make(NULL);
    expect_whole();
    for (unsigned round = 0; round < 3; round++) {
        void **all = NULL;
        size_t blocks = 0;
        void **block;
        while ((block = pmemcto_malloc(pool, 100000)) != NULL) {
            memset(block, 7, 100000);
            *block = all;
            all = block;
            blocks++;
        }
        assert_int_equal(errno, ENOMEM);
        assert_true(blocks * 100000 > POOL / 2);
        for (; all != NULL; all = block) {
            block = *all;
            pmemcto_free(pool, all);
        }
        expect_whole();
        pmemcto_close(pool);
        expect_whole();
        pool = pmemcto_open(pool_path, NULL);
        assert_non_null(pool);
        expect_whole();
    }
    pmemcto_close(pool);
}

static void
own_file(void **state)
{
    (void)state;
    assert_refused(pmemcto_create(pool_path, NULL, 0, 0600), ENOENT);
    write_file("", (off_t)POOL);
    assert_refused(pmemcto_create(pool_path, NULL, POOL, 0600), EEXIST);
    PMEMctopool *pool = pmemcto_create(pool_path, "own", 0, 0600);
    assert_non_null(pool);
    expect_whole();
    pmemcto_close(pool);
    expect_whole();
    assert_refused(pmemcto_create(pool_path, "own", POOL, 0600), EEXIST);
    assert_refused(pmemcto_create(pool_path, "own", 0, 0600), EEXIST); /* not empty */
    assert_int_equal(pmemcto_check(pool_path, "own"), 1);              /* and unharmed */
    write_file("something else", (off_t)POOL);
    assert_refused(pmemcto_create(pool_path, NULL, 0, 0600), EEXIST);
    write_file("", (off_t)POOL);
    char found[5] = {0};
    int file = open(pool_path, O_RDWR);
    assert_int_equal(pwrite(file, "data", 4, 1 << 20), 4);
    assert_refused(pmemcto_create(pool_path, NULL, 0, 0600), EEXIST); /* zeros at its start only */
    assert_int_equal(pread(file, found, 4, 1 << 20), 4);
    assert_string_equal(found, "data");
    close(file);
    write_file("", (off_t)PMEMCTO_MIN_POOL - 4096);
    assert_refused(pmemcto_create(pool_path, NULL, 0, 0600), EINVAL);
    assert_int_equal(file_size(), PMEMCTO_MIN_POOL - 4096);
}

static void
least_size(void **state)
{
    (void)state;
    assert_refused(pmemcto_create(pool_path, NULL, PMEMCTO_MIN_POOL - 1, 0600), EINVAL);
    assert_int_not_equal(access(pool_path, F_OK), 0);
    PMEMctopool *pool = pmemcto_create(pool_path, NULL, PMEMCTO_MIN_POOL, 0600);
    assert_non_null(pool);
    void *half = pmemcto_malloc(pool, PMEMCTO_MIN_POOL / 2);
    assert_non_null(half);
    pmemcto_close(pool);
    assert_int_equal(file_size(), PMEMCTO_MIN_POOL);
}

static void
pool_sets(void **state)
{
    (void)state;
    write_file("PMEMPOOLSET\n16M /nowhere/part0\n", 40);
    assert_refused(pmemcto_create(pool_path, NULL, POOL, 0600), EEXIST);
    assert_refused(pmemcto_create(pool_path, NULL, 0, 0600), EINVAL);
    assert_refused(pmemcto_open(pool_path, NULL), EINVAL);
}

static void
invalid_headers(void **state)
{
    (void)state;
    write_file("no pool", (off_t)POOL);
    assert_refused(pmemcto_open(pool_path, NULL), EINVAL);
    errno = 0;
    assert_int_equal(pmemcto_check(pool_path, NULL), -1);
    assert_int_equal(errno, EINVAL);
}

static int
open_again(void)
{
    return pmemcto_open(pool_path, NULL) == NULL && errno == EAGAIN &&
                   pmemcto_check(pool_path, NULL) == -1 && errno == EAGAIN
               ? 0
               : 1;
}

static void
open_already(void **state)
{
    (void)state;
    PMEMctopool *pool = make(NULL);
    assert_int_equal(open_again(), 0);
    assert_int_equal(in_child(open_again), 0);
    pmemcto_close(pool);
    assert_int_equal(in_child(open_again), 1);
}

/* "ENOMEM: cannot be mapped at the address it was created" */
static void
address_taken(void **state)
{
    char copy[4096];
    char command[8300];
    (void)state;
    pmemcto_close(make(NULL));
    snprintf(copy, sizeof copy, "%.4000s-copy", pool_path);
    snprintf(command, sizeof command, "cp '%s' '%s'", pool_path, copy);
    assert_int_equal(system(command), 0);
    PMEMctopool *pool = pmemcto_open(pool_path, NULL);
    assert_non_null(pool);
    assert_refused(pmemcto_open(copy, NULL), ENOMEM);
    pmemcto_close(pool);
    unlink(copy);
}

static int
use_and_end(void)
{
    PMEMctopool *pool = pmemcto_open(pool_path, NULL);
    return pool == NULL || pmemcto_malloc(pool, 100) == NULL;
}

/* "If the pool was not closed gracefully ... subsequent pool opening to fail" */
static void
not_closed(void **state)
{
    (void)state;
    pmemcto_close(make("lay"));
    assert_int_equal(in_child(use_and_end), 0);
    assert_refused(pmemcto_open(pool_path, NULL), EINVAL);
    assert_refused(pmemcto_open(pool_path, "lay"), EINVAL);
    assert_int_equal(pmemcto_check(pool_path, NULL), 0);
    assert_int_equal(pmemcto_check(pool_path, "lay"), 0);
    errno = 0;
    assert_int_equal(pmemcto_check(pool_path, "other"), -1);
    assert_int_equal(errno, EINVAL);
}

static void
checks(void **state)
{
    struct stat before;
    struct stat after;
    (void)state;
    errno = 0;
    assert_int_equal(pmemcto_check(pool_path, NULL), -1);
    assert_int_equal(errno, ENOENT);
    pmemcto_close(make("lay"));
    assert_int_equal(chmod(pool_path, 0400), 0);
    assert_int_equal(stat(pool_path, &before), 0);
    assert_int_equal(pmemcto_check(pool_path, NULL), 1);
    assert_int_equal(pmemcto_check(pool_path, "lay"), 1);
    errno = 0;
    assert_int_equal(pmemcto_check(pool_path, "other"), -1);
    assert_int_equal(errno, EINVAL);
    assert_true(pmemcto_errormsg()[0] != 0);
    assert_int_equal(stat(pool_path, &after), 0);
    assert_int_equal(before.st_mtim.tv_sec, after.st_mtim.tv_sec); /* "never makes any changes" */
    assert_int_equal(before.st_mtim.tv_nsec, after.st_mtim.tv_nsec);
    assert_int_equal(chmod(pool_path, 0600), 0);
    int file = open(pool_path, O_RDWR);
    assert_int_equal(pwrite(file, "x", 1, 100), 1);
    assert_int_equal(pwrite(file, "x", 1, 4096 + 100), 1);
    close(file);
    assert_int_equal(pmemcto_check(pool_path, NULL), 0);
    assert_true(pmemcto_errormsg()[0] != 0);
}

int
main(int argc, char **argv)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, remove_pool, remove_pool)
    static const struct CMUnitTest tests[] = {
        TEST(versions),
        TEST(the_example_twice),
        TEST(messages),
        TEST(many_threads),
        TEST(layouts),
        TEST(modes),
        TEST(its_size_never_changes),
        TEST(own_file),
        TEST(least_size),
        TEST(pool_sets),
        TEST(invalid_headers),
        TEST(open_already),
        TEST(address_taken),
        TEST(not_closed),
        TEST(checks),
        TEST(blocks),
        TEST(aligned),
        TEST(strings),
        TEST(root_pointer),
        TEST(figures),
        TEST(where_figures_go),
    };
    pool_path = argc > 1 ? argv[1] : "pmemcto.pool";
    return cmocka_run_group_tests(tests, NULL, NULL);
}
