/*
 * The interface, function by function: what it promises, and each way to be refused with its errno.
 */
#include "beside.h"
#include "say_fault.h"

#include <tarn/persist.h>
#include <tarn/tarn.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define CAPACITY ((size_t)64 << 20)

static char path[4096];
static char journal[4096];
static char other[4096];

static int
clean(void **state)
{
    (void)state;
    unlink(path);
    unlink(journal);
    unlink(other);
    return 0;
}

static tarn_heap *
make(unsigned flags)
{
    tarn_heap *heap = tarn_create(
        path, &(tarn_options){.flags = flags, .capacity = CAPACITY, .layout = "basics"});
    if (heap == NULL) {
        fail_msg("%s", tarn_error());
    }
    return heap;
}

static tarn_heap *
reopen(unsigned flags)
{
    tarn_heap *heap = tarn_open(path, &(tarn_options){.flags = flags});
    if (heap == NULL) {
        fail_msg("%s", tarn_error());
    }
    return heap;
}

static void
refused(tarn_heap *heap, int code, const char *word)
{
    assert_null(heap);
    assert_int_equal(errno, code);
    if (strstr(tarn_error(), word) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", tarn_error(), word);
    }
}

static void
lives_on(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags <= TARN_SHARED; flags += TARN_SHARED) {
        clean(NULL);
        tarn_heap *heap = make(flags);
        char *text = tarn_heap_strdup(heap, "as it was");
        tarn_set_root(heap, text);
        assert_int_equal(tarn_close(heap), 0);
        assert_int_equal(access(journal, F_OK), -1);
        assert_int_equal(tarn_check(path, say_fault, NULL), 0);
        heap = reopen(flags);
        assert_ptr_equal(tarn_root(heap), text);
        assert_string_equal(text, "as it was");
        tarn_heap_free(heap, text);
        assert_null(tarn_heap_check(heap));
        assert_int_equal(tarn_close(heap), 0);
    }
}

static void
commit_and_rollback(void **state)
{
    (void)state;
    tarn_image_figures before;
    tarn_image_figures after;
    tarn_heap *heap = make(0);
    int *number = tarn_heap_malloc(heap, sizeof *number);
    *number = 1;
    tarn_set_root(heap, number);
    assert_int_equal(tarn_commit(heap), 0);
    tarn_image_info(heap, &before);
    assert_int_equal(tarn_commit(heap), 0);
    tarn_image_info(heap, &after);
    assert_int_equal(before.commits, after.commits);
    assert_int_equal(before.journal_size, after.journal_size);
    *number = 2;
    for (int i = 0; i < 1000; i++) {
        assert_non_null(tarn_heap_malloc(heap, 5000));
    }
    assert_int_equal(tarn_rollback(heap), 0);
    assert_int_equal(*number, 1);
    assert_null(tarn_heap_check(heap));
    tarn_image_info(heap, &after);
    assert_int_equal(before.used, after.used);
    *number = 3;
    assert_int_equal(tarn_commit(heap), 0);
    tarn_close_without_commit(heap);
    heap = reopen(0);
    tarn_image_info(heap, &after);
    assert_int_equal(after.commits_redone, 2);
    assert_false(after.closed_properly);
    assert_int_equal(*number, 3);
    assert_int_equal(tarn_checkpoint(heap), 0);
    assert_int_equal(*number, 3);
    tarn_image_info(heap, &after);
    assert_int_equal(after.journal_size, 0);
    assert_int_equal(tarn_close(heap), 0);
}

static void
names(void **state)
{
    (void)state;
    tarn_heap *heap = make(0);
    int *a = tarn_heap_zalloc(heap, 40);
    int *b = tarn_heap_zalloc(heap, 80);
    assert_int_equal(tarn_set_named_root(heap, "a", a, 40, 7), 0);
    assert_int_equal(tarn_set_named_root(heap, "b", b, 80, 8), 0);
    assert_ptr_equal(tarn_named_root(heap, "a", 0, 0), a);
    assert_null(tarn_named_root(heap, "a", 41, 7));
    assert_int_equal(errno, EINVAL);
    assert_null(tarn_named_root(heap, "b", 80, 7));
    assert_int_equal(errno, EINVAL);
    assert_null(tarn_named_root(heap, "c", 0, 0));
    assert_int_equal(errno, ENOENT);
    assert_int_equal(tarn_set_named_root(heap, "a", b, 80, 9), 0);
    assert_int_equal(tarn_close(heap), 0);
    heap = reopen(0);
    assert_ptr_equal(tarn_named_root(heap, "a", 80, 9), b);
    assert_ptr_equal(tarn_named_root(heap, "b", 80, 8), b);
    assert_int_equal(tarn_set_named_root(heap, "a", NULL, 0, 0), 0);
    assert_null(tarn_named_root(heap, "a", 0, 0));
    assert_int_equal(tarn_check_heap(heap, say_fault, NULL), 0);
    assert_int_equal(tarn_close(heap), 0);
}

static tarn_heap *shown; /* closed in children that want its addresses */

static int
second_writer(void)
{
    tarn_heap *heap = tarn_open(path, NULL);
    char pid[32];
    snprintf(pid, sizeof pid, "process %d ", (int)getppid());
    return heap == NULL && errno == EBUSY && strstr(tarn_error(), pid) != NULL ? 0 : 1;
}

static int
address_taken(void)
{
    tarn_heap *heap = tarn_open(path, &(tarn_options){.flags = TARN_READ_ONLY});
    return heap == NULL && errno == EADDRINUSE && strstr(tarn_error(), path) != NULL ? 0 : 1;
}

static int
child_commits(void)
{
    int *number = tarn_root(shown);
    if (*number != 1) {
        return 1;
    }
    *number = 2;
    if (tarn_heap_malloc(shown, 100) == NULL) {
        return 2;
    }
    if (tarn_commit(shown) != -1 || errno != EPERM || tarn_close(shown) != -1 || errno != EPERM ||
        tarn_checkpoint(shown) != -1 || errno != EPERM || tarn_rollback(shown) != -1 ||
        errno != EPERM || tarn_snapshot(shown, other) != -1 || errno != EPERM) {
        return 3;
    }
    tarn_close_without_commit(shown);
    return 0;
}

static void
others(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags <= TARN_SHARED; flags += TARN_SHARED) {
        clean(NULL);
        shown = make(flags);
        int *number = tarn_heap_malloc(shown, sizeof *number);
        *number = 1;
        tarn_set_root(shown, number);
        assert_int_equal(tarn_commit(shown), 0);
        assert_int_equal(in_child(second_writer), 0);
        if (flags == 0) {
            assert_int_equal(in_child(address_taken), 0);
        }
        assert_int_equal(in_child(child_commits), 0);
        assert_int_equal(*number, 1);
        assert_null(tarn_heap_check(shown));
        *number = 5;
        assert_int_equal(tarn_close(shown), 0);
        shown = reopen(flags);
        assert_int_equal(*number, 5);
        assert_int_equal(tarn_close(shown), 0);
    }
}

/* A reader while the writer goes on: by two processes and a pipe each way. */
static void
readers(void **state)
{
    (void)state;
    int go[2];
    int done[2];
    char token = 0;
    tarn_heap *heap = make(0);
    int *number = tarn_heap_malloc(heap, sizeof *number);
    tarn_set_root(heap, number);
    *number = 1;
    assert_int_equal(tarn_commit(heap), 0);
    assert_int_equal(tarn_close(heap), 0);
    assert_int_equal(pipe(go), 0);
    assert_int_equal(pipe(done), 0);
    pid_t child = fork();
    if (child == 0) {
        tarn_image_figures figures;
        if (read(go[0], &token, 1) != 1) {
            _exit(1);
        }
        heap = tarn_open(path, &(tarn_options){.flags = TARN_READ_ONLY});
        if (heap == NULL || *(int *)tarn_root(heap) != 2) {
            _exit(2);
        }
        if (tarn_heap_malloc(heap, 10) != NULL || errno != ENOMEM || tarn_commit(heap) != -1 ||
            errno != EROFS) {
            _exit(3);
        }
        (void)!write(done[1], "x", 1);
        if (read(go[0], &token, 1) != 1 || *(int *)tarn_root(heap) != 2) {
            _exit(4);
        }
        if (tarn_rollback(heap) != 0 || *(int *)tarn_root(heap) != 3) {
            _exit(5);
        }
        tarn_image_info(heap, &figures);
        (void)!write(done[1], "x", 1);
        _exit(tarn_close(heap) != 0 || !figures.read_only);
    }
    heap = reopen(0);
    *number = 2;
    assert_int_equal(tarn_commit(heap), 0);
    *number = 99;
    assert_int_equal(write(go[1], "x", 1), 1);
    assert_int_equal(read(done[0], &token, 1), 1);
    *number = 3;
    assert_int_equal(tarn_commit(heap), 0);
    assert_int_equal(tarn_checkpoint(heap), -1);
    assert_int_equal(errno, EBUSY);
    assert_int_equal(write(go[1], "x", 1), 1);
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_int_equal(tarn_checkpoint(heap), 0);
    assert_int_equal(tarn_close(heap), 0);
}

static void
snapshots(void **state)
{
    (void)state;
    tarn_heap *heap = make(0);
    int *number = tarn_heap_malloc(heap, sizeof *number);
    tarn_set_root(heap, number);
    char *large = tarn_heap_zalloc(heap, 3000000);
    *number = 1;
    assert_int_equal(tarn_checkpoint(heap), 0);
    *number = 2;
    tarn_heap_free(heap, large);
    tarn_heap_trim(heap);
    assert_int_equal(tarn_commit(heap), 0);
    *number = 3;
    assert_int_equal(tarn_snapshot(heap, other), 0);
    assert_int_equal(tarn_snapshot(heap, other), -1);
    assert_int_equal(errno, EEXIST);
    assert_int_equal(tarn_check(other, say_fault, NULL), 0);
    assert_int_equal(tarn_close(heap), 0);
    heap = tarn_open(other, NULL);
    assert_non_null(heap);
    assert_int_equal(*(int *)tarn_root(heap), 2);
    assert_int_equal(tarn_close(heap), 0);
}

static void
write_at(off_t at, const void *data, size_t size)
{
    int file = open(path, O_RDWR);
    assert_true(file >= 0);
    assert_int_equal(pwrite(file, data, size, at), (ssize_t)size);
    close(file);
}

static void
strangers(void **state)
{
    (void)state;
    refused(tarn_open(path, NULL), ENOENT, "cannot be opened");
    refused(tarn_open("/", NULL), EISDIR, "cannot be opened");
    refused(tarn_open("/dev/null", NULL), EINVAL, "regular");
    int file = open(path, O_RDWR | O_CREAT, 0600);
    refused(tarn_open(path, NULL), EINVAL, "empty");
    assert_int_equal(write(file, "SQLite format 3", 16), 16);
    refused(tarn_open(path, NULL), EINVAL, "no image");
    close(file);
    refused(tarn_create(path, NULL), EEXIST, "there already");
    unlink(path);
    assert_int_equal(tarn_close(make(0)), 0);
    refused(tarn_open(path, &(tarn_options){.layout = "another"}), EINVAL, "basics");
    assert_int_equal(truncate(path, 100000), 0);
    refused(tarn_open(path, NULL), EBADMSG, "truncated");
    assert_true(tarn_check(path, NULL, NULL) > 0);
    assert_int_equal(truncate(path, 100), 0);
    assert_null(tarn_open(path, NULL));
    clean(NULL);
    assert_int_equal(tarn_close(make(0)), 0);
    write_at(40, "x", 1);
    assert_true(tarn_check(path, NULL, NULL) > 0);
    tarn_heap *heap = tarn_open(path, &(tarn_options){.flags = TARN_READ_ONLY});
    assert_non_null(heap); /* by the other copy */
    assert_int_equal(tarn_close(heap), 0);
    write_at(4096 + 40, "x", 1);
    refused(tarn_open(path, NULL), EBADMSG, "superblock");
    write_at(8, "\1\2\3\4", 4);
    write_at(4096 + 8, "\1\2\3\4", 4);
    refused(tarn_open(path, NULL), EINVAL, "byte order");
}

static int
open_and_exit(void)
{
    tarn_heap *heap = tarn_open(path, &(tarn_options){.flags = TARN_SHARED});
    *(int *)tarn_root(heap) = 7;
    return 0;
}

static void
not_closed(void **state)
{
    (void)state;
    tarn_heap *heap = make(TARN_SHARED);
    tarn_set_root(heap, tarn_heap_zalloc(heap, 8));
    assert_int_equal(tarn_close(heap), 0);
    assert_int_equal(in_child(open_and_exit), 0);
    refused(tarn_open(path, NULL), EUCLEAN, "not closed");
    refused(tarn_open(path, &(tarn_options){.flags = TARN_SHARED}), EUCLEAN, "not closed");
    assert_true(tarn_check(path, NULL, NULL) > 0);
    heap = reopen(TARN_SHARED | TARN_UNCLEAN);
    assert_null(tarn_heap_check(heap));
    assert_int_equal(*(int *)tarn_root(heap), 7);
    assert_int_equal(tarn_close(heap), 0);
    assert_int_equal(tarn_check(path, say_fault, NULL), 0);
}

static void
journals_of_others(void **state)
{
    (void)state;
    char text[64] = "what is this";
    assert_int_equal(tarn_close(make(0)), 0);
    int file = open(journal, O_RDWR | O_CREAT, 0600);
    assert_int_equal(write(file, text, sizeof text), sizeof text);
    refused(tarn_open(path, NULL), EBADMSG, "header is damaged");
    assert_int_equal(ftruncate(file, 0), 0);
    close(file);
    tarn_heap *heap = reopen(0);
    tarn_set_root(heap, tarn_heap_zalloc(heap, 8));
    assert_int_equal(tarn_commit(heap), 0);
    tarn_close_without_commit(heap);
    assert_int_equal(rename(path, other), 0);
    assert_int_equal(rename(journal, path), 0);
    char journal_copy[4096 + 8];
    snprintf(journal_copy, sizeof journal_copy, "%s", journal);
    assert_int_equal(rename(path, journal_copy), 0);
    /* another image beside the journal */
    assert_int_equal(tarn_close(tarn_create(path, NULL)), 0);
    assert_int_equal(access(journal, F_OK), -1);
    assert_int_equal(rename(other, path), 0);
    heap = reopen(0); /* the journal is gone: the state before it */
    assert_null(tarn_root(heap));
    assert_int_equal(tarn_close(heap), 0);
}

static void
space_comes_back(void **state)
{
    (void)state;
    tarn_image_figures full;
    tarn_image_figures empty;
    tarn_heap *heap = make(0);
    char *blocks[50];
    for (int i = 0; i < 50; i++) {
        blocks[i] = tarn_heap_malloc(heap, 900000);
        memset(blocks[i], 1, 900000);
    }
    assert_int_equal(tarn_checkpoint(heap), 0);
    tarn_image_info(heap, &full);
    assert_true(full.file_space >= 50 * 900000);
    for (int i = 0; i < 50; i++) {
        tarn_heap_free(heap, blocks[i]);
    }
    tarn_heap_trim(heap);
    assert_int_equal(tarn_checkpoint(heap), 0);
    tarn_image_info(heap, &empty);
    assert_true(empty.file_space < full.file_space / 4);
    assert_true(empty.file_size < full.file_size);
    assert_int_equal(tarn_close(heap), 0);
    assert_int_equal(tarn_check(path, say_fault, NULL), 0);
}

static void
no_more_room(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags <= TARN_SHARED; flags += TARN_SHARED) {
        clean(NULL);
        tarn_heap *heap = make(flags);
        size_t count = 0;
        while (tarn_heap_malloc(heap, 100000) != NULL) {
            count++;
        }
        assert_int_equal(errno, ENOMEM);
        assert_true(count * 131072 > CAPACITY * 8 / 10);
        assert_null(tarn_heap_malloc(heap, SIZE_MAX));
        assert_null(tarn_heap_check(heap));
        assert_int_equal(tarn_close(heap), 0);
        assert_int_equal(tarn_check(path, say_fault, NULL), 0);
    }
}

static void
large_and_sparse(void **state)
{
    (void)state;
    tarn_heap *heap = tarn_create(path, &(tarn_options){.capacity = (size_t)1 << 40});
    if (heap == NULL) {
        fail_msg("%s", tarn_error());
    }
    size_t size = (size_t)1 << 30;
    char **blocks = tarn_heap_calloc(heap, 10, sizeof(char *));
    tarn_set_root(heap, blocks);
    for (int i = 0; i < 10; i++) {
        blocks[i] = tarn_heap_malloc(heap, size);
        assert_non_null(blocks[i]);
        blocks[i][0] = 1;
        blocks[i][size - 1] = 2;
    }
    tarn_image_figures figures;
    assert_int_equal(tarn_close(heap), 0);
    heap = reopen(0);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(blocks[i][size / 2], 0);
        assert_int_equal(blocks[i][size - 1], 2);
    }
    tarn_image_info(heap, &figures);
    assert_true(figures.used > 10 * size);
    assert_true(figures.capacity == (size_t)1 << 40);
    assert_true(figures.file_space < (size_t)64 << 20);
    assert_int_equal(tarn_close(heap), 0);
    assert_int_equal(tarn_check(path, say_fault, NULL), 0);
}

static void
offsets(void **state)
{
    (void)state;
    struct {
        tarn_offset_ptr pointer;
        int value;
    } a[2], copy[2];
    memset(a, 0, sizeof a);
    assert_null(tarn_offset_get(&a[0].pointer));
    tarn_offset_set(&a[0].pointer, &a[1].value);
    tarn_offset_set(&a[1].pointer, &a[1].pointer);
    memcpy(copy, a, sizeof a);
    assert_ptr_equal(tarn_offset_get(&copy[0].pointer), &copy[1].value);
    assert_ptr_equal(tarn_offset_get(&copy[1].pointer), &copy[1].pointer);
    tarn_offset_set(&a[1].pointer, &a[0]);
    assert_ptr_equal(tarn_offset_get(&a[1].pointer), &a[0]);
    tarn_offset_set(&a[1].pointer, NULL);
    assert_null(tarn_offset_get(&a[1].pointer));
}

static void
fill(tarn_heap *heap, char **blocks, unsigned from, unsigned to, unsigned step)
{
    for (unsigned i = from; i < to; i += step) {
        size_t size = 16 + i * 7 % 3000;
        blocks[i] = tarn_heap_malloc(heap, size);
        assert_non_null(blocks[i]);
        memset(blocks[i], (int)i, size);
    }
}

/* A close that finds no room leaves the heap open: it is as usable as before. */
static void
close_again(void **state)
{
    (void)state;
    enum {
        HALF = 2000
    };
    static char *blocks[2 * HALF];
    struct rlimit limit;
    tarn_heap *heap = make(0);
    fill(heap, blocks, 0, HALF, 1);
    for (unsigned i = 0; i < HALF; i += 2) {
        tarn_heap_free(heap, blocks[i]);
    }
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    void (*before)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){4096, limit.rlim_max}), 0);
    assert_int_equal(tarn_close(heap), -1);
    assert_int_equal(errno, EFBIG);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    signal(SIGXFSZ, before);
    assert_null(tarn_heap_check(heap));
    fill(heap, blocks, 0, HALF, 2);
    fill(heap, blocks, HALF, 2 * HALF, 1);
    for (unsigned i = 0; i < 2 * HALF; i++) {
        for (size_t k = 0; k < 16 + i * 7 % 3000; k++) {
            assert_int_equal(blocks[i][k], (char)i);
        }
        tarn_heap_free(heap, blocks[i]);
    }
    assert_null(tarn_heap_check(heap));
    assert_int_equal(tarn_close(heap), 0);
    assert_int_equal(tarn_check(path, say_fault, NULL), 0);
}

static void
no_image(void **state)
{
    (void)state;
    tarn_heap *heap = tarn_heap_new();
    assert_int_equal(tarn_commit(heap), -1);
    assert_int_equal(errno, EINVAL);
    assert_null(tarn_root(heap));
    assert_int_equal(tarn_close(heap), -1);
    tarn_heap_destroy(heap);
}

int
main(int argc, char **argv)
{
    snprintf(path, sizeof path, "%s", argc > 1 ? argv[1] : "basics.tarn");
    name_journal(journal, path);
    snprintf(other, sizeof other, "%.4000s-other", path);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lives_on, clean, clean),
        cmocka_unit_test_setup_teardown(commit_and_rollback, clean, clean),
        cmocka_unit_test_setup_teardown(names, clean, clean),
        cmocka_unit_test_setup_teardown(others, clean, clean),
        cmocka_unit_test_setup_teardown(readers, clean, clean),
        cmocka_unit_test_setup_teardown(snapshots, clean, clean),
        cmocka_unit_test_setup_teardown(strangers, clean, clean),
        cmocka_unit_test_setup_teardown(not_closed, clean, clean),
        cmocka_unit_test_setup_teardown(journals_of_others, clean, clean),
        cmocka_unit_test_setup_teardown(space_comes_back, clean, clean),
        cmocka_unit_test_setup_teardown(no_more_room, clean, clean),
        cmocka_unit_test_setup_teardown(large_and_sparse, clean, clean),
        cmocka_unit_test_setup_teardown(close_again, clean, clean),
        cmocka_unit_test(offsets),
        cmocka_unit_test(no_image),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
