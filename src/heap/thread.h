/*
 * What happens to a heap when threads end and when the process forks.
 */
#ifndef TN_THREAD_H
#define TN_THREAD_H

#include <stdbool.h>

/* When a heap has come to life, the first time: fork is watched from now on. */
void tn_thread_start_watching(void);

/* The end of the calling thread will be noticed, and its caches retired. False: it will not, for
 * now, or for want of a key. */
bool tn_thread_watch(void);

#endif
