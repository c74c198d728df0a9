/* How a program that uses Kore's memory ends when there is none. */
#ifndef TARN_KORE_FATAL_H
#define TARN_KORE_FATAL_H

/* By the program's own fatal(const char *, ...), or with "fatal: ..." on stderr and status 1. */
_Noreturn void kore_die(const char *format, ...)
    __attribute__((format(printf, 1, 2), visibility("hidden")));

#endif
