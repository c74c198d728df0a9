/*
 * Which pages of private memory were written to. Two ways, chosen when the process runs:
 *
 * Watching (Linux 6.7): the range is registered with userfaultfd for write protection in its
 * asynchronous mode, and PAGEMAP_SCAN reports pages that are written to since they were reported
 * last, at once protecting them again. The kernel lifts the protection at the next write by itself:
 * no handler, no signal. Needs no privilege. Writes by system calls are seen too.
 *
 * Page map: every page that is private is reported, as long as it stays so; who has dealt with them
 * makes them shared with the file again by mapping it anew.
 *
 * Pages that were only read are never reported as long as they show a file's page; on fresh memory
 * they may be.
 */
#ifndef TN_DIRTY_H
#define TN_DIRTY_H

#include <stdbool.h>
#include <stddef.h>

#pragma GCC visibility push(hidden)

enum tn_dirty_kind {
    TN_DIRTY_NONE,     /* neither can be had */
    TN_DIRTY_WATCH,    /* pages are reported once for each time they are written to */
    TN_DIRTY_PAGE_MAP, /* pages are reported until they are mapped anew */
};

struct tn_dirty {
    enum tn_dirty_kind kind;
    int watch;    /* userfaultfd, or -1 */
    int page_map; /* /proc/self/pagemap */
};

/* At best the kind wanted, TN_DIRTY_NONE for the best there is. 0 or an errno. */
int tn_dirty_open(struct tn_dirty *dirty, enum tn_dirty_kind wanted);
void tn_dirty_close(struct tn_dirty *dirty);

/* From now on the range is watched; every page written to before counts as written to. Again for
 * what is mapped anew in it. Nothing to do for the page map. */
int tn_dirty_watch(struct tn_dirty *dirty, void *start, size_t size);

/* Calls found for every run of pages written to, in the order of addresses. 0 or an errno; pages
 * reported before an error stay reported. */
int tn_dirty_collect(struct tn_dirty *dirty, char *start, size_t size,
                     void (*found)(void *context, char *start, size_t size), void *context);

#pragma GCC visibility pop

#endif
