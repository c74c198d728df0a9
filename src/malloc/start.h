/*
 * What happens once in a process: options at its start, a summary at its end.
 */
#ifndef TN_START_H
#define TN_START_H

#include <stdbool.h>

/* From constructors and destructors, any number of times. */
void tn_start(void);
void tn_end(void);

/* own_thread.c: runs a thread of the library's own, which no signal of the program's goes to, and
 * which nobody waits for. False: there can be none. */
bool tn_own_thread(void *(*run)(void *unused));

/* outside.c: from now on, orders from outside are answered. */
void tn_orders_start(void);

/* helper.c: starts the thread that purges when the process is idle. */
void tn_helper_start(void);

#endif
