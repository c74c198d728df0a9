#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double
now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static double
seconds(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

/* In the child: what the program finds. */
static void
set_up(const struct launch *how)
{
    const int descriptors[3] = {how->input, how->output, how->errors};
    for (int i = 0; i < 3; i++) {
        if (descriptors[i] >= 0 && descriptors[i] != i) {
            dup2(descriptors[i], i);
        }
    }
    if (how->preload != NULL) {
        const char *before = getenv("LD_PRELOAD");
        static char list[3 * PATH_MAX];
        bool more = before != NULL && *before != 0;
        snprintf(list, sizeof list, "%s%s%s", how->preload, more ? ":" : "", more ? before : "");
        setenv("LD_PRELOAD", list, 1);
    }
    for (const char *const *setting = how->settings; setting != NULL && *setting != NULL;
         setting++) {
        putenv((char *)(size_t)*setting);
    }
    if (how->process_name != NULL) {
        char id[24];
        snprintf(id, sizeof id, "%ld", (long)getpid());
        setenv(how->process_name, id, 1);
    }
}

bool
launch(const struct launch *how, struct launched *what)
{
    memset(what, 0, sizeof *what);
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) {
        return false;
    }
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    struct sigaction interrupt, quit;
    sigaction(SIGINT, &ignore, &interrupt);
    sigaction(SIGQUIT, &ignore, &quit);
    fflush(NULL);
    double start = now();
    pid_t child = fork();
    if (child == 0) {
        sigaction(SIGINT, &interrupt, NULL);
        sigaction(SIGQUIT, &quit, NULL);
        close(report[0]);
        set_up(how);
        execvp(how->words[0], how->words);
        int reason = errno;
        while (write(report[1], &reason, sizeof reason) < 0 && errno == EINTR) {
        }
        _exit(127);
    }
    int failed = child < 0 ? errno : 0;
    close(report[1]);
    int status = 0;
    struct rusage usage = {0};
    if (child > 0) {
        ssize_t got;
        while ((got = read(report[0], &failed, sizeof failed)) < 0 && errno == EINTR) {
        }
        while (wait4(child, &status, 0, &usage) < 0 && errno == EINTR) {
        }
    }
    close(report[0]);
    what->wall = now() - start;
    sigaction(SIGINT, &interrupt, NULL);
    sigaction(SIGQUIT, &quit, NULL);
    what->process = child;
    what->started = failed == 0;
    what->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    what->status = what->signal != 0 ? 128 + what->signal : WEXITSTATUS(status);
    what->user = seconds(usage.ru_utime);
    what->system = seconds(usage.ru_stime);
    what->peak = (size_t)usage.ru_maxrss * 1024;
    what->faults = (size_t)usage.ru_minflt;
    what->faults_io = (size_t)usage.ru_majflt;
    errno = failed;
    return what->started;
}
