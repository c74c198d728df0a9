/*
 * Runs a program with libraries preloaded, waits for it and says what it used.
 */
#ifndef TARN_LAUNCH_H
#define TARN_LAUNCH_H

#include <stdbool.h>
#include <stddef.h>

struct launch {
    char *const *words;          /* the program and its arguments, then NULL */
    const char *preload;         /* what LD_PRELOAD begins with; NULL: it is left alone */
    const char *const *settings; /* NAME=VALUE..., then NULL; may be NULL */
    const char *process_name;    /* a variable to be set to the program's process id, or NULL */
    int input, output, errors;   /* descriptors to use for 0, 1, 2; -1: the caller's */
};

struct launched {
    bool started;
    int status;       /* 0 to 255, as shells say it: 128+n for signal n */
    int signal;       /* that ended it, or 0 */
    long process;     /* its id */
    double wall;      /* seconds */
    double user;      /* seconds of processor time, as a user and in the kernel: of the program */
    double system;    /* and of those of its children it waited for */
    size_t peak;      /* bytes resident at most, of the largest of these processes */
    size_t faults;    /* pages given without reading */
    size_t faults_io; /* pages read */
};

/* False with errno when it could not be started. While it runs, the keys that interrupt and quit
 * are for the program, not for the caller. */
bool launch(const struct launch *how, struct launched *what);

#endif
