/*
 * A trace in memory: what a program allocated and freed, in order.
 */
#ifndef TARN_TRACE_EVENTS_H
#define TARN_TRACE_EVENTS_H

#include "trace_format.h"

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of enum trace_op only MALLOC, CALLOC, REALLOC, ALIGNED, FREE and FREE_NULL occur here. */
struct trace_event {
    uint64_t time; /* nanoseconds since the start, or the event's index where none were kept */
    uint64_t size; /* bytes asked for, 0 for FREE */
    uint32_t slot; /* of the object; reused when it is freed */
    uint16_t thread;
    uint8_t op;
    uint8_t align_log;
};

struct trace {
    struct trace_event *events;
    size_t count;
    size_t room;
    uint32_t slots; /* slots are 0 .. slots-1 */
    uint32_t threads;
    bool timed;      /* the times are times */
    bool finished;   /* the program came to its end */
    bool cut;        /* the recorder had to stop before */
    size_t unknown;  /* frees of blocks from before the recording, left out */
    size_t unseen;   /* frees that were not seen, put in where the address came again */
    size_t missing;  /* events lost at a kill */
    char words[512]; /* the program and its arguments, with blanks between; may be empty */
};

/* Reads a trace of libtarn-record.so or of the MTRACE01 format, packed with xz or not. False,
 * having said on stderr in the name of this command what is wrong with it. */
bool trace_read(const char *command, const char *path, struct trace *trace);

void trace_drop(struct trace *trace);

/* Adds an event; false without memory. */
bool trace_add(struct trace *trace, const struct trace_event *event);

/* A whole file's contents, unpacked where it is xz's; NULL, having said what is wrong. To be
 * freed. */
unsigned char *trace_load(const char *command, const char *path, size_t *size);

/* trace_decode.c: the recorder's format, out of a file's contents. */
bool trace_decode(const char *command, const char *path, const unsigned char *data, size_t size,
                  struct trace *trace);

#endif
