/* Runs a program and writes what it used to a file: one line of
 *   user-seconds system-seconds wall-seconds peak-KiB minor-faults major-faults status
 * The peak is that of the largest single process among the program and those children it waited
 * for.
 *
 * It is a program of its own because a child's peak begins at what its parent had resident when it
 * forked: started from an interpreter, every small program would seem as large as the interpreter.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double
seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static double
now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static int
fail(const char *what)
{
    fprintf(stderr, "bench-measure: %s: %s\n", what, strerror(errno));
    return 125;
}

int
main(int argc, char **argv)
{
    if (argc < 4 || strchr(argv[2], '=') != NULL) {
        fprintf(stderr, "usage: %s REPORT-FILE LIBRARY|- [NAME=VALUE]... PROGRAM [ARGUMENT]...\n",
                argv[0]);
        return 125;
    }
    char **program = argv + 3;
    double start = now();
    pid_t child = fork();
    if (child < 0)
        return fail("fork");
    if (child == 0) {
        for (; *program != NULL && strchr(*program, '=') != NULL; program++)
            putenv(*program);
        if (strcmp(argv[2], "-") != 0)
            setenv("LD_PRELOAD", argv[2], 1);
        if (*program != NULL)
            execvp(*program, program);
        _exit(fail(*program == NULL ? "no program" : *program));
    }
    int status;
    struct rusage usage;
    while (wait4(child, &status, 0, &usage) != child) {
        if (errno != EINTR)
            return fail("wait4");
    }
    double wall = now() - start;
    int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    FILE *report = fopen(argv[1], "w");
    if (report == NULL)
        return fail(argv[1]);
    fprintf(report, "%.6f %.6f %.6f %ld %ld %ld %d\n", seconds(usage.ru_utime),
            seconds(usage.ru_stime), wall, usage.ru_maxrss, usage.ru_minflt, usage.ru_majflt, code);
    return fclose(report) == 0 ? code : fail(argv[1]);
}
