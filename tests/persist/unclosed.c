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

/* Ends with how many calls were made when it could be closed, else by a signal. */
static void
close_and_go_on(enum calls_fault fault, unsigned long n)
{
    tarn_heap *heap =
        tarn_create(path, &(tarn_options){.flags = TARN_SHARED, .capacity = (size_t)4 << 20});
    need(heap != NULL, "cannot be made");
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
    need(fault != CALLS_ON || tarn_commit(heap) == 0, "cannot be committed later");
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
