/*
 * Closing an image in shared mode while one of its system calls fails: the heap goes on, and when
 * its process then ends, the file does not say that it was closed.
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

/* Ends with 0 when it could be closed, with 2 when nothing more is allowed, else by a signal. */
static void
close_and_go_on(enum calls_fault fault, unsigned long n)
{
    tarn_heap *heap =
        tarn_create(path, &(tarn_options){.flags = TARN_SHARED, .capacity = (size_t)4 << 20});
    need(heap != NULL, "cannot be made");
    calls_inject(fault, n, EIO);
    int result = tarn_close(heap);
    calls_inject(CALLS_NONE, 0, 0);
    if (result == 0) {
        exit(0);
    }
    for (int i = 0; i < 100; i++) {
        tarn_set_root(heap, tarn_heap_zalloc(heap, 1000));
    }
    if (tarn_commit(heap) != 0) {
        need(errno == EIO && strstr(tarn_error(), "close it without a commit") != NULL,
             "a commit fails in another way");
        exit(2);
    }
    kill(getpid(), SIGKILL);
}

/* How many ends were such that the file could say that it was closed. */
static unsigned
each_call_fails(enum calls_fault fault)
{
    unsigned stopped = 0;
    for (unsigned long n = 1;; n++) {
        unlink(path);
        pid_t child = fork();
        if (child == 0) {
            close_and_go_on(fault, n);
        }
        int status;
        need(waitpid(child, &status, 0) == child, "?");
        if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
            return stopped;
        }
        need(WIFSIGNALED(status) || WEXITSTATUS(status) == 2, "the other found something else");
        stopped += !WIFSIGNALED(status);
        if (WIFSIGNALED(status)) {
            need(tarn_open(path, NULL) == NULL && errno == EUCLEAN, "says that it was closed");
        }
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
    need(each_call_fails(CALLS_ONCE) == 0, "one call that fails is one too many");
    need(each_call_fails(CALLS_SHORT) == 0, "one call that fails half-way is one too many");
    need(each_call_fails(CALLS_ON) != 0, "goes on though its superblock cannot be written");
    unlink(path);
    return 0;
}
