/*
 * Power loss: the writes and syncs of a run are recorded; then, for every point in it, what a disk
 * may hold is put together: everything synced, and of the rest nothing, all, all but one, one
 * alone, and subsets drawn at random, down to single sectors of 512 bytes. Each must open at a
 * commit that had been acknowledged at that point or was in flight.
 *
 *     power FILE DRAWS SEED
 *     power FILE all OPERATIONS BITS
 *
 * The second form goes through all sequences of so many operations or fewer on a new image (most
 * faults of this kind need no more than three), and at each sync through all subsets of what it
 * waits for, or, where those are more than 2^BITS, so many drawn at random.
 */
#include "calls.h"
#include "disk.h"
#include "oracle.h"
#include "say_fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define COMMITS 4096

static uint64_t digests[COMMITS];
static const struct calls_event *events;
static size_t event_count;

/* ---- the run ---- */

static uint64_t
commits_now(void)
{
    tarn_image_figures figures;
    tarn_image_info(heap, &figures);
    return figures.commits;
}

static void
commit(int (*how)(tarn_heap *heap))
{
    uint64_t next = commits_now() + 1;
    digests[next] = town_digest(town);
    calls_mark(next, 0); /* in flight */
    if (how(heap) != 0) {
        oracle_fail("a commit failed");
    }
    if (how != tarn_close) {
        calls_mark(commits_now(), 1); /* acknowledged */
    } else {
        calls_mark(next, 1);
    }
}

static const tarn_options recorded = {
    .flags = TARN_CREATE, .capacity = (size_t)16 << 20, .journal_most = 1 << 18};

enum operation {
    COMMIT,
    CHECKPOINT,
    REOPEN,
    ROLLBACK,
    OPERATIONS
};

static void
begin_recording(void)
{
    calls_record();
    heap = tarn_open(file, &recorded);
    if (heap == NULL) {
        oracle_fail("cannot be made");
    }
    calls_mark(0, 1);
    town = town_find(heap);
}

static void
perform(enum operation operation, unsigned changes, uint64_t *seed)
{
    for (unsigned i = 0; i < QUARTERS && town != NULL; i++) {
        town_work(heap, town, i, seed, changes);
    }
    if (operation == ROLLBACK) {
        if (tarn_rollback(heap) != 0) {
            oracle_fail("a rollback failed");
        }
        town = town_find(heap);
    } else if (operation == REOPEN) {
        commit(tarn_close);
        heap = tarn_open(file, &recorded);
        if (heap == NULL) {
            oracle_fail("cannot be opened");
        }
        town = tarn_root(heap);
    } else {
        commit(operation == CHECKPOINT ? tarn_checkpoint : tarn_commit);
    }
}

static void
end_recording(void)
{
    tarn_close_without_commit(heap);
    events = calls_events(&event_count);
}

static void
record(uint64_t seed)
{
    begin_recording();
    for (unsigned round = 0; round < 14; round++) {
        perform(round % 7 == 6 ? REOPEN : round % 5 == 4 ? CHECKPOINT : COMMIT, 8, &seed);
    }
    end_recording();
}

/* ---- the disks ---- */

static void
look(uint64_t acknowledged, uint64_t begun, bool made)
{
    calls_start_anew();
    if (!made) {
        exit(0); /* nobody was told yet that there is an image */
    }
    if (tarn_check(file, say_fault, NULL) != 0) {
        oracle_fail("the check found damage");
    }
    heap = tarn_open(file, NULL);
    if (heap == NULL) {
        oracle_fail("cannot be opened");
    }
    uint64_t digest = 0;
    uint64_t commits = commits_now();
    town = tarn_root(heap);
    const char *wrong = town != NULL ? town_check(heap, town, &digest) : NULL;
    if (wrong != NULL) {
        oracle_fail(wrong);
    }
    if (commits < acknowledged || commits > begun || digest != digests[commits]) {
        fprintf(stderr, "opened at commit %llu; acknowledged %llu, begun %llu; contents %s\n",
                (unsigned long long)commits, (unsigned long long)acknowledged,
                (unsigned long long)begun, digest == digests[commits] ? "right" : "wrong");
        oracle_fail("not the last commit");
    }
    exit(0);
}

struct cut {
    size_t at; /* events before it have happened */
    uint64_t acknowledged;
    uint64_t begun;
    bool made;
    struct disk disk;
};

/* chosen: bit by bit which pending events are there; torn: the seed of those that are so in part.
 */
static void
try_disk(const struct cut *cut, const unsigned char *chosen, uint64_t torn)
{
    pid_t child = fork(); /* its changes of the disk are its own */
    if (child == 0) {
        disk_write(&cut->disk, chosen, torn);
        look(cut->acknowledged, cut->begun, cut->made);
    }
    int status;
    waitpid(child, &status, 0);
    if (status != 0) {
        fprintf(stderr,
                "power lost after %zu of %zu events, %zu pending, torn %llu: ended with %x\n",
                cut->at, event_count, cut->disk.pending_count, (unsigned long long)torn,
                (unsigned)status);
        exit(1);
    }
}

static unsigned long
try_cut(const struct cut *cut, unsigned draws, uint64_t *seed)
{
    static unsigned char chosen[DISK_PENDING];
    unsigned long tried = 2;
    size_t n = cut->disk.pending_count;
    memset(chosen, 0, sizeof chosen);
    try_disk(cut, chosen, 0);
    memset(chosen, 1, sizeof chosen);
    try_disk(cut, chosen, 0);
    for (unsigned draw = 0; draw < draws && n > 0; draw++) {
        size_t one = town_random(seed) % n;
        unsigned kind = draw % 3;
        for (size_t i = 0; i < n; i++) {
            chosen[i] = kind == 0 ? i != one : kind == 1 ? i == one : town_random(seed) % 2 != 0;
        }
        try_disk(cut, chosen, town_random(seed) % 2 == 0 ? town_random(seed) | 1 : 0);
        tried++;
    }
    return tried;
}

/* All subsets of what is pending, or 2^bits drawn from them. */
static unsigned long
try_all(const struct cut *cut, unsigned bits, uint64_t *seed)
{
    static unsigned char chosen[DISK_PENDING];
    bool every = cut->disk.pending_count <= bits;
    unsigned long subsets = 1ul << (every ? cut->disk.pending_count : bits);
    for (unsigned long subset = 0; subset < subsets; subset++) {
        for (size_t i = 0; i < cut->disk.pending_count; i++) {
            chosen[i] = every ? subset >> i & 1 : town_random(seed) % 2;
        }
        try_disk(cut, chosen, 0);
    }
    return subsets;
}

/* Goes through the events: at each sync, and if draws is not 0 at each event, disks are tried. */
static unsigned long
replay(unsigned draws, unsigned bits, uint64_t *seed)
{
    struct cut cut = {.disk = {.path = file, .events = events}};
    unsigned long tried = 0;
    for (size_t i = 0; i < event_count; i++) {
        const struct calls_event *event = &events[i];
        cut.at = i + 1;
        if (event->kind == CALLS_MARK) {
            cut.made = true;
            *(event->size != 0 ? &cut.acknowledged : &cut.begun) = event->at;
            cut.begun = cut.begun < cut.acknowledged ? cut.acknowledged : cut.begun;
        } else if (event->kind == CALLS_SYNC || event->kind == CALLS_SYNC_FOLDER) {
            tried += draws != 0 ? try_cut(&cut, draws, seed) : try_all(&cut, bits, seed);
            disk_sync(&cut.disk, event->file, event->kind == CALLS_SYNC_FOLDER);
        } else {
            disk_add(&cut.disk, i);
            tried += draws != 0 ? try_cut(&cut, draws / 4, seed) : 0;
        }
    }
    return tried + (draws == 0 ? try_all(&cut, bits, seed) : 0);
}

/* The sequence of operations whose digits, to the base of their number, are those of code. */
static void
try_sequence(unsigned code, unsigned length, unsigned bits)
{
    uint64_t seed = code * 8 + length;
    pid_t child = fork(); /* its recording, and the disk, are its own */
    if (child == 0) {
        unsigned left = code;
        begin_recording();
        for (unsigned i = 0; i < length; i++, left /= OPERATIONS) {
            perform((enum operation)(left % OPERATIONS), 2, &seed);
        }
        end_recording();
        atomic_fetch_add(&told->commits, replay(0, bits, &seed));
        exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    if (status != 0) {
        fprintf(stderr, "sequence %u of %u operations\n", code, length);
        exit(1);
    }
}

static void
try_sequences(unsigned most, unsigned bits)
{
    uint64_t disks = 0;
    unsigned sequences = 0;
    unsigned codes = 1;
    for (unsigned length = 1; length <= most; length++) {
        codes *= OPERATIONS;
        for (unsigned code = 0; code < codes; code++, sequences++) {
            oracle_begin();
            try_sequence(code, length, bits);
            disks += atomic_load(&told->commits);
            oracle_end();
        }
    }
    printf("%llu disks, from all %u sequences of up to %u operations\n", (unsigned long long)disks,
           sequences, most);
}

int
main(int argc, char **argv)
{
    if (argc < 4 || (strcmp(argv[2], "all") == 0 && argc < 5)) {
        fprintf(stderr, "usage: power FILE DRAWS SEED | power FILE all OPERATIONS BITS\n");
        return 2;
    }
    file = argv[1];
    if (strcmp(argv[2], "all") == 0) {
        try_sequences((unsigned)strtoul(argv[3], NULL, 10), (unsigned)strtoul(argv[4], NULL, 10));
        return 0;
    }
    unsigned draws = (unsigned)strtoul(argv[2], NULL, 10);
    uint64_t seed = strtoull(argv[3], NULL, 10);
    oracle_begin();
    record(seed);
    unsigned long tried = replay(draws, 0, &seed);
    printf("%lu disks, from %zu writes, syncs and changes of names\n", tried, event_count);
    oracle_end();
    return 0;
}
