/*
 * Which pages of private memory were written to. Two ways, chosen when the process runs:
 *
 * Watching (Linux 6.7): the range is registered with userfaultfd for write protection in its
 * asynchronous mode, and PAGEMAP_SCAN reports pages that are written to since they were reported
 * last, at once or later protecting them again. The kernel lifts the protection at the next write
 * by itself: no handler, no signal. Needs no privilege. Writes by system calls are seen too.
 *
 * Page map: every page that is private is reported, as long as it stays so; who has dealt with them
 * makes them shared with the file again by mapping it anew.
 *
 * Watching reports a page for the first time whether it was written to or not: nothing protects it
 * yet. Whether it is private memory tells; from then on the report itself does.
 */
#ifndef TN_DIRTY_H
#define TN_DIRTY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

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

/* Calls found for every run of pages written to, or never reported since they were mapped, in the
 * order of addresses, and protects them if asked to. Watching: may end when it has found that many
 * pages. 0 or an errno; pages reported before an error stay reported. */
int tn_dirty_collect(struct tn_dirty *dirty, char *start, size_t size, size_t most, bool protect,
                     void (*found)(void *context, char *start, size_t size), void *context);

/* Watching: protects what tn_dirty_collect would report. What is not there is from then on in an
 * entry of the page table that tn_dirty_private takes for memory that was swapped out: ask before.
 */
int tn_dirty_protect(struct tn_dirty *dirty, char *start, size_t size);

/* Watching: calls found for every run of pages that are memory of one's own and not zero by the
 * kernel's knowledge. */
int tn_dirty_private(struct tn_dirty *dirty, char *start, size_t size,
                     void (*found)(void *context, char *start, size_t size), void *context);

/* Page faults of this process so far. The first write to a watched page since it was reported is
 * one, so as long as the number stands still nothing that is watched was written to; unless by
 * another process, as a debugger does. UINT64_MAX: not known. */
uint64_t tn_dirty_faults(void);

#pragma GCC visibility pop

#endif
