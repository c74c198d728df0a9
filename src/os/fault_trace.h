/*
 * Where page faults of a thread were, as the kernel notes them for perf: one page fault, one
 * address. Needs no privilege where kernel.perf_event_paranoid is 2, Linux's own setting, or less;
 * some distributions set more, and there is none then.
 *
 * Only faults of the thread that began it, and none that the kernel had on its behalf, in a read
 * into the memory say. So all that this thread, which has none meanwhile, reads of it is part of
 * what tn_dirty_faults counts, and is all of it if it is as many.
 */
#ifndef TN_FAULT_TRACE_H
#define TN_FAULT_TRACE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

struct tn_trace {
    void *ring; /* NULL: none */
    int file;
    bool refused; /* it cannot be had */
    unsigned process;
    pthread_t thread;
    uint64_t from; /* what was noted before is forgotten */
    uint64_t to;   /* as it was read */
};

/* This thread's faults are noted from now on, if that can be. */
void tn_trace_begin(struct tn_trace *trace);
void tn_trace_end(struct tn_trace *trace);

/* How many faults were noted since they were forgotten last; 0 if some were lost, or in another
 * thread: one may be counted then and not be noted yet. */
size_t tn_trace_read(struct tn_trace *trace);
/* Of those read, the address of one. */
char *tn_trace_address(const struct tn_trace *trace, size_t i);
void tn_trace_forget(struct tn_trace *trace);

#pragma GCC visibility pop

#endif
