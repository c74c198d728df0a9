/*
 * A trace as tarn-replay takes it: a file of this header and its steps, in this machine's bytes.
 */
#ifndef TARN_REPLAY_PLAN_H
#define TARN_REPLAY_PLAN_H

#include <stdint.h>

#define REPLAY_MAGIC "TARNPLAN"

struct replay_header {
    char magic[8];
    uint64_t count;     /* of steps */
    uint64_t slots;     /* of objects */
    uint64_t peak_live; /* largest sum of the live objects' sizes, bytes */
};

struct replay_step {
    uint64_t size;
    uint32_t slot;
    uint8_t op; /* enum trace_op, those of struct trace_event */
    uint8_t align_log;
    uint16_t thread;
};

enum {
    REPLAY_SAMPLES = 256, /* moments at which memory is looked at */
};

#endif
