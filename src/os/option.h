/*
 * The options a user sets in the environment: one table says their names, values, defaults and
 * meanings. They are read once, without malloc, when the process heap starts; where that is before
 * the C library has an environment to show, from what the system says the process was started with.
 */
#ifndef TN_OPTION_H
#define TN_OPTION_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

enum tn_choice {
    TN_OFF,
    TN_ON,
    TN_AUTO, /* as the engine sees fit */
};

#define TN_KEEP_AUTO ((size_t)-2)
#define TN_KEEP_ALL  ((size_t)-1)

/* Written before the second thread starts, but for dirty_keep; read by any room, any time. */
struct tn_options {
    bool stats;    /* a summary on stderr at exit */
    bool helper;   /* a thread that purges when the process is idle */
    bool check;    /* every free asks every question */
    bool populate; /* fault memory in when it is committed */
    enum tn_choice huge_pages;
    _Atomic size_t dirty_keep; /* bytes of free memory with contents that a space keeps, or
                                  TN_KEEP_AUTO, or TN_KEEP_ALL; mallopt writes it, too */
};

extern struct tn_options tn_options;

/* Reads the environment, if it has not been read yet and there is one. Reports what it does not
 * understand, one line each, and goes on without. */
void tn_options_read(void);

/* What the table says of option i; false when there is none. */
struct tn_option_text {
    const char *name;
    const char *values;
    const char *standard; /* the default */
    const char *meaning;
};
bool tn_option_text(unsigned i, struct tn_option_text *text);

/* Called at the start of malloc's slow path when not NULL, where nothing is half done: for what
 * must not happen in a fork handler but soon after. */
extern _Atomic(void (*)(void)) tn_soon;

#endif
