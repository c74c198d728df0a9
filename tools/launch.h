/*
 * Runs a program with libraries preloaded, waits for it and says what it used.
 */
#ifndef TARN_LAUNCH_H
#define TARN_LAUNCH_H

#include <stdbool.h>
#include <stddef.h>

/* What a process's heap held when it ended, as libtarn-report.so wrote it. */
struct heap_at_end {
    bool known; /* it ran on Tarn and came to its end */
    size_t live_blocks, live_bytes, large_blocks, large_bytes, slab_free, cached, dirty, own,
        committed, threads;
};

struct launch {
    char *const *words;          /* the program and its arguments, then NULL */
    const char *preload;         /* what LD_PRELOAD begins with; NULL: it is left alone */
    const char *const *settings; /* NAME=VALUE..., then NULL; may be NULL */
    bool identified;             /* TARN_TOOL_PROCESS is to be the program's process id */
    const char *reporter;        /* libtarn-report.so, to be preloaded, too; or NULL */
    int input, output, errors;   /* descriptors to use for 0, 1, 2; -1: the caller's */
};

struct launched {
    bool started;
    int status;    /* 0 to 255, as shells say it: 128+n for signal n */
    int signal;    /* that ended it, or 0 */
    long process;  /* its id */
    double wall;   /* seconds */
    double user;   /* seconds of processor time, as a user and in the kernel: of the program */
    double system; /* and of those of its children it waited for */
    size_t peak;   /* bytes resident at most, of the largest of these processes. The system counts
                      what a process held before it became the program, some 2 MiB; what the
                      reporter says is free of that. */
    size_t faults; /* pages given without reading */
    size_t faults_io; /* pages read */
    struct heap_at_end heap;
};

/* False with errno when it could not be started. While it runs, the keys that interrupt and quit
 * are for the program, not for the caller, and signals sent to the caller go on to it. */
bool launch(const struct launch *how, struct launched *what);

/* Makes and opens a file of the command's own in $TMPDIR, or /tmp, and says its path, which is
 * absolute; -1 with errno, and in path what could not be made. */
int launch_scratch(char *path, size_t size, const char *what);
/* The same for a folder; false with errno. */
bool launch_scratch_folder(char *path, size_t size, const char *what);

/* How a command ends that could not start the program, as env(1) has it: 127 there is none, 126 it
 * cannot be started; 125 the command itself failed. */
enum {
    LAUNCH_FAILED = 125,
    LAUNCH_REFUSED = 126,
    LAUNCH_MISSING = 127
};
int launch_status(int reason);

#endif
