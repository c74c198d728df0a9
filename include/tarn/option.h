/*
 * tarn/option.h: Tarn's options, which are also the environment's TARN_* variables.
 *
 * One table has them all; docs/options.md tells what each does. A name may be written as in the
 * environment or without its TARN_, in letters of either case, with - for _: "TARN_HUGE_PAGES",
 * "huge_pages" and "huge-pages" are the same. Values are those of the environment.
 *
 * The environment is read before the first allocation. What a program sets later holds from then
 * on for the whole process, and wins; options that shape what is made at the start of a program
 * can be set by the environment only.
 *
 * May be called by any thread at any time, in a fork's child too; not in a signal handler. None
 * allocates. Cost: a walk over a table of a few rows.
 */
#ifndef TARN_OPTION_H
#define TARN_OPTION_H

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#    pragma GCC visibility push(default)
#endif

/* A row of the table; the texts live as long as the library. */
struct tarn_option {
    const char *name;     /* as in the environment: "TARN_PURGE" */
    const char *values;   /* what it may be: "KiB, a size as 64M, off, now or auto" */
    const char *standard; /* what it is when nobody sets it */
    const char *meaning;
    bool running; /* may be set while the program runs */
};

/* Row index of the table, from 0. False, and nothing is written, when the table has no such row. */
bool tarn_option_list(unsigned index, struct tarn_option *option);

/* Writes the option's present value with its closing zero into value, cutting it to size bytes
 * (value may be NULL when size is 0), and returns its whole length, as snprintf does. -1 with errno
 * ENOENT: there is no such option. */
int tarn_option_get(const char *name, char *value, size_t size);

/* Sets an option. 0, or -1 with nothing changed and errno
 *   ENOENT  there is no such option (tarn_option_nearest may know which was meant),
 *   EINVAL  it cannot have this value,
 *   EPERM   it cannot be changed while the program runs.
 * Nothing is printed. */
int tarn_option_set(const char *name, const char *value);

/* The option most likely meant by a name that is none, or NULL when none is near. */
const char *tarn_option_nearest(const char *name);

#if defined(__GNUC__)
#    pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
