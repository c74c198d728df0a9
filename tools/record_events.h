/*
 * The recorder, as its malloc calls it.
 */
#ifndef TARN_RECORD_EVENTS_H
#define TARN_RECORD_EVENTS_H

#include "trace_format.h"

#include <stdbool.h>
#include <stddef.h>

/* Whether events are written at present. */
bool record_on(void);

/* Writes an event: after the call for one that allocates, before it for one that frees, so that
 * the numbers of events have each address free before it is given out again. errno is untouched. */
void record_event(enum trace_op op, const void *p, size_t size, unsigned align_log);

#endif
