/*
 * Power loss where something was not synced: with durability process, whose closings leave the
 * journal and part of the file to the system; and where a sync failed, once: what it was to make
 * durable is there, lost or there in part, and a later sync does not bring it back.
 *
 * The image has pages that are stamped, so many of them apart from each other that closing writes
 * some to the file. Whatever disk a power loss leaves opens at a commit that was begun, and none
 * before the last that had to be durable. With durability process it may be refused instead, but
 * only from a closing on to where the next checkpoint has made the journal durable. Where a sync
 * of the journal succeeded after one that failed, the end of the process alone, with what the
 * failed one lost read back from the disk, leaves the last commit that was acknowledged.
 *
 * The sync that fails is each one of a long run; and each one after a checkpoint in which, at each
 * of its syncs, the process before ended.
 *
 *     loss FILE process DRAWS SEED
 *     loss FILE failing DRAWS SEED [process]
 */
#include "calls.h"
#include "disk.h"
#include "say_fault.h"
#include "town.h"

#include <tarn/persist.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE    4096
#define PAGES   300u /* every other one: more runs than a seal has */
#define COMMITS 64u

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

/* What there may be. */
struct bounds {
    uint64_t least;
    uint64_t most;
    uint64_t acknowledged;
    bool refusal;
    bool settled; /* a sync of the journal succeeded after the one that failed */
};

/* Numbers of calls, which are syncs; 0: none. */
struct faults {
    bool two_processes;
    unsigned long end; /* of the first one, in a checkpoint */
    unsigned long failing;
};

#define NEVER 1000000

static const char *path;
static unsigned flags;
static tarn_heap *heap;
static uint32_t stamps[COMMITS][PAGES]; /* by commit */
static struct counts *counts;           /* shared with the children */

static _Noreturn void
fail(const char *what)
{
    fprintf(stderr, "loss: %s (%s)\n", what, tarn_error());
    exit(1);
}

/* ---- the run ---- */

static uint64_t
commits_now(void)
{
    tarn_image_figures figures;
    tarn_image_info(heap, &figures);
    return figures.commits;
}

static void
open_heap(void)
{
    const tarn_options options = {.flags = TARN_CREATE | flags,
                                  .capacity = (size_t)16 << 20,
                                  .journal_most = (size_t)64 << 20};
    heap = tarn_open(path, &options);
    if (heap == NULL) {
        calls_inject(CALLS_NONE, 0, 0);
        heap = tarn_open(path, &options);
    }
    if (heap == NULL) {
        fail("cannot be opened");
    }
}

/* The pages from first on, step apart. */
static void
stamp(size_t first, size_t step)
{
    char *data = tarn_root(heap);
    uint64_t next = commits_now() + 1;
    if (data == NULL) {
        data = tarn_heap_zalloc(heap, (size_t)PAGES * PAGE);
        tarn_set_root(heap, data);
    }
    for (size_t i = first; data != NULL && i < PAGES; i += step) {
        memcpy(data + i * PAGE, &(uint32_t){(uint32_t)(next * 1000 + i)}, sizeof(uint32_t));
    }
}

static void
begin(int (*how)(tarn_heap *heap))
{
    uint64_t next = commits_now() + 1;
    const char *data = tarn_root(heap);
    for (size_t i = 0; data != NULL && i < PAGES; i++) {
        memcpy(&stamps[next][i], data + i * PAGE, sizeof(uint32_t));
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
    uint64_t next = commits_now() + 1;
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
        fail("what failed once fails again");
    }
    enum mark done = flags & TARN_PROCESS ? ACKNOWLEDGED : DURABLE;
    calls_mark(how == tarn_close ? next : commits_now(), how == tarn_checkpoint ? WHOLE : done);
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

/* One process ends in a checkpoint, the next one has a sync that fails. */
static void
work_in_turn(const struct faults *faults)
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
        note_syncs(&counts->syncs, CHECKPOINT);
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
        note_syncs(&counts->later, STARTED);
    }
    calls_inject(CALLS_NONE, 0, 0);
    tarn_close_without_commit(heap);
}

static void
work(const struct faults *faults)
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
        note_syncs(&counts->syncs, STARTED);
    }
    calls_inject(CALLS_NONE, 0, 0);
    tarn_close_without_commit(heap);
}

/* ---- the disks ---- */

/* One is enough. */
static bool
say_first(void *context, const char *what, uint64_t offset)
{
    say_fault(context, what, offset);
    return false;
}

static void
look(const struct bounds *bounds, bool power_loss)
{
    uint64_t least = power_loss ? bounds->least : bounds->acknowledged;
    if (power_loss) {
        calls_start_anew();
    }
    int check = tarn_check(path, NULL, NULL);
    heap = tarn_open(path, NULL);
    if (heap == NULL) {
        if (!power_loss || !bounds->refusal || errno != EBADMSG || tarn_error()[0] == 0) {
            fail("cannot be opened");
        }
        counts->refused++;
        exit(0);
    }
    if (check != 0) {
        tarn_check(path, say_first, NULL);
        fail("it opens, and the check found damage");
    }
    uint64_t commits = commits_now();
    const char *data = tarn_root(heap);
    if (commits < least || commits > bounds->most) {
        fprintf(stderr, "at commit %llu, not from %llu to %llu\n", (unsigned long long)commits,
                (unsigned long long)least, (unsigned long long)bounds->most);
        fail("not a commit that may be");
    }
    for (size_t i = 0; i < PAGES && data != NULL; i++) {
        if (memcmp(data + i * PAGE, &stamps[commits][i], sizeof(uint32_t)) != 0) {
            fail("a mixture of commits");
        }
    }
    counts->opened++;
    exit(0);
}

static void
try_disk(const struct disk *disk, const unsigned char *chosen, uint64_t torn,
         const struct bounds *bounds, bool power_loss)
{
    pid_t child = fork();
    if (child == 0) {
        disk_write(disk, chosen, torn);
        look(bounds, power_loss);
    }
    int status;
    waitpid(child, &status, 0);
    if (status != 0) {
        fprintf(stderr, "%s, %zu pending, torn %llu: ended with %x\n",
                power_loss ? "power loss" : "the process's end", disk->pending_count,
                (unsigned long long)torn, (unsigned)status);
        exit(1);
    }
}

/* All of what is pending, nothing, and draws: each with a likelihood of its own, for the image's
 * writes and for the journal's. */
static void
try_disks(const struct disk *disk, unsigned draws, uint64_t *seed, const struct bounds *bounds)
{
    static unsigned char chosen[DISK_PENDING];
    for (unsigned draw = 0; draw < draws + 2; draw++) {
        uint64_t image = draw < 2 ? draw * 4 : town_random(seed) % 5;
        uint64_t journal = draw < 2 ? draw * 4 : town_random(seed) % 5;
        for (size_t i = 0; i < disk->pending_count; i++) {
            bool of_image = disk->events[disk->pending[i]].file == disk->image;
            chosen[i] = town_random(seed) % 4 < (of_image ? image : journal);
        }
        try_disk(disk, chosen, draw % 2 != 0 && draw > 1 ? town_random(seed) | 1 : 0, bounds, true);
        if (draw == 1 && bounds->settled) {
            try_disk(disk, chosen, 0, bounds, false);
        }
    }
}

struct replay {
    struct disk disk;
    struct bounds bounds;
    bool ending;       /* what fails is not done, nor lost */
    bool checkpoint;   /* is being made, */
    uint64_t commit;   /* and when it was begun there was this one */
    uint64_t synced;   /* the journal, since then */
    bool journal_lost; /* something that was written to it */
    bool whole;        /* the last thing was a checkpoint's end */
};

static void
pass_mark(struct replay *replay, const struct calls_event *event)
{
    struct bounds *bounds = &replay->bounds;
    enum mark mark = (enum mark)event->size;
    bounds->most = event->at > bounds->most ? event->at : bounds->most;
    bounds->acknowledged = mark >= ACKNOWLEDGED ? event->at : bounds->acknowledged;
    bounds->least = mark >= DURABLE ? event->at : bounds->least;
    bounds->refusal = bounds->refusal || (mark == CLOSING && flags & TARN_PROCESS);
    replay->ending = (replay->ending || mark == ENDS) && mark != STARTED;
    replay->checkpoint = mark == CHECKPOINT;
    replay->commit = mark == CHECKPOINT ? event->at : 0;
    replay->synced = 0;
    replay->whole = mark == WHOLE;
}

/* In a checkpoint the journal's is the first one: with it, and with the name, all commits are
 * durable. */
static void
pass_sync(struct replay *replay, const struct calls_event *event)
{
    struct bounds *bounds = &replay->bounds;
    bool folder = event->kind == CALLS_SYNC_FOLDER;
    disk_sync(&replay->disk, event->file, folder);
    if (!folder && event->file != replay->disk.image) {
        bounds->settled = replay->journal_lost;
        replay->synced = event->file;
    }
    if (replay->checkpoint && replay->synced != 0 && replay->synced == replay->disk.journal) {
        bounds->least = replay->commit > bounds->least ? replay->commit : bounds->least;
        bounds->refusal = false;
    }
}

/* With a sync that fails, from there on, what is before others have tried, to the end of the next
 * checkpoint: then nothing is left of what that sync was to write. */
static void
replay_run(unsigned draws, uint64_t *seed, bool failing)
{
    size_t count;
    struct replay replay = {.disk = {.path = path, .events = calls_events(&count)}};
    struct disk *disk = &replay.disk;
    bool made = false;
    bool failed = !failing;
    for (size_t i = 0; i < count && !(failing && failed && replay.whole); i++) {
        const struct calls_event *event = &disk->events[i];
        bool sync = event->kind == CALLS_SYNC || event->kind == CALLS_SYNC_FOLDER;
        bool loss = event->kind == CALLS_SYNC_FAILED && !replay.ending;
        if (made && failed && (sync || loss || event->kind == CALLS_MARK)) {
            try_disks(disk, draws, seed, &replay.bounds);
        }
        if (event->kind == CALLS_MARK) {
            made = true;
            pass_mark(&replay, event);
        } else if (loss) {
            disk_fail(disk, event->file, seed);
            failed = true;
            replay.whole = false;
            replay.journal_lost = event->file != disk->image;
        } else if (sync) {
            pass_sync(&replay, event);
        } else if (event->kind != CALLS_SYNC_FAILED) {
            disk_add(disk, i);
        }
    }
    try_disks(disk, draws, seed, &replay.bounds);
}

static void
remove_files(void)
{
    char journal[4096];
    snprintf(journal, sizeof journal, "%.4000s-journal", path);
    unlink(path);
    unlink(journal);
}

/* Without a fault: all syncs are noted. */
static void
run(const struct faults *faults, unsigned draws, uint64_t seed)
{
    remove_files();
    counts->runs++;
    pid_t child = fork();
    if (child == 0) {
        calls_record();
        if (faults->two_processes) {
            work_in_turn(faults);
        } else {
            work(faults);
        }
        if (draws != 0) {
            replay_run(draws, &seed, faults->failing != 0);
        }
        exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    if (status != 0) {
        fprintf(stderr, "ending at call %lu, call %lu failing: ended with %x\n", faults->end,
                faults->failing, (unsigned)status);
        exit(1);
    }
}

static void
run_failing(unsigned draws, uint64_t seed)
{
    run(&(struct faults){0}, 0, 0);
    for (unsigned i = 0; i < counts->syncs.count; i++) {
        run(&(struct faults){.failing = counts->syncs.number[i]}, draws, seed++);
    }
    counts->syncs.count = 0;
    run(&(struct faults){.two_processes = true}, 0, 0);
    struct syncs ends = counts->syncs;
    for (unsigned i = 0; i < ends.count; i++) {
        counts->later.count = 0;
        run(&(struct faults){true, ends.number[i], 0}, draws, seed++);
        for (unsigned k = 0; k < counts->later.count; k++) {
            run(&(struct faults){true, ends.number[i], counts->later.number[k]}, draws, seed++);
        }
    }
}

int
main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: loss FILE process|failing DRAWS SEED [process]\n");
        return 2;
    }
    path = argv[1];
    bool failing = strcmp(argv[2], "failing") == 0;
    flags = failing && argc < 6 ? 0 : TARN_PROCESS;
    unsigned draws = (unsigned)strtoul(argv[3], NULL, 10);
    uint64_t seed = strtoull(argv[4], NULL, 10);
    counts = mmap(NULL, sizeof *counts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (failing) {
        run_failing(draws, seed);
    } else {
        run(&(struct faults){0}, draws, seed);
    }
    remove_files();
    printf("%lu disks opened at a commit, %lu refused, of %u runs\n", counts->opened,
           counts->refused, counts->runs);
    return counts->opened == 0 || counts->syncs.count == 0;
}
