/*
 * What happens once in a process: options at its start, a summary at its end.
 */
#ifndef TN_START_H
#define TN_START_H

/* From constructors and destructors, any number of times. */
void tn_start(void);
void tn_end(void);

/* helper.c: starts the thread that purges when the process is idle. */
void tn_helper_start(void);

#endif
