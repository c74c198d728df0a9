#include "launch.h"

#include "pass_signals.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Bytes that a process may still come by between its last word and becoming the program. */
#define BECOMING ((size_t)1 << 20)

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

static void
add_library(char *list, size_t size, const char *library)
{
    size_t length = strlen(list);
    if (library != NULL && *library != 0) {
        snprintf(list + length, size - length, "%s%s", length != 0 ? ":" : "", library);
    }
}

/* In the child: what the program finds. */
static void
set_up(const struct launch *how, const char *report)
{
    const int descriptors[3] = {how->input, how->output, how->errors};
    for (int i = 0; i < 3; i++) {
        if (descriptors[i] >= 0 && descriptors[i] != i) {
            dup2(descriptors[i], i);
        }
    }
    if (how->preload != NULL || how->reporter != NULL) {
        static char list[4 * PATH_MAX];
        list[0] = 0;
        add_library(list, sizeof list, how->preload);
        add_library(list, sizeof list, how->reporter);
        add_library(list, sizeof list, getenv("LD_PRELOAD"));
        setenv("LD_PRELOAD", list, 1);
    }
    for (const char *const *setting = how->settings; setting != NULL && *setting != NULL;
         setting++) {
        putenv((char *)(size_t)*setting);
    }
    if (how->reporter != NULL) {
        setenv("TARN_TOOL_REPORT", report, 1);
    }
    if (how->reporter != NULL || how->identified) {
        char id[24];
        snprintf(id, sizeof id, "%ld", (long)getpid());
        setenv("TARN_TOOL_PROCESS", id, 1);
    }
}

/* What the child says of itself. */
struct word {
    long peak;  /* KiB before it became the program */
    int reason; /* errno why it could not; not said where it could */
};

_Noreturn static void
become(const struct launch *how, const char *report, int say)
{
    struct rusage usage;
    pass_signals_end();
    set_up(how, report);
    getrusage(RUSAGE_SELF, &usage);
    struct word word = {.peak = usage.ru_maxrss};
    while (write(say, &word, sizeof word) < 0 && errno == EINTR) {
    }
    execvp(how->words[0], how->words);
    word.reason = errno;
    while (write(say, &word, sizeof word) < 0 && errno == EINTR) {
    }
    _exit(LAUNCH_MISSING);
}

/* Reads what the child said; returns its last word. */
static struct word
listen_to(int hear)
{
    struct word word = {0};
    for (;;) {
        struct word next;
        ssize_t got = read(hear, &next, sizeof next);
        if (got == (ssize_t)sizeof next) {
            word = next;
        } else if (got >= 0 || errno != EINTR) {
            return word;
        }
    }
}

static void
read_report(const char *path, long floor, struct launched *what)
{
    struct heap_at_end *heap = &what->heap;
    size_t peak;
    FILE *file = fopen(path, "r");
    if (file == NULL) {
        return;
    }
    int got = fscanf(file, "%zu %zu %zu %zu %zu %zu %zu %zu %zu %zu %zu", &peak, &heap->live_blocks,
                     &heap->live_bytes, &heap->large_blocks, &heap->large_bytes, &heap->slab_free,
                     &heap->cached, &heap->dirty, &heap->own, &heap->committed, &heap->threads);
    heap->known = got == 11;
    if (got >= 1 && peak != 0 && what->peak <= (size_t)floor * 1024 + BECOMING) {
        what->peak = peak;
    }
    fclose(file);
}

static void
note(struct launched *what, int status, const struct rusage *usage)
{
    what->signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
    what->status = what->signal != 0 ? 128 + what->signal : WEXITSTATUS(status);
    what->user = seconds(usage->ru_utime);
    what->system = seconds(usage->ru_stime);
    what->peak = (size_t)usage->ru_maxrss * 1024;
    what->faults = (size_t)usage->ru_minflt;
    what->faults_io = (size_t)usage->ru_majflt;
}

static int
start_and_wait(const struct launch *how, const char *report, struct launched *what)
{
    int words[2];
    int status = 0;
    struct rusage usage = {0};
    struct word word = {0};
    if (pipe2(words, O_CLOEXEC) != 0) {
        return errno;
    }
    fflush(NULL);
    pass_signals_begin();
    double start = now();
    pid_t child = fork();
    if (child == 0) {
        close(words[0]);
        become(how, report, words[1]);
    }
    word.reason = child < 0 ? errno : 0;
    close(words[1]);
    if (child > 0) {
        pass_signals_to(child);
        word = listen_to(words[0]);
        while (wait4(child, &status, 0, &usage) < 0 && errno == EINTR) {
        }
    }
    what->wall = now() - start;
    pass_signals_end();
    close(words[0]);
    what->process = child;
    note(what, status, &usage);
    if (how->reporter != NULL) {
        read_report(report, word.peak, what);
    }
    return word.reason;
}

/* Absolute, for the program may work in another folder. False with errno. */
static bool
name_scratch(char *path, size_t size, const char *what)
{
    const char *folder = getenv("TMPDIR");
    char whole[PATH_MAX];
    if (folder == NULL || *folder == 0) {
        folder = "/tmp";
    }
    if (*folder != '/') {
        if (realpath(folder, whole) == NULL) {
            snprintf(path, size, "%s", folder);
            return false;
        }
        folder = whole;
    }
    if (snprintf(path, size, "%s/tarn-%s-XXXXXX", folder, what) >= (int)size) {
        errno = ENAMETOOLONG;
        return false;
    }
    return true;
}

int
launch_scratch(char *path, size_t size, const char *what)
{
    return name_scratch(path, size, what) ? mkstemp(path) : -1;
}

bool
launch_scratch_folder(char *path, size_t size, const char *what)
{
    return name_scratch(path, size, what) && mkdtemp(path) != NULL;
}

bool
launch(const struct launch *how, struct launched *what)
{
    char report[PATH_MAX] = "";
    memset(what, 0, sizeof *what);
    if (how->reporter != NULL) {
        int file = launch_scratch(report, sizeof report, "run");
        if (file < 0) {
            return false;
        }
        close(file);
    }
    int failed = start_and_wait(how, report, what);
    if (how->reporter != NULL) {
        unlink(report);
    }
    what->started = failed == 0;
    errno = failed;
    return what->started;
}

int
launch_status(int reason)
{
    return reason == ENOENT || reason == ENOTDIR ? LAUNCH_MISSING : LAUNCH_REFUSED;
}
