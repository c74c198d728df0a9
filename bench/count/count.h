/* What is counted: the loops that the stepped child runs. */
#ifndef COUNT_H
#define COUNT_H

#include <signal.h>
#include <stddef.h>

/* The signal by which the child marks a point. */
#define COUNT_MARK SIGUSR1

/* Where the blocks come from. The last two are Tarn's alone. */
enum count_heap {
    COUNT_MALLOC,
    COUNT_HEAP,
    COUNT_IMAGE
};

/* The child's status when the allocator has no such heap; it comes to no mark then. */
#define COUNT_NONE 3

struct count_case {
    const char *name;
    enum count_heap heap;
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
