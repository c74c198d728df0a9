/* One verb of `tarn heap`, and what they share: options, figures for people, long work. */
#ifndef TARN_HEAP_VERB_H
#define TARN_HEAP_VERB_H

#include "command.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Further ways for a command to end. */
enum {
    HEAP_FOUND = 3,         /* check: damage; diff: differences */
    HEAP_INTERRUPTED = 130, /* by Ctrl-C, with nothing done or left behind */
};

struct heap_verb {
    const char *name;
    const char *summary;
    const char *synopsis;
    const char *help;
    int (*main)(int argc, char **argv); /* argv[0] is "heap NAME" */
};

/* Every verb once, in the order in which the help shows them. */
#define HEAP_VERBS(VERB)                                                                           \
    VERB(create)                                                                                   \
    VERB(info)                                                                                     \
    VERB(check)                                                                                    \
    VERB(map) VERB(roots) VERB(snapshot) VERB(diff) VERB(compact) VERB(export) VERB(import)

#define VERB(name) extern const struct heap_verb heap_verb_##name;
HEAP_VERBS(VERB)
#undef VERB

/* ---- the command line ---- */

struct heap_option {
    const char *name; /* with its dashes */
    bool *flag;       /* set when it is given; NULL: it takes a value */
    const char **value;
};

/* Takes the options (up to a NULL name) wherever they stand and the words, of which there must be
 * exactly count. COMMAND_DONE, or COMMAND_MISUSED and said. */
int heap_arguments(int argc, char **argv, const struct heap_option *options, const char **words,
                   int count, const char *wanted);

/* Says on stderr what tarn_error() has to say; COMMAND_FAILED, or HEAP_INTERRUPTED. */
int heap_failed(const char *name);

/* ---- what people read ---- */

struct heap_text {
    char text[32];
};

/* "512 B", "1.5 MiB", ... */
struct heap_text heap_bytes(uint64_t bytes);
/* With its thousands apart. */
struct heap_text heap_count(uint64_t count);

/* The part of a path behind the last slash. */
const char *heap_base_name(const char *path);

/* ---- long work ---- */

/* Ctrl-C and the polite signals are noted from now on, and end the process the second time. */
void heap_catch_interrupts(void);
/* They end the process at once again: what is left is to print. */
void heap_let_interrupts_end(void);
bool heap_interrupted(void);

/* A bar on stderr where that is a terminal; of the type tarn_progress, context a string that says
 * what is done. False when interrupted. */
bool heap_progress(void *context, uint64_t done, uint64_t total);
/* Takes the bar away. */
void heap_progress_end(void);

#endif
