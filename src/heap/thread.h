/*
 * What happens to a heap when threads end and when the process forks.
 */
#ifndef TN_THREAD_H
#define TN_THREAD_H

/* Once, when the process heap has come to life: fork is watched from now on. */
void tn_thread_start_watching(void);

/* The end of the calling thread will be noticed, and its caches retired. */
void tn_thread_watch(void);

#endif
