/*
 * A commit looks for changes where they can be, which holds only as long as a changed page is one
 * page fault and nothing else is. Pages are changed one after the other, each with a commit of its
 * own, and the faults are counted: of an image just made, after a checkpoint, and after opening, as
 * soon as what is in memory was mapped.
 *
 *     stride FILE
 */
#include "beside.h"
#include "os/dirty.h"

#include <tarn/persist.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define PAGE  4096
#define PAGES 4096
#define SKIP  77

static void
need(bool right, const char *what)
{
    if (!right) {
        fprintf(stderr, "stride: %s: %s\n", what, tarn_error());
        exit(1);
    }
}

static long
faults(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_minflt + usage.ru_majflt;
}

/* Faults of so many commits, each of one page, this many behind the last. */
static long
walk(tarn_heap *heap, char *data, int commits, int stride)
{
    long before = faults();
    for (int i = 0; i < commits; i++) {
        data[(size_t)i * (size_t)stride * PAGE]++;
        need(tarn_commit(heap) == 0, "commit");
    }
    return faults() - before;
}

static void
few(long found, int commits, const char *when)
{
    if (found > commits + commits / 8) {
        fprintf(stderr, "stride: %s: %ld faults in %d commits of a page\n", when, found, commits);
        exit(1);
    }
}

int
main(int argc, char **argv)
{
    char journal[4096];
    if (argc != 2) {
        return 2;
    }
    struct tn_dirty dirty;
    need(tn_dirty_open(&dirty, TN_DIRTY_NONE) == 0, "changes cannot be seen");
    bool watched = dirty.kind == TN_DIRTY_WATCH;
    tn_dirty_close(&dirty);
    if (!watched) {
        fprintf(stderr, "skipped: this kernel watches no pages: there are no faults to count\n");
        return SKIP;
    }
    name_journal(journal, argv[1]);
    unlink(argv[1]);
    unlink(journal);
    tarn_options options = {.flags = TARN_PROCESS, .journal_most = (size_t)1 << 40};
    tarn_heap *heap = tarn_create(argv[1], &options);
    need(heap != NULL, "create");
    char *data = tarn_heap_aligned_alloc(heap, PAGE, (size_t)PAGES * PAGE);
    need(data != NULL, "malloc");
    memset(data, 1, (size_t)PAGES * PAGE);
    tarn_set_root(heap, data);
    need(tarn_commit(heap) == 0, "commit");
    long fresh = walk(heap, data, PAGES, 1);
    need(fresh >= PAGES, "changes that were no page faults");
    few(fresh, PAGES, "new");
    need(tarn_checkpoint(heap) == 0, "checkpoint");
    few(walk(heap, data, PAGES, 1), PAGES, "after a checkpoint");
    need(tarn_close(heap) == 0, "close");
    heap = tarn_open(argv[1], &options);
    need(heap != NULL, "open");
    data = tarn_root(heap);
    walk(heap, data, PAGES / 16, 16);
    few(walk(heap, data + PAGE, PAGES / 16, 16), PAGES / 16, "after opening");
    need(tarn_close(heap) == 0, "close");
    unlink(argv[1]);
    unlink(journal);
    return 0;
}
