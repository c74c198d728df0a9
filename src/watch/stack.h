/*
 * The calling thread's stack, by the compiler's unwinder.
 */
#ifndef TN_STACK_H
#define TN_STACK_H

#include <stdbool.h>

#pragma GCC visibility push(hidden)

/* Loads what walking needs, and finds out where Tarn's own code lies; may allocate. Once, before
 * the first walk. False: stacks cannot be walked here. */
bool tn_stack_ready(void);

/* Return addresses, innermost first, from the first that is not Tarn's own. Any thread, in signal
 * handlers too. */
unsigned tn_stack_look(void **frames, unsigned most);

/* unwinder.c, in the shared library: a function of the compiler's unwinder, which is loaded at the
 * first call; NULL where it cannot be. */
void *tn_unwinder_symbol(const char *name) __attribute__((weak));

#pragma GCC visibility pop

#endif
