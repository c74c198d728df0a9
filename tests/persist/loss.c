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
#include "loss.h"

#include "calls.h"
#include "disk.h"
#include "say_fault.h"
#include "town.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* What there may be. */
struct bounds {
    uint64_t least;
    uint64_t most;
    uint64_t acknowledged;
    bool refusal;
    bool settled; /* a sync of the journal succeeded after the one that failed */
};

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
    int check = tarn_check(loss_path, NULL, NULL);
    tarn_heap *heap = tarn_open(loss_path, NULL);
    if (heap == NULL) {
        if (!power_loss || !bounds->refusal || errno != EBADMSG || tarn_error()[0] == 0) {
            loss_fail("cannot be opened");
        }
        loss_counts->refused++;
        exit(0);
    }
    if (check != 0) {
        tarn_check(loss_path, say_first, NULL);
        loss_fail("it opens, and the check found damage");
    }
    uint64_t commits = loss_commits(heap);
    const char *data = tarn_root(heap);
    if (commits < least || commits > bounds->most) {
        fprintf(stderr, "at commit %llu, not from %llu to %llu\n", (unsigned long long)commits,
                (unsigned long long)least, (unsigned long long)bounds->most);
        loss_fail("not a commit that may be");
    }
    for (size_t i = 0; i < LOSS_PAGES && data != NULL; i++) {
        if (memcmp(data + i * LOSS_PAGE, &loss_stamps[commits][i], sizeof(uint32_t)) != 0) {
            loss_fail("a mixture of commits");
        }
    }
    loss_counts->opened++;
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
    bounds->refusal = bounds->refusal || (mark == CLOSING && loss_flags & TARN_PROCESS);
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
    struct replay replay = {.disk = {.path = loss_path, .events = calls_events(&count)}};
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
    snprintf(journal, sizeof journal, "%.4000s-journal", loss_path);
    unlink(loss_path);
    unlink(journal);
}

/* Without a fault: all syncs are noted. */
static void
run(const struct faults *faults, unsigned draws, uint64_t seed)
{
    remove_files();
    loss_counts->runs++;
    pid_t child = fork();
    if (child == 0) {
        calls_record();
        if (faults->two_processes) {
            loss_work_in_turn(faults);
        } else {
            loss_work(faults);
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
    for (unsigned i = 0; i < loss_counts->syncs.count; i++) {
        run(&(struct faults){.failing = loss_counts->syncs.number[i]}, draws, seed++);
    }
    loss_counts->syncs.count = 0;
    run(&(struct faults){.two_processes = true}, 0, 0);
    struct syncs ends = loss_counts->syncs;
    for (unsigned i = 0; i < ends.count; i++) {
        loss_counts->later.count = 0;
        run(&(struct faults){true, ends.number[i], 0}, draws, seed++);
        for (unsigned k = 0; k < loss_counts->later.count; k++) {
            run(&(struct faults){true, ends.number[i], loss_counts->later.number[k]}, draws,
                seed++);
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
    loss_path = argv[1];
    bool failing = strcmp(argv[2], "failing") == 0;
    loss_flags = failing && argc < 6 ? 0 : TARN_PROCESS;
    unsigned draws = (unsigned)strtoul(argv[3], NULL, 10);
    uint64_t seed = strtoull(argv[4], NULL, 10);
    loss_counts =
        mmap(NULL, sizeof *loss_counts, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (failing) {
        run_failing(draws, seed);
    } else {
        run(&(struct faults){0}, draws, seed);
    }
    remove_files();
    printf("%lu disks opened at a commit, %lu refused, of %u runs\n", loss_counts->opened,
           loss_counts->refused, loss_counts->runs);
    return loss_counts->opened == 0 || loss_counts->syncs.count == 0;
}
