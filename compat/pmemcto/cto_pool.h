/* What the parts of libpmemcto's interface share. */
#ifndef TARN_PMEMCTO_CTO_POOL_H
#define TARN_PMEMCTO_CTO_POOL_H

#include "libpmemcto.h"

#include <tarn/persist.h>

#pragma GCC visibility push(hidden)

/* Leaves a message for this thread, sets errno, returns NULL. */
void *tarn_pmemcto_refuse(int code, const char *path, const char *why);

/* The same with Tarn's own words for the last failure, and its errno as libpmemcto's manual has it:
 * EAGAIN for a pool that is open, ENOMEM for an address that is taken, EINVAL for a pool that was
 * not closed or is damaged. */
void *tarn_pmemcto_translate(void);

#pragma GCC visibility pop

static inline tarn_heap *
heap_of(PMEMctopool *pool)
{
    return (tarn_heap *)pool;
}

#endif
