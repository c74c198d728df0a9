/*
 * Whether a library can be preloaded into a program: what its file says.
 */
#ifndef TARN_PROGRAM_KIND_H
#define TARN_PROGRAM_KIND_H

#include <limits.h>
#include <stdbool.h>

enum program_kind {
    PROGRAM_DYNAMIC,    /* preloading works */
    PROGRAM_STATIC,     /* no dynamic linker in it: preloading does nothing */
    PROGRAM_PRIVILEGED, /* runs with more rights than the user's: the linker ignores paths */
    PROGRAM_FOREIGN,    /* for another machine, or pointers of another size */
    PROGRAM_UNKNOWN,    /* neither ELF nor a script, or not to be read */
};

struct program {
    enum program_kind kind;
    char path[PATH_MAX];        /* found along PATH; empty when there is none of that name */
    char interpreter[PATH_MAX]; /* of a script, the program that was judged; else empty */
};

/* Looks at a program, found as execvp finds it; a script's interpreter is looked at for the
 * script. False with errno when there is no such program or it may not be executed. */
bool program_look(const char *name, struct program *program);

#endif
