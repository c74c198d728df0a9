/* What the processes of the test of lost syncs do to the image, with marks of what they were told.
 */
#include "loss.h"

#include "calls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NEVER 1000000

const char *loss_path;
unsigned loss_flags;
uint32_t loss_stamps[LOSS_COMMITS][LOSS_PAGES];
struct counts *loss_counts;

static tarn_heap *heap;

void
loss_fail(const char *what)
{
    fprintf(stderr, "loss: %s (%s)\n", what, tarn_error());
    exit(1);
}

uint64_t
loss_commits(tarn_heap *of)
{
    tarn_image_figures figures;
    tarn_image_info(of, &figures);
    return figures.commits;
}

static void
open_heap(void)
{
    const tarn_options options = {.flags = TARN_CREATE | loss_flags,
                                  .capacity = (size_t)16 << 20,
                                  .journal_most = (size_t)64 << 20};
    heap = tarn_open(loss_path, &options);
    if (heap == NULL) {
        calls_inject(CALLS_NONE, 0, 0);
        heap = tarn_open(loss_path, &options);
    }
    if (heap == NULL) {
        loss_fail("cannot be opened");
    }
}

/* The pages from first on, step apart. */
static void
stamp(size_t first, size_t step)
{
    char *data = tarn_root(heap);
    uint64_t next = loss_commits(heap) + 1;
    if (data == NULL) {
        data = tarn_heap_zalloc(heap, (size_t)LOSS_PAGES * LOSS_PAGE);
        tarn_set_root(heap, data);
    }
    for (size_t i = first; data != NULL && i < LOSS_PAGES; i += step) {
        memcpy(data + i * LOSS_PAGE, &(uint32_t){(uint32_t)(next * 1000 + i)}, sizeof(uint32_t));
    }
}

static void
begin(int (*how)(tarn_heap *heap))
{
    uint64_t next = loss_commits(heap) + 1;
    const char *data = tarn_root(heap);
    for (size_t i = 0; data != NULL && i < LOSS_PAGES; i++) {
        memcpy(&loss_stamps[next][i], data + i * LOSS_PAGE, sizeof(uint32_t));
    }
    calls_mark(next, how == tarn_close ? CLOSING : BEGUN);
    if (how == tarn_checkpoint) {
        calls_mark(next - 1, CHECKPOINT);
    }
}

/* When it fails, once more; an image that says that it wants to be opened anew is. */
static void
perform(int (*how)(tarn_heap *heap))
{
    uint64_t next = loss_commits(heap) + 1;
    begin(how);
    int result = how(heap);
    if (result != 0) {
        calls_inject(CALLS_NONE, 0, 0);
        result = how(heap);
    }
    if (result != 0 && strstr(tarn_error(), "open it again") != NULL) {
        begin(tarn_close);
        result = tarn_close(heap);
        open_heap();
        if (how != tarn_close) {
            perform(how);
            return;
        }
    }
    if (result != 0) {
        loss_fail("what failed once fails again");
    }
    enum mark done = loss_flags & TARN_PROCESS ? ACKNOWLEDGED : DURABLE;
    calls_mark(how == tarn_close ? next : loss_commits(heap),
               how == tarn_checkpoint ? WHOLE : done);
}

/* The numbers of the syncs since the last mark of this kind. */
static void
note_syncs(struct syncs *syncs, enum mark since)
{
    size_t i;
    const struct calls_event *events = calls_events(&i);
    while (i > 0 && (events[i - 1].kind != CALLS_MARK || events[i - 1].size != since)) {
        i--;
        if (events[i].kind == CALLS_SYNC && syncs->count < SYNCS_MOST) {
            syncs->number[syncs->count++] = events[i].at;
        }
    }
}

void
loss_work_in_turn(const struct faults *faults)
{
    calls_inject(CALLS_NONE, 0, 0);
    open_heap();
    calls_mark(0, DURABLE);
    stamp(0, 1);
    perform(tarn_checkpoint);
    stamp(1, 2);
    perform(tarn_commit);
    calls_mark(0, ENDS);
    begin(tarn_checkpoint);
    calls_inject(CALLS_ON, faults->end != 0 ? faults->end : NEVER, EIO);
    tarn_checkpoint(heap);
    if (faults->end == 0) {
        note_syncs(&loss_counts->syncs, CHECKPOINT);
    }
    tarn_close_without_commit(heap);
    calls_inject(CALLS_NONE, 0, 0);
    calls_mark(0, STARTED);
    open_heap();
    calls_inject(CALLS_ONCE, faults->failing != 0 ? faults->failing : NEVER, EIO);
    stamp(0, 90);
    perform(tarn_commit);
    stamp(0, 2);
    perform(tarn_checkpoint);
    if (faults->failing == 0) {
        note_syncs(&loss_counts->later, STARTED);
    }
    calls_inject(CALLS_NONE, 0, 0);
    tarn_close_without_commit(heap);
}

void
loss_work(const struct faults *faults)
{
    calls_inject(CALLS_ONCE, faults->failing != 0 ? faults->failing : NEVER, EIO);
    open_heap();
    calls_mark(0, DURABLE);
    stamp(0, 1);
    perform(tarn_commit);
    for (unsigned round = 0; round < 3; round++) {
        stamp(round % 2, 2);
        perform(tarn_commit);
        stamp(7 * round, 90);
        perform(tarn_commit);
        if (round == 1) {
            perform(tarn_checkpoint);
            stamp(1, 2);
        }
        perform(tarn_close);
        open_heap();
        stamp(round, 3);
        perform(tarn_commit);
    }
    stamp(5, 2);
    perform(tarn_checkpoint);
    stamp(4, 2);
    perform(tarn_commit);
    if (faults->failing == 0) {
        note_syncs(&loss_counts->syncs, STARTED);
    }
    calls_inject(CALLS_NONE, 0, 0);
    tarn_close_without_commit(heap);
}
