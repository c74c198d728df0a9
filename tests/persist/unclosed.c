/*
 * Closing an image in shared mode while one of its system calls fails: the heap goes on, and when
 * its process then ends, the file does not say that it was closed. Where a sync failed nothing is
 * believed any more: no commit, no closing, and a snapshot says that it was not closed either.
 *
 *     unclosed FILE
 */
#include "calls.h"

#include <tarn/persist.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *path;

static void
need(bool right, const char *what)
{
    if (!right) {
        fprintf(stderr, "unclosed: %s (errno %d, \"%s\")\n", what, errno, tarn_error());
        exit(1);
    }
}

static void
is_refused(int result)
{
    need(result == -1 && errno == EIO && strstr(tarn_error(), "a sync of it failed") != NULL,
         "a failed sync was believed");
}

static void
doubted(tarn_heap *heap)
{
    char copy[4096];
    char *block = tarn_heap_malloc(heap, 1000);
    memset(block, 77, 1000);
    tarn_set_root(heap, block);
    is_refused(tarn_commit(heap));
    is_refused(tarn_commit(heap));
    is_refused(tarn_close(heap));
    snprintf(copy, sizeof copy, "%.4000s-copy", path);
    need(tarn_snapshot(heap, copy) == 0, "no snapshot");
    pid_t child = fork();
    if (child == 0) {
        tarn_close_without_commit(heap);
        need(tarn_open(copy, NULL) == NULL && errno == EUCLEAN, "a snapshot says it was closed");
        tarn_heap *other = tarn_open(copy, &(tarn_options){.flags = TARN_SHARED | TARN_UNCLEAN});
        need(other != NULL && tarn_root(other) == block && block[999] == 77, "a snapshot differs");
        need(tarn_check_heap(other, NULL, NULL) == 0, "a snapshot is damaged");
        exit(0);
    }
    int status;
    need(waitpid(child, &status, 0) == child && status == 0, "a snapshot is of no use");
    unlink(copy);
}

/* Ends with how many calls were made when it could be closed, else by a signal. */
static void
close_and_go_on(enum calls_fault fault, unsigned long n)
{
    tarn_heap *heap =
        tarn_create(path, &(tarn_options){.flags = TARN_SHARED, .capacity = (size_t)4 << 20});
    need(heap != NULL, "cannot be made");
    calls_record();
    calls_inject(fault, n, EIO);
    if (tarn_close(heap) == 0) {
        exit((int)calls_count());
    }
    if (fault == CALLS_ON) {
        need(tarn_commit(heap) != 0, "commits though nothing can be written");
    }
    calls_inject(CALLS_NONE, 0, 0);
    for (int i = 0; i < 100; i++) {
        tarn_set_root(heap, tarn_heap_zalloc(heap, 1000));
    }
    if (calls_have(CALLS_SYNC_FAILED)) {
        doubted(heap);
    } else {
        need(fault != CALLS_ON || tarn_commit(heap) == 0, "cannot be committed later");
    }
    kill(getpid(), SIGKILL);
}

static void
each_call_fails(enum calls_fault fault)
{
    bool over = false;
    for (unsigned long n = 1; !over; n++) {
        unlink(path);
        pid_t child = fork();
        if (child == 0) {
            close_and_go_on(fault, n);
        }
        int status;
        need(waitpid(child, &status, 0) == child, "?");
        if (WIFEXITED(status)) { /* a call that need not succeed, or that was not made */
            need(WEXITSTATUS(status) > 5, "the other found something else");
            over = n > (unsigned long)WEXITSTATUS(status);
            continue;
        }
        need(tarn_open(path, NULL) == NULL && errno == EUCLEAN, "says that it was closed");
    }
}

int
main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: unclosed FILE\n");
        return 2;
    }
    path = argv[1];
    each_call_fails(CALLS_ONCE);
    each_call_fails(CALLS_SHORT);
    each_call_fails(CALLS_ON);
    unlink(path);
    return 0;
}
