/*
 * While a program runs: signals that somebody sends to `tarn` are meant for it.
 */
#ifndef TARN_PASS_SIGNALS_H
#define TARN_PASS_SIGNALS_H

#include <sys/types.h>

/* From now on SIGTERM, SIGHUP, SIGINT and SIGQUIT do not end this process. Those that come before
 * the program is known wait for it. Signals that are ignored stay so. */
void pass_signals_begin(void);

/* They go on to this process. What the terminal sends it has already: it goes to all who are in the
 * foreground. */
void pass_signals_to(pid_t process);

/* It has ended, and its number may soon be another's; or, in the program's process, it is about to
 * begin: all is as it was before. */
void pass_signals_end(void);

#endif
