/*
 * What `tarn run` was told, and its two ways: once on Tarn, or many times on every allocator.
 */
#ifndef TARN_RUN_PROGRAM_H
#define TARN_RUN_PROGRAM_H

#include "program_kind.h"

#include <stdbool.h>
#include <stdio.h>

enum {
    RUN_MOST_SETTINGS = 32
};

struct run {
    char **words; /* the program and its arguments */
    struct program program;
    const char *settings[RUN_MOST_SETTINGS + 1]; /* NAME=VALUE for the environment, then NULL */
    unsigned settings_count;
    const char *reporter; /* libtarn-report.so */
    const char *trace;    /* a file, or NULL */
    const char *report;   /* the file for what is said at the end, or NULL: stderr */
    bool json;
    bool compare;
    bool quiet;
    unsigned runs;    /* of each allocator */
    const char *only; /* names of allocators with commas, or NULL: all */
};

/* run_compare.c. Returns the exit status of `tarn run`. */
int run_compare(const struct run *run);

/* Where the report goes: stderr, or the file; NULL, having said why, when it cannot be opened. */
FILE *run_open_report(const struct run *run, FILE *standard);
void run_close_report(FILE *report);

#endif
