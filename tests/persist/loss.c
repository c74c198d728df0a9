/*
 * Power loss where something was not synced: with durability process, whose closings leave the
 * journal and part of the file to the system; and where a sync failed, once: what it was to make
 * durable is there, lost or there in part, and a later sync does not bring it back.
 *
 * The image has pages that are stamped, so many of them apart from each other that closing writes
 * some to the file. Whatever disk a power loss leaves opens at a commit that was begun, and none
 * before the last that had to be durable; with durability process it may be refused instead.
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
#define PAGES   600u
#define COMMITS 64u

#define SYNCS_MOST 256

enum mark {
    BEGUN,
    ACKNOWLEDGED,
    DURABLE, /* by a checkpoint */
};

struct counts {
    unsigned long opened;
    unsigned long refused;
    unsigned syncs;
    unsigned long sync[SYNCS_MOST]; /* the number of the call */
};

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
begin(uint64_t next)
{
    const char *data = tarn_root(heap);
    for (size_t i = 0; data != NULL && i < PAGES; i++) {
        memcpy(&stamps[next][i], data + i * PAGE, sizeof(uint32_t));
    }
    calls_mark(next, BEGUN);
}

/* When it fails, once more; an image that says that it wants to be opened anew is. */
static void
perform(int (*how)(tarn_heap *heap))
{
    uint64_t next = commits_now() + 1;
    begin(next);
    int result = how(heap);
    if (result != 0) {
        calls_inject(CALLS_NONE, 0, 0);
        result = how(heap);
    }
    if (result != 0 && strstr(tarn_error(), "open it again") != NULL) {
        next = commits_now() + 1;
        begin(next);
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
    calls_mark(how == tarn_close ? next : commits_now(),
               how == tarn_checkpoint || !(flags & TARN_PROCESS) ? DURABLE : ACKNOWLEDGED);
}

static void
work(void)
{
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
look(uint64_t least, uint64_t most)
{
    calls_start_anew();
    int check = tarn_check(path, NULL, NULL);
    heap = tarn_open(path, NULL);
    if (heap == NULL) {
        if (!(flags & TARN_PROCESS) || errno != EBADMSG || tarn_error()[0] == 0) {
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
    if (commits < least || commits > most) {
        fprintf(stderr, "at commit %llu, not from %llu to %llu\n", (unsigned long long)commits,
                (unsigned long long)least, (unsigned long long)most);
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
try_disk(const struct disk *disk, const unsigned char *chosen, uint64_t torn, uint64_t least,
         uint64_t most)
{
    pid_t child = fork();
    if (child == 0) {
        disk_write(disk, chosen, torn);
        look(least, most);
    }
    int status;
    waitpid(child, &status, 0);
    if (status != 0) {
        fprintf(stderr, "%zu pending, torn %llu: ended with %x\n", disk->pending_count,
                (unsigned long long)torn, (unsigned)status);
        exit(1);
    }
}

/* All of what is pending, nothing, and draws: each with a likelihood of its own, for the image's
 * writes and for the journal's. */
static void
try_disks(const struct disk *disk, unsigned draws, uint64_t *seed, uint64_t least, uint64_t most)
{
    static unsigned char chosen[DISK_PENDING];
    for (unsigned draw = 0; draw < draws + 2; draw++) {
        uint64_t image = draw < 2 ? draw * 4 : town_random(seed) % 5;
        uint64_t journal = draw < 2 ? draw * 4 : town_random(seed) % 5;
        for (size_t i = 0; i < disk->pending_count; i++) {
            bool of_image = disk->events[disk->pending[i]].file == disk->image;
            chosen[i] = town_random(seed) % 4 < (of_image ? image : journal);
        }
        try_disk(disk, chosen, draw % 2 != 0 && draw > 1 ? town_random(seed) | 1 : 0, least, most);
    }
}

/* With a sync that fails, from there on: what is before others have tried. */
static void
replay(unsigned draws, uint64_t *seed, bool failing)
{
    size_t count;
    struct disk disk = {.path = path, .events = calls_events(&count)};
    uint64_t least = 0;
    uint64_t most = 0;
    bool made = false;
    for (size_t i = 0; i < count; i++) {
        const struct calls_event *event = &disk.events[i];
        bool sync = event->kind == CALLS_SYNC || event->kind == CALLS_SYNC_FOLDER;
        if (made && !failing &&
            (sync || event->kind == CALLS_SYNC_FAILED || event->kind == CALLS_MARK)) {
            try_disks(&disk, draws, seed, least, most);
        }
        if (event->kind == CALLS_MARK) {
            made = true;
            most = event->at > most ? event->at : most;
            least = event->size == DURABLE ? event->at : least;
        } else if (event->kind == CALLS_SYNC_FAILED) {
            disk_fail(&disk, event->file, seed);
            failing = false;
        } else if (sync) {
            disk_sync(&disk, event->file, event->kind == CALLS_SYNC_FOLDER);
        } else {
            disk_add(&disk, i);
        }
    }
    try_disks(&disk, draws, seed, least, most);
}

static void
remove_files(void)
{
    char journal[4096];
    snprintf(journal, sizeof journal, "%.4000s-journal", path);
    unlink(path);
    unlink(journal);
}

/* With the n-th call, a sync, failing; 0: all of them said, none tried. */
static void
run(unsigned long n, unsigned draws, uint64_t seed)
{
    remove_files();
    pid_t child = fork();
    if (child == 0) {
        size_t count;
        calls_record();
        calls_inject(CALLS_ONCE, n != 0 ? n : 1000000, EIO);
        work();
        const struct calls_event *events = calls_events(&count);
        for (size_t i = 0; i < count && n == 0; i++) {
            if (events[i].kind == CALLS_SYNC) {
                counts->sync[counts->syncs++] = events[i].at;
            }
        }
        if (draws != 0) {
            replay(draws, &seed, n != 0);
        }
        exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    if (status != 0) {
        fprintf(stderr, "with call %lu failing: ended with %x\n", n, (unsigned)status);
        exit(1);
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
    run(0, failing ? 0 : draws, seed);
    for (unsigned i = 0; i < counts->syncs && failing; i++) {
        run(counts->sync[i], draws, seed + i);
    }
    remove_files();
    printf("%lu disks opened at a commit, %lu refused, of %u runs\n", counts->opened,
           counts->refused, failing ? counts->syncs : 1);
    return counts->opened == 0 || counts->syncs == 0;
}
