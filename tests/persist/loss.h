/*
 * The two halves of the test of lost syncs: what a process does to an image, and what a power loss
 * may leave of it. See loss.c.
 */
#ifndef LOSS_H
#define LOSS_H

#include <tarn/persist.h>

#include <stdbool.h>
#include <stdint.h>

#define LOSS_PAGE    4096
#define LOSS_PAGES   300u /* every other one: more runs than a seal has */
#define LOSS_COMMITS 64u

#define SYNCS_MOST 256

enum mark {
    BEGUN,
    CLOSING,    /* begun */
    CHECKPOINT, /* begun, at this commit */
    ENDS,       /* the process, at the first call that fails */
    STARTED,    /* another one */
    ACKNOWLEDGED,
    DURABLE,
    WHOLE, /* by a checkpoint */
};

struct syncs {
    unsigned count;
    unsigned long number[SYNCS_MOST]; /* of the call */
};

struct counts {
    unsigned long opened;
    unsigned long refused;
    unsigned runs;
    struct syncs syncs; /* of the run without a fault, and before the process ended */
    struct syncs later;
};

/* Numbers of calls, which are syncs; 0: none. */
struct faults {
    bool two_processes;
    unsigned long end; /* of the first one, in a checkpoint */
    unsigned long failing;
};

extern const char *loss_path;
extern unsigned loss_flags;
extern uint32_t loss_stamps[LOSS_COMMITS][LOSS_PAGES]; /* by commit */
extern struct counts *loss_counts;                     /* shared with the children */

_Noreturn void loss_fail(const char *what);
uint64_t loss_commits(tarn_heap *heap);

/* A long run of one process. */
void loss_work(const struct faults *faults);
/* One process ends in a checkpoint, the next one has a sync that fails. */
void loss_work_in_turn(const struct faults *faults);

#endif
