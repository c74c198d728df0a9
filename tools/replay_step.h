/*
 * What a replay works on, and one step of it.
 */
#ifndef TARN_REPLAY_STEP_H
#define TARN_REPLAY_STEP_H

#include "replay_faces.h"
#include "replay_plan.h"
#include "trace_format.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    REPLAY_PAGE = 4096
};

struct replay_work {
    const struct replay_header *header;
    const struct replay_step *steps;
    void **objects; /* by slot; NULL: none */
};

struct replay_sample {
    uint64_t step, live, resident;
};

/* Writes to each page of a block, as the program did that asked for it. */
static inline void
replay_touch(char *p, size_t size)
{
    for (size_t at = 0; at < size; at += REPLAY_PAGE) {
        ((volatile char *)p)[at] = 1;
    }
    if (size > 0) {
        ((volatile char *)p)[size - 1] = 1;
    }
}

/* False: the allocator refused. */
static inline bool
replay_do(const struct replay_work *work, const struct replay_face *face,
          const struct replay_step *step)
{
    void **object = &work->objects[step->slot];
    void *p;
    switch (step->op) {
    case TRACE_MALLOC:
        p = face->allocate(step->size);
        break;
    case TRACE_CALLOC:
        p = face->allocate_zero(step->size);
        break;
    case TRACE_ALIGNED:
        p = face->allocate_aligned((size_t)1 << step->align_log, step->size);
        break;
    case TRACE_REALLOC:
        p = face->resize(*object, step->size);
        break;
    case TRACE_FREE:
        face->release(*object);
        *object = NULL;
        return true;
    default:
        face->release(NULL);
        return true;
    }
    if (p == NULL) {
        return false;
    }
    replay_touch(p, step->size);
    *object = p;
    return true;
}

/* Ends the program: the allocator refused this step. */
_Noreturn void replay_refused(const struct replay_work *work, const struct replay_step *step);

/* Bytes of the process that are resident now. */
size_t replay_resident(void);

/* Zeroed memory that is there already, and none of the allocator's; ends the program without. */
void *replay_reserve(size_t size);

/* replay_threads.c: the steps by as many threads as the program had; each begins when all that came
 * before its first step has happened, and waits where it comes to a block that another thread had
 * last until that one is done with it. False: there are too many steps. */
bool replay_threads_begin(const struct replay_work *work);

/* Once through, after the begin. Where samples is not NULL, resident is noted there before every so
 * many steps. Returns nanoseconds of the threads' processor time without what they waited;
 * negative: they could not be started. */
long long replay_threads(const struct replay_face *face, struct replay_sample *samples,
                         uint64_t every);

#endif
