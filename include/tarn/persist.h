/*
 * tarn/persist.h: heaps that live in a file.
 *
 * An image is a heap (tarn/heap.h) whose memory is a file. It is mapped at the same address in
 * every process, so plain pointers inside it stay good from run to run. tarn_commit makes the
 * present state, the user's data and the allocator's alike, the one that the file opens with; what
 * was not committed is gone after a crash, what was is there, all of it, whenever the crash came.
 *
 *     tarn_heap *heap = tarn_open("words.tarn", &(tarn_options){.flags = TARN_CREATE});
 *     struct index *index = tarn_root(heap);
 *     if (index == NULL) {
 *         index = tarn_heap_zalloc(heap, sizeof *index);
 *         tarn_set_root(heap, index);
 *     }
 *     ...
 *     tarn_commit(heap);
 *     tarn_close(heap);
 *
 * What holds of all functions here unless one says otherwise:
 *  - they return 0 or a pointer on success; -1 or NULL on failure, with errno and a sentence that
 *    names the file, what is wrong and what to do, by tarn_error();
 *  - a failure leaves the file at its last commit, or, when it was a commit that failed, perhaps at
 *    that one, whole; and the heap in memory as it was;
 *  - a heap that is no image: EINVAL;
 *  - any thread may call them, but not at the same time as another closes the same heap;
 *  - not in a signal handler;
 *  - none is a cancellation point: a thread cancelled meanwhile ends after the call.
 *
 * The rule of commits: while tarn_commit, tarn_rollback, tarn_checkpoint, tarn_snapshot,
 * tarn_check_heap or tarn_close run, no thread is inside an allocation function of this heap or
 * changes data in it. Who has several threads brings them to a halt first, with a lock, a barrier
 * or at the end of a batch. Threads may end and other heaps may be used.
 *
 * fork: the child has a copy of the heap in memory, which it may use and change; its commits fail
 * with EPERM, and the parent's file is untouched by it. Until it ends, calls exec or closes the
 * heap (tarn_close_without_commit) the child is a reader of the file: checkpoints wait, and the
 * journal grows. (Where /proc is missing or no file can be opened it is none, and pages that
 * neither has changed since may come to be those of the parent's later commits.) In shared mode
 * pages that neither has changed since still follow the parent's.
 */
#ifndef TARN_PERSIST_H
#define TARN_PERSIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tarn/heap.h>
#include <tarn/offset.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#    pragma GCC visibility push(default)
#endif

enum tarn_open_flags {
    TARN_CREATE = 1,    /* tarn_open: make the file if there is none, or nothing but zeros in it */
    TARN_READ_ONLY = 2, /* the committed state; other processes may write meanwhile. Nothing of it
                           can be changed: allocations fail with ENOMEM, tarn_heap_trim returns 0,
                           freeing a block and tarn_set_root end the process with one line, a store
                           ends it with SIGSEGV */
    TARN_SHARED = 4,    /* shared mode: see below */
    TARN_UNCLEAN = 8,   /* open in spite of: not closed in shared mode */
    TARN_PROCESS = 16, /* commits survive the process, not the system, without a sync. After a power
                          loss it opens at an earlier commit, or is refused (EBADMSG) */
    TARN_PAGE_MAP = 32, /* find changed pages by the page map even where watching can be had */
    TARN_VERIFY = 64,   /* check the whole image first; fail with EBADMSG when it is damaged */
    TARN_RESERVE = 128, /* with TARN_SHARED: see below */
};

/*
 * Atomic mode, the default: changes are in memory until tarn_commit, which writes the changed pages
 * to FILE-journal in one piece. The journal's pages go to the file now and then, and at tarn_close
 * when they are few; otherwise the journal stays beside the closed file, and opening uses its pages
 * where they are. A file and its journal belong together: copy or move both, or call
 * tarn_checkpoint before tarn_close, which then removes the journal. A file that is not whole
 * without its journal says so when it is opened: EBADMSG. When the disk is full, commits fail and
 * the heap goes on in memory; but on a file system in memory (tmpfs: /dev/shm, often /tmp) that is
 * full, the first access to a page that the file has no block for, reading included, ends the
 * process (SIGBUS): the system takes the block then.
 *
 * Shared mode: changes go to the file by themselves; for data larger than memory. The file is
 * consistent after tarn_close; tarn_commit syncs, but a crash between two commits leaves a file
 * that says so and is opened only with TARN_UNCLEAN. So does one of which a sync failed: what that
 * was to write may be lost though later ones succeed, so tarn_commit and tarn_close fail from then
 * on (EIO), and a snapshot, which has what memory has, says that it was not closed either. When the
 * disk is full, a store to a page that the file has given back ends the process (SIGBUS); with
 * TARN_RESERVE the disk's space for the whole capacity is taken when the file is made or opened,
 * else ENOSPC, and none is given back.
 */
typedef struct tarn_options {
    unsigned flags;      /* enum tarn_open_flags */
    unsigned mode;       /* permissions of a new file; 0: 0666, less the umask */
    size_t capacity;     /* of a new file: bytes of address space, what it can grow to; 0: 64 GiB */
    void *base;          /* of a new file: its address, a multiple of 2 MiB; NULL: chosen */
    const char *layout;  /* of a new file: what is in it, up to 1023 bytes; of an old one: what must
                            have been said, else EINVAL; NULL: nothing */
    size_t journal_most; /* bytes of journal from which pages go to the file; 0: 64 MiB or twice
                            what is in use, whichever is more */
} tarn_options;

/* Makes a new image; EEXIST when there is a file, unless it is empty or nothing but zeros. When it
 * fails it leaves no file that was not there. ENAMETOOLONG: there must be room for -journal.
 * options may be NULL. Cost: a few syncs. */
tarn_heap *tarn_create(const char *path, const tarn_options *options);

/*
 * Opens an image. If its last writer crashed, complete commits of the journal are taken up and an
 * incomplete one is dropped: tarn_image_info says which. Cost: does not depend on the size of the
 * image, nor on that of the journal when it was closed; after a crash on that of the journal.
 * errno:
 *   ENOENT, EACCES, ...  the file cannot be opened
 *   EBUSY                another process (tarn_error names it) has it open for writing
 *   EADDRINUSE           its address is taken (tarn_error says by what)
 *   EINVAL               no image; another layout, version, byte order or page size
 *   EMLINK               it has several names (hard links), a journal would go with but one
 *   EBADMSG              it is damaged or truncated
 *   EUCLEAN              in shared mode: was not closed
 *   EROFS                nothing can be written there, or unknown features forbid it
 */
tarn_heap *tarn_open(const char *path, const tarn_options *options);

/* Commits and closes. When the commit fails: -1, and the heap stays open. Everything of the heap's
 * is gone from memory afterwards. Cost: as a commit; if the journal then has no more than 1 MiB of
 * pages and an eighth of journal_most, writing them to the file, else, with many pieces of less
 * than 256 KiB in it, writing those after a small sync. */
int tarn_close(tarn_heap *heap);

/* Closes; what was not committed is lost; in shared mode the file then says that it was not closed.
 * So does tarn_heap_destroy, for an image. NULL does nothing. */
void tarn_close_without_commit(tarn_heap *heap);

/* Makes the present state the one that the file opens with. With nothing changed, nothing is
 * written. errno: EPERM in a fork's child, EROFS when open for reading, ENOSPC, EIO, ...; after an
 * error it may be tried again, but not after a failed sync in shared mode. Cost: looking for
 * changed pages (next to nothing if the process had no page fault since the last commit, little if
 * it had few and they were near the last ones, else up to 0.3 ms per GiB in memory), then writing
 * them one after the other and one sync. A page that every commit changes is not looked for but
 * compared, and what differs in it is written. Where changed pages are found by the page map a
 * checkpoint follows each commit. */
int tarn_commit(tarn_heap *heap);

/* Takes back what was changed since the last commit: pointers to blocks allocated since are void,
 * blocks freed since are live again. In a heap open for reading: moves on to the newest commit.
 * Shared mode: ENOTSUP. After an error the heap may only be rolled back again or closed without a
 * commit. Cost: as opening, and the changed pages are read again when used. */
int tarn_rollback(tarn_heap *heap);

/* Commits, then writes the journal's pages to the file and, where changed pages are found by
 * watching, frees their memory; they come from the file again when used. Commits need no call of
 * it. errno: as tarn_commit; EBUSY: readers are there, try later. In shared mode it does nothing.
 * Cost: writes each page of the journal, and four syncs. */
int tarn_checkpoint(tarn_heap *heap);

/* Writes the last committed state, in shared mode the present one, to a new file, an image of its
 * own with the same address and permissions. EEXIST when there is a file of that name, or of the
 * name its journal would have; EPERM in a fork's child. Shares blocks with the old one where the
 * file system can. Cost: else a copy of the file, and syncs. */
int tarn_snapshot(tarn_heap *heap, const char *path);

/* How far long work is: done of total bytes. Called some times in a second, on the caller's thread;
 * false stops the work, which then fails with ECANCELED and leaves nothing behind. */
typedef bool (*tarn_progress)(void *context, uint64_t done, uint64_t total);

/* tarn_snapshot for a caller who wants to be told how far it is, or to stop it. */
int tarn_snapshot_told(tarn_heap *heap, const char *path, tarn_progress progress, void *context);

/* What was wrong with the calling thread's last call that failed; never NULL. */
const char *tarn_error(void);

/* ---- roots: where a program finds its data again ---- */

/* The root pointer, NULL until it is set. It is committed with the data. tarn_set_root in a heap
 * that is open for reading ends the process. Constant time. */
void *tarn_root(tarn_heap *heap);
void tarn_set_root(tarn_heap *heap, void *p);

/* Named roots. size and type are the program's own words about the object: a mismatch is EINVAL, 0
 * matches all. NULL with ENOENT: no such name. Cost, of the next too: a step for each name. */
void *tarn_named_root(tarn_heap *heap, const char *name, size_t size, uint64_t type);
/* Sets, replaces or, with NULL, removes a name. EINVAL: it is empty; EROFS when open for reading;
 * ENOMEM. */
int tarn_set_named_root(tarn_heap *heap, const char *name, void *p, size_t size, uint64_t type);
/* Calls visit for all names until it returns false. visit may set or remove the name that it was
 * given, no other; name is good until it does. No other thread sets or removes one meanwhile. */
void tarn_each_root(tarn_heap *heap,
                    bool (*visit)(void *context, const char *name, void *p, size_t size,
                                  uint64_t type),
                    void *context);

/* ---- what there is to know ---- */

typedef struct tarn_image_figures {
    void *base;
    size_t capacity;         /* bytes that the image can grow to */
    size_t used;             /* bytes of slices in use */
    size_t resident;         /* bytes in memory */
    uint64_t file_size;      /* of the file, holes included */
    uint64_t file_space;     /* on disk */
    uint64_t journal_size;   /* bytes of records that are not in the file yet */
    uint64_t commits;        /* number of the last commit */
    uint64_t commits_redone; /* taken up from the journal when it was opened */
    bool commit_dropped;     /* an incomplete one was dropped then */
    bool closed_properly;    /* whether it had been, before this opening */
    bool read_only;
    bool shared;
    bool watching; /* changed pages are found by watching, not by the page map */
} tarn_image_figures;

/* 0; -1 with EINVAL when the heap is no image. Cost of resident: grows with what is in memory. */
int tarn_image_info(tarn_heap *heap, tarn_image_figures *figures);

/*
 * Checks a closed image, or the committed state of an open one: superblocks, journal, the sum of
 * every page, and every invariant of the allocator. Each broken one is reported with its place, an
 * offset in the file, until report returns false. Returns how many were reported, -1 when the file
 * cannot be read. report may be NULL. Changes nothing. Cost: reads all of the file.
 */
int tarn_check(const char *path, bool (*report)(void *context, const char *what, uint64_t offset),
               void *context);

/* tarn_check for a caller who wants to be told how far it is, or to stop it: -1, ECANCELED. report
 * and progress may be NULL. */
int tarn_check_told(const char *path,
                    bool (*report)(void *context, const char *what, uint64_t offset),
                    tarn_progress progress, void *context);

/* tarn_check for a heap that is open, as it is in memory; offsets are from its base. Cost: grows
 * with the heap. */
int tarn_check_heap(tarn_heap *heap,
                    bool (*report)(void *context, const char *what, uint64_t offset),
                    void *context);

#if defined(__GNUC__)
#    pragma GCC visibility pop
#endif

#ifdef __cplusplus
}
#endif

#endif
