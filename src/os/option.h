/*
 * The options a user sets in the environment: one table says their names, values, defaults and
 * meanings. They are read once, without malloc, when the process heap starts; where that is before
 * the C library has an environment to show, from what the system says the process was started with.
 */
#ifndef TN_OPTION_H
#define TN_OPTION_H

#include "base/bits.h"

#include <stdatomic.h>

enum tn_choice {
    TN_OFF,
    TN_ON,
    TN_AUTO, /* as the engine sees fit */
};

#define TN_KEEP_AUTO ((size_t)-2)
#define TN_KEEP_ALL  ((size_t)-1)

#define TN_PATH_MOST 512u /* bytes of a path, its closing zero included */

/* The atomic ones may change while the program runs (tarn_option_set, mallopt); the others are
 * written before the second thread starts. Read by any room, any time. */
struct tn_options {
    atomic_bool stats;           /* a summary on stderr at exit */
    bool helper;                 /* a thread that purges when the process is idle */
    bool check;                  /* every free asks every question */
    atomic_bool populate;        /* fault memory in when it is committed */
    _Atomic unsigned huge_pages; /* an enum tn_choice */
    bool profile_pools;          /* object pools are sampled, too */
    bool leaks;                  /* what is live at exit, by stack, on stderr */
    size_t profile_interval;     /* bytes from one sample to the next */
    char profile[TN_PATH_MOST];  /* the profile's file; empty: none */
    _Atomic size_t dirty_keep;   /* bytes of free memory with contents that a space keeps, or
                                    TN_KEEP_AUTO, or TN_KEEP_ALL */
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
    bool running; /* may be changed while the program runs */
};
bool tn_option_text(unsigned i, struct tn_option_text *text);

#define TN_NO_OPTION (~0u)

/* The option of that name, with TARN_ before it or without, in letters of either case, with - for
 * _; TN_NO_OPTION when there is none. */
unsigned tn_option_find(const char *name);

/* The name that was most likely meant by one that is none, or NULL. */
const char *tn_option_nearest(const char *name);

/* Whether the value is one the option takes; nothing is changed. */
bool tn_option_fits(unsigned i, const char *value);

/* Changes the option; false, and nothing is changed, where the value is none it takes. */
bool tn_option_set(unsigned i, const char *value);

/* The option's present value as tn_option_set takes it, as tn_text writes it. */
size_t tn_option_show(unsigned i, char *text, size_t size);

/* What somebody wants done soon, where nothing is half done and no lock is held: slow paths of
 * malloc and free look at the byte when they begin. Rung from inside by what must not happen in a
 * fork handler, and from outside the process (watch/view.h): no write of a byte is ever half done.
 */
struct tn_bell {
    _Atomic uint8_t rung;
    _Atomic(void (*)(void)) inside; /* called once; NULL: nothing is wanted */
    void (*outside)(void);          /* const once set, at the process's start; NULL before */
};
extern struct tn_bell tn_bell;

void tn_bell_answer(void);

static inline void
tn_look_round(void)
{
    if (TN_UNLIKELY(atomic_load_explicit(&tn_bell.rung, memory_order_relaxed) != 0)) {
        tn_bell_answer();
    }
}

#endif
