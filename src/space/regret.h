/*
 * Whether purging does more harm than good. A page that was given back and is needed again has
 * cost a page fault for nothing: that is a regret. A program whose memory goes up and down at
 * short intervals soon has more of them than its budget, and keeps its pages from then on; one
 * that has shrunk has none, whatever it gives back. Regrets are forgotten with time.
 *
 * The count is one of statistics: threads that change it at the same time may lose a little.
 */
#ifndef TN_REGRET_H
#define TN_REGRET_H

#include "os/os.h"

#include <stdatomic.h>
#include <stdbool.h>

struct tn_regret {
    _Atomic uint32_t pages;
    _Atomic uint32_t since; /* milliseconds; older ones have been forgotten in part */
};

static inline void
tn_regret_add(struct tn_regret *regret, size_t pages)
{
    atomic_fetch_add_explicit(&regret->pages, (uint32_t)pages, memory_order_relaxed);
}

#define TN_REGRET_FORGET 4u /* milliseconds for one page to be forgotten */

/* budget in pages. Reads the clock when there are more. */
static inline bool
tn_regrets(struct tn_regret *regret, size_t budget)
{
    uint64_t pages = atomic_load_explicit(&regret->pages, memory_order_relaxed);
    if (pages <= budget) {
        return false;
    }
    uint32_t now = (uint32_t)tn_os_milliseconds();
    uint32_t since = atomic_load_explicit(&regret->since, memory_order_relaxed);
    since = since != 0 ? since : now; /* the first time */
    uint32_t forgotten = (now - since) / TN_REGRET_FORGET;
    since += forgotten * TN_REGRET_FORGET; /* the rest of the time counts the next time */
    atomic_store_explicit(&regret->since, since, memory_order_relaxed);
    pages = forgotten < pages ? pages - forgotten : 0;
    atomic_store_explicit(&regret->pages, (uint32_t)pages, memory_order_relaxed);
    return pages > budget;
}

#endif
