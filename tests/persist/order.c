/*
 * In which order an image's writes and syncs are made, from the recorded system calls of a run: no
 * mark that says that something is durable is written before that is. The rules are those of
 * docs/image-format.md, "What is written when". To see that they are looked at at all, each kind of
 * sync is then left out of the record, which must break one. Then the same for runs in which each
 * system call in turn fails: once, with all later ones, or half-way, and what failed is tried
 * again.
 *
 *     order FILE [shared]
 */
#include "beside.h"
#include "calls.h"

#include <tarn/persist.h>

#include "persist/format.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE              4096u
#define NOTICE            8192u
#define FLAG_OPEN         2u
#define MARK_ACKNOWLEDGED 1u

enum leave_out {
    NOTHING,
    SYNCS_OF_IMAGE,
    SYNCS_OF_JOURNAL,
    SYNCS_OF_FOLDER,
    SYNCS_OF_MEMORY,
};

struct file_state {
    uint64_t inode;
    bool there;
    bool dirty;        /* written since its last sync */
    bool named;        /* its name is durable */
    bool records;      /* the journal: has had one since its making */
    bool header_dirty; /* the journal: its header was written since its last sync */
    bool sealed;       /* the journal: bears a seal */
    bool breaking;     /* its seal was broken since its last sync */
    uint64_t salt;     /* the journal: its header's */
    uint64_t table;    /* of the seal that it bears or bore: where its runs are */
};

struct follower {
    struct file_state image;
    struct file_state journal;
    bool head_dirty[2]; /* superblocks that were written since the image's last sync */
    bool memory_synced; /* and nothing was said since */
    bool removed;       /* the journal, and the folder not synced since */
    bool again;         /* a record was begun over the table of the seal that is being broken */
    bool bound;         /* the image's mark names a journal */
    bool mark_dirty;    /* written since the image's last sync */
    enum leave_out without;
    const char *broken;
};

static char journal_name[64];

static void
rule(struct follower *follower, bool holds, const char *what)
{
    if (!holds && follower->broken == NULL) {
        follower->broken = what;
    }
}

static void
written_to_image(struct follower *follower, const struct calls_event *event)
{
    struct file_state *image = &follower->image;
    if (event->kind == CALLS_WRITE && event->at == NOTICE) {
        return; /* for messages only */
    }
    struct tn_superblock head = {0};
    if (event->kind == CALLS_WRITE && event->at < NOTICE && event->size >= sizeof head) {
        memcpy(&head, event->data, sizeof head);
    }
    if (head.sum != 0) { /* without, it says that a making has begun */
        uint32_t flags = head.flags;
        unsigned copy = event->at >= PAGE;
        rule(follower, !follower->head_dirty[!copy], "a superblock before the other is durable");
        rule(follower, flags & FLAG_OPEN || !image->dirty,
             "a superblock before what it speaks for is durable");
        follower->head_dirty[copy] = true;
        if (!(flags & FLAG_OPEN) && !(flags & 1)) {
            rule(follower, follower->memory_synced, "shared mode's clean mark before its memory");
        }
    } else {
        rule(follower, !follower->journal.dirty, "the file before the journal is durable");
        rule(follower, !follower->journal.breaking,
             "the file before the breaking of the journal's seal is durable");
    }
    struct tn_mark mark;
    if (event->kind == CALLS_WRITE && event->at == TN_MARK_AT) {
        memcpy(&mark, event->data, sizeof mark);
        rule(follower, mark.journal != 0 || !follower->bound || !image->dirty,
             "a mark that names no journal before the file is durable");
        follower->bound = mark.journal != 0;
        follower->mark_dirty = true;
    } else if (event->kind == CALLS_WRITE && event->at >= TN_IMAGE_HEAD &&
               follower->journal.records) {
        rule(follower, follower->bound && !follower->mark_dirty,
             "pages to the file before the mark that names their journal is durable");
    }
    image->dirty = true;
}

/* Also: a header. A seal that says that its records are durable comes after them. */
static bool
is_record(const struct calls_event *event)
{
    uint64_t magic = 0;
    memcpy(&magic, event->data, event->size < sizeof magic ? event->size : sizeof magic);
    return event->at == 0 || magic == TN_RECORD_MAGIC;
}

/* A seal that is written, or broken, by zeros over it or by a header with another salt. */
static void
sealed(struct follower *follower, const struct calls_event *event)
{
    struct file_state *journal = &follower->journal;
    struct tn_seal seal = {0};
    bool header = event->kind == CALLS_WRITE && event->at == 0;
    bool whole =
        event->kind == CALLS_WRITE && event->at == TN_SEAL_AT && event->size >= sizeof seal;
    if (whole) {
        memcpy(&seal, event->data, sizeof seal);
    }
    if (seal.magic == TN_SEAL_MAGIC) {
        rule(follower, !seal.durable || !journal->dirty,
             "a seal that says that records are durable before they are");
        journal->sealed = true;
        journal->breaking = false;
        journal->table = seal.end;
    } else if (journal->sealed && (header || whole)) {
        journal->sealed = false;
        journal->breaking = true;
    }
}

/* Until its breaking is durable, a seal may come back: only its table, overwritten, gainsays it. */
static void
recorded(struct follower *follower, const struct calls_event *event)
{
    struct file_state *journal = &follower->journal;
    rule(follower, !journal->sealed, "a record before the seal is broken");
    rule(follower, !journal->breaking || follower->again || event->at <= journal->table,
         "a record that leaves the broken seal's table");
    follower->again = journal->breaking;
}

static void
written_to_journal(struct follower *follower, const struct calls_event *event)
{
    struct file_state *journal = &follower->journal;
    if (event->kind == CALLS_RESERVE || (event->kind == CALLS_WRITE && !is_record(event))) {
        return; /* room for records to come; a seal and its table, which tell of durable records */
    }
    if (event->kind == CALLS_WRITE && event->at == 0 && event->size <= PAGE) {
        struct tn_journal_head head = {0};
        memcpy(&head, event->data, event->size < sizeof head ? event->size : sizeof head);
        if (journal->records && head.salt == journal->salt) {
            return; /* the same once more, as after a sync that failed */
        }
        journal->salt = head.salt;
        rule(follower, !journal->records || !follower->image.dirty,
             "a new journal before the file has the old one's pages");
        if (journal->records) { /* until it is durable the old records count, and do no harm */
            journal->header_dirty = true;
            return;
        }
    } else if (event->kind == CALLS_WRITE) {
        rule(follower, !journal->header_dirty, "a record over old ones before the new header");
        recorded(follower, event);
        journal->records = true;
    }
    journal->dirty = true;
}

static void
synced(struct follower *follower, const struct calls_event *event)
{
    struct file_state *journal = &follower->journal;
    if (event->kind == CALLS_SYNC_MEMORY) {
        follower->memory_synced = follower->without != SYNCS_OF_MEMORY;
    } else if (event->kind == CALLS_SYNC_FOLDER && follower->without != SYNCS_OF_FOLDER) {
        follower->image.named = true;
        journal->named = journal->there;
        follower->removed = false;
    } else if (event->kind == CALLS_SYNC && event->file == follower->image.inode &&
               follower->without != SYNCS_OF_IMAGE) {
        follower->image.dirty = false;
        follower->head_dirty[0] = false;
        follower->head_dirty[1] = false;
        follower->mark_dirty = false;
    } else if (event->kind == CALLS_SYNC && event->file == journal->inode &&
               follower->without != SYNCS_OF_JOURNAL) {
        journal->dirty = false;
        journal->header_dirty = false;
        journal->breaking = false;
        follower->again = false;
    }
}

static void
named(struct follower *follower, const struct calls_event *event)
{
    bool journal = strcmp(event->name, journal_name) == 0;
    struct file_state *file = journal ? &follower->journal : &follower->image;
    if (event->kind == CALLS_CREATE) {
        *file = (struct file_state){.inode = event->file, .there = true};
    } else if (journal && follower->journal.there) {
        rule(follower, !follower->image.dirty || !follower->journal.records,
             "the journal's removal before the file has its pages");
        *file = (struct file_state){.there = false};
        follower->removed = true;
    }
}

static void
follow(struct follower *follower, const struct calls_event *event)
{
    switch (event->kind) {
    case CALLS_WRITE:
    case CALLS_RESIZE:
    case CALLS_PUNCH:
    case CALLS_RESERVE:
        if (event->file == follower->image.inode) {
            written_to_image(follower, event);
        } else if (event->file == follower->journal.inode) {
            sealed(follower, event);
            written_to_journal(follower, event);
        }
        break;
    case CALLS_SYNC:
    case CALLS_SYNC_FOLDER:
    case CALLS_SYNC_MEMORY:
        synced(follower, event);
        break;
    case CALLS_CREATE:
    case CALLS_REMOVE:
        named(follower, event);
        break;
    case CALLS_SYNC_FAILED: /* nothing is durable by it */
        break;
    case CALLS_MARK: /* what the caller has been told */
        rule(follower, follower->image.named, "told of an image whose name is not durable");
        rule(follower, !follower->journal.dirty, "told of a commit that is not durable");
        rule(follower, !follower->journal.breaking,
             "told of a commit before the breaking of the seal is durable");
        rule(follower, !follower->journal.records || follower->journal.named,
             "told of a commit in a journal whose name is not durable");
        rule(follower, !follower->removed || event->size == MARK_ACKNOWLEDGED,
             "told of a closing before the journal's removal is durable");
        if (event->size == MARK_ACKNOWLEDGED) {
            follower->memory_synced = false; /* work goes on */
        }
        break;
    }
}

/* ---- the run ---- */

static void
need(bool right)
{
    if (!right) {
        fprintf(stderr, "order: %s\n", tarn_error());
        exit(1);
    }
}

/* Once with the fault, if there is one, and if it fails again without. False: the heap refuses, as
 * it has to in shared mode after a sync that failed. */
static bool
try(int (*how)(tarn_heap *heap), tarn_heap *heap, unsigned flags)
{
    if (how(heap) == 0) {
        return true;
    }
    bool lost = flags & TARN_SHARED && calls_have(CALLS_SYNC_FAILED);
    calls_inject(CALLS_NONE, 0, 0);
    bool done = how(heap) == 0;
    need(done != lost && (done || strstr(tarn_error(), "a sync of it failed") != NULL));
    return done;
}

/* Whether an opening in shared mode that failed may leave the mark: when no call works any more. */
static bool may_be_unclean;

static tarn_heap *
try_to_open(const char *path, const tarn_options *options)
{
    tarn_heap *heap = tarn_open(path, options);
    if (heap != NULL) {
        calls_mark(0, MARK_ACKNOWLEDGED);
        return heap;
    }
    calls_inject(CALLS_NONE, 0, 0);
    tarn_options again = *options;
    heap = tarn_open(path, &again); /* made before, perhaps: its name is durable at its commit */
    if (heap == NULL && errno == EUCLEAN && may_be_unclean) {
        again.flags |= TARN_UNCLEAN;
        heap = tarn_open(path, &again);
    }
    need(heap != NULL);
    return heap;
}

static void
work(const char *path, unsigned flags)
{
    const tarn_options options = {
        .flags = TARN_CREATE | flags, .capacity = (size_t)8 << 20, .journal_most = 1 << 17};
    for (unsigned opening = 0; opening < 3; opening++) {
        tarn_heap *heap = try_to_open(path, &options);
        for (unsigned i = 0; i < 6; i++) {
            char *block = tarn_heap_malloc(heap, 30000);
            if (block != NULL) {
                memset(block, (int)i, 30000);
                tarn_set_root(heap, block);
            }
            if (!try(i == 3 ? tarn_checkpoint : tarn_commit, heap, flags)) {
                tarn_close_without_commit(heap);
                return;
            }
            calls_mark(i, MARK_ACKNOWLEDGED);
        }
        if (opening == 1) {
            tarn_close_without_commit(heap);
        } else {
            if (!try(tarn_close, heap, flags)) {
                tarn_close_without_commit(heap);
                return;
            }
            calls_mark(opening, 0);
        }
        if (opening == 1 && flags & TARN_SHARED) {
            break; /* it would be opened as not closed */
        }
    }
}

static const char *
first_broken(enum leave_out without)
{
    size_t count;
    const struct calls_event *events = calls_events(&count);
    struct follower follower = {.without = without};
    for (size_t i = 0; i < count; i++) {
        follow(&follower, &events[i]);
        if (follower.broken != NULL) {
            if (without == NOTHING) {
                fprintf(stderr, "event %zu of %zu: ", i, count);
            }
            break;
        }
    }
    return follower.broken;
}

static void
remove_files(const char *path)
{
    char journal[4096 + 16];
    name_journal(journal, path);
    unlink(path);
    unlink(journal);
}

/* In a process of its own; false: the order was broken. *calls: made, if none failed. */
static bool
run_with(const char *path, unsigned flags, enum calls_fault fault, unsigned long n, int error,
         unsigned long *calls)
{
    int pipes[2];
    if (pipe(pipes) != 0) {
        exit(2);
    }
    remove_files(path);
    pid_t child = fork();
    if (child == 0) {
        calls_record();
        calls_inject(fault, n, error);
        may_be_unclean = fault == CALLS_ON;
        work(path, flags);
        unsigned long made = calls_count();
        const char *broken = first_broken(NOTHING);
        if (broken != NULL) {
            fprintf(stderr, "%s, with fault %d at call %lu\n", broken, (int)fault, n);
            _exit(1);
        }
        _exit(write(pipes[1], &made, sizeof made) != sizeof made);
    }
    close(pipes[1]);
    (void)!read(pipes[0], calls, sizeof *calls);
    close(pipes[0]);
    int status;
    waitpid(child, &status, 0);
    if (WIFSIGNALED(status)) {
        fprintf(stderr, "signal %d, with fault %d at call %lu\n", WTERMSIG(status), (int)fault, n);
    }
    return status == 0;
}

static bool
every_fault(const char *path, unsigned flags)
{
    static const struct {
        enum calls_fault fault;
        int error;
    } kinds[] = {{CALLS_ONCE, EIO}, {CALLS_ON, ENOSPC}, {CALLS_SHORT, ENOSPC}};
    unsigned long last = 0;
    unsigned long calls;
    unsigned long broken = !run_with(path, flags, CALLS_ONCE, 1000000, EIO, &last);
    for (unsigned kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
        for (unsigned long n = 1; n <= last; n++) {
            broken += !run_with(path, flags, kinds[kind].fault, n, kinds[kind].error, &calls);
        }
    }
    remove_files(path);
    printf("%lu calls, each in turn failing in three ways: order broken in %lu runs\n", last,
           broken);
    return broken == 0 && last > 50;
}

int
main(int argc, char **argv)
{
    char journal[4096 + 16];
    size_t count;
    bool shared = argc > 2 && strcmp(argv[2], "shared") == 0;
    if (argc < 2) {
        fprintf(stderr, "usage: order FILE [shared]\n");
        return 2;
    }
    name_journal(journal, argv[1]);
    const char *slash = strrchr(journal, '/');
    snprintf(journal_name, sizeof journal_name, "%.60s", slash != NULL ? slash + 1 : journal);
    unsigned flags = shared ? TARN_SHARED : 0;
    bool kept = every_fault(argv[1], flags);
    remove_files(argv[1]);
    calls_record();
    work(argv[1], flags);
    remove_files(argv[1]);
    const char *broken = first_broken(NOTHING);
    if (broken != NULL) {
        fprintf(stderr, "%s\n", broken);
        return 1;
    }
    for (enum leave_out what = SYNCS_OF_IMAGE; what <= SYNCS_OF_MEMORY; what++) {
        bool used = what != (shared ? SYNCS_OF_JOURNAL : SYNCS_OF_MEMORY);
        if (used && first_broken(what) == NULL) {
            fprintf(stderr, "nothing breaks without syncs of kind %d\n", (int)what);
            return 1;
        }
    }
    calls_events(&count);
    printf("%zu writes, syncs and changes of names in their order\n", count);
    return !kept;
}
