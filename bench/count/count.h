/* What is counted: the loops that the stepped child runs. */
#ifndef COUNT_H
#define COUNT_H

#include <signal.h>
#include <stddef.h>

/* The signal by which the child marks a point. */
#define COUNT_MARK SIGUSR1

struct count_case {
    const char *name;
    size_t size;    /* bytes per block */
    size_t batch;   /* blocks allocated before the first is freed; pairs per repetition */
    size_t repeats; /* repetitions between the first two marks */
};

/* Ends with a NULL name. */
extern const struct count_case count_cases[];

/* NULL when there is none of that name. */
const struct count_case *count_find(const char *name);

/* The child's whole life: warm up, mark, repeat, mark, repeat twice as often, mark. */
int count_child(const char *name);

#endif
