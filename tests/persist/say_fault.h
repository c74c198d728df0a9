/* How the tests show what a check finds. */
#ifndef SAY_FAULT_H
#define SAY_FAULT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* For tarn_check and tarn_check_heap. */
static inline bool
say_fault(void *context, const char *what, uint64_t offset)
{
    (void)context;
    fprintf(stderr, "at %llu: %s\n", (unsigned long long)offset, what);
    return true;
}

#endif
