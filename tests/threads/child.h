/* Waiting for child processes with an end in sight: a child that hangs is ended and the test fails.
 */
#ifndef TESTS_THREADS_CHILD_H
#define TESTS_THREADS_CHILD_H

#include "expect.h"

#include <signal.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>

enum {
    CHILD_PATIENCE = 20
}; /* seconds */

/* Waits until the child has ended and returns its status as waitpid gives it. */
static inline int
child_status(pid_t child)
{
    struct timespec start;
    struct timespec now;
    const struct timespec nap = {.tv_nsec = 100000};
    int status = 0;

    EXPECT(child > 0);
    clock_gettime(CLOCK_MONOTONIC, &start);
    for (;;) {
        pid_t ended = waitpid(child, &status, WNOHANG);
        if (ended == child) {
            return status;
        }
        EXPECT(ended == 0 || errno == EINTR);
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec - start.tv_sec > CHILD_PATIENCE) {
            fprintf(stderr, "child %d hangs\n", (int)child);
            kill(child, SIGKILL);
            waitpid(child, &status, 0);
            _exit(1);
        }
        nanosleep(&nap, NULL);
    }
}

/* The child must end by itself with 0. */
static inline void
child_succeeds(pid_t child)
{
    int status = child_status(child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        fprintf(stderr, "child ended with status %#x\n", (unsigned)status);
        _exit(1);
    }
}

#endif
