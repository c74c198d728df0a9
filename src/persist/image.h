/*
 * An image that is open: all that is volatile about it.
 *
 * Where the truth is, in atomic mode: a page's committed state is in the newest complete record of
 * the journal that has it, else in the file; its present state is in memory. Four sets of pages
 * keep account: changed and emptied since the last commit, and, in the journal but not in the file
 * yet, logged and hollow. Of the logged pages, those patched are in no single place of the journal.
 */
#ifndef TN_IMAGE_H
#define TN_IMAGE_H

#include "base/bits.h"
#include "heap/heap.h"
#include "os/dirty.h"
#include "os/fault_trace.h"
#include "os/file.h"
#include "persist/format.h"
#include "persist/page_set.h"

#include "tarn/persist.h"

#include <string.h>

#pragma GCC visibility push(hidden)

struct tn_journal {
    int file;       /* -1: there is none yet */
    bool in_folder; /* its being there is durable */
    bool durable;   /* all its records are */
    bool doubtful;  /* a sync failed: what is behind kept may be lost, whatever a later one says */
    uint64_t kept;  /* up to here all is durable, as far as is known */
    uint64_t salt;
    uint64_t first;      /* commit of its first record */
    uint64_t end;        /* where the next record goes */
    uint64_t chain;      /* sum of the last record */
    uint64_t size;       /* of the file: what is behind the end is room for records to come */
    uint64_t written;    /* up to here its blocks have been written to, as far as is known */
    bool loose;          /* of a seal's pages that are in no run, the file's may not be durable */
    bool sealed;         /* must be broken before anything is appended */
    struct tn_run *run;  /* of the seal that was there when opened, mapped; NULL: none */
    size_t runs;         /* of these */
    uint64_t sealed_end; /* the records behind it are not in the runs */
    void *record;        /* memory for the header and index of one */
    size_t room;         /* bytes of it */
};

#define TN_RECENT 4u

#define TN_HOT_MOST     16u
#define TN_CHANGES_MOST 64u

/* Pages that commit after commit finds changed: hot.c. */
struct tn_hot {
    unsigned count;
    size_t page[TN_HOT_MOST];
    unsigned idle[TN_HOT_MOST]; /* commits since it was changed last */
    char *shadow;               /* what they were at the last commit; NULL: no memory yet */
    size_t last[TN_HOT_MOST];   /* pages that the last commit found */
    unsigned lasts;
    unsigned changes; /* for the commit that is being made */
    size_t bytes;     /* of these */
    struct tn_change {
        size_t page;
        uint32_t at;
        uint32_t size;
    } change[TN_CHANGES_MOST];
};

struct tn_image {
    struct tn_heap heap;
    struct tn_space space;
    struct tn_lock lock;      /* one commit, rollback, ... at a time; guards all below */
    const char *path;         /* as the caller calls it */
    const char *journal_path; /* by the file's real name */
    unsigned flags;           /* enum tarn_open_flags */
    bool child;               /* this process is a fork's child of the one that opened it */
    int file;                 /* bears the locks */
    int to_map; /* the same, opened once more: a mapping keeps its opening, with its locks, as long
                   as there is a child that has it; -1: not to be had, the first one is mapped */
    int guard;  /* while a fork is being made, the child's opening; -1: none. fork_guard.c's lock */
    unsigned forks;        /* that are being made */
    struct tn_image *next; /* of those that fork_guard.c knows */
    struct tn_superblock head;
    struct tn_image_state *state; /* in the image */
    uint64_t journal_most;
    uint64_t commit;  /* number of the last one */
    uint64_t redone;  /* commits taken up when opened */
    bool dropped;     /* an incomplete one was left out then */
    bool closed;      /* it had been closed properly */
    bool watching;    /* tn_dirty_watch was called */
    bool torn;        /* a rollback failed half-way: memory is nobody's state */
    bool unsure;      /* a sync of the file failed, and no checkpoint was completed since; in shared
                         mode for good */
    bool said_closed; /* shared: its superblock may say that it is closed, and it is not */
    void *kept;       /* until it succeeds: what tn_heap_hooks.before gave */
    size_t mapped;    /* bytes of the space that are mapped from the file; beyond: zero memory */
    size_t usable;    /* bytes of the space that are mapped at all */
    size_t pieces;    /* of the mapped part that were replaced by zero memory */
    size_t file_end;  /* bytes of the space that the file has */
    size_t tail;      /* from here on the journal has it that nothing is there; 0: no */
    size_t next_tail; /* the same once the commit that is being made is done */
    struct tn_dirty dirty;
    struct tn_trace trace; /* of page faults of a thread that commits */
    unsigned untold;       /* looks everywhere that it did not spare, since it was begun */
    struct tn_journal journal;
    struct tn_lock emptied_lock; /* guards emptied against purges by several threads */
    struct tn_page_set changed;
    struct tn_page_set emptied;
    struct tn_page_set armed;    /* watched, and reported since they were mapped */
    struct tn_page_set doubtful; /* reported for the first time; empty between commits */
    struct tn_page_set told;     /* where page faults were, as far as known; empty likewise */
    bool settled;                /* everything was looked at, at this number of faults: */
    uint64_t faults;
    size_t recent[TN_RECENT]; /* parts of the space where changes were found last; 0: none */
    size_t refilled; /* up to here what the system has in memory was mapped ahead of its use */
    struct tn_hot hot;
    struct tn_page_set logged;
    struct tn_page_set hollow;
    struct tn_page_set patched;
    uint32_t *where; /* for each logged page, the page of the journal that is it, unless patched */
    char names[];    /* path and journal_path */
};

extern const struct tn_backing tn_image_backing;

/* error.c: says what failed in this thread's text; the format takes path, then the rest, as tn_text
 * does. The errno's own words follow when explain. Sets errno; returns -1. */
int tn_fail(int code, bool explain, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* The image a heap is; NULL with errno EINVAL when it is none. */
struct tn_image *tn_image_of(struct tn_heap *heap);

/* The same, ready for a change of its file; NULL with errno when this process may not. */
struct tn_image *tn_image_to_write(struct tn_heap *heap, const char *what);

/* image.c */
struct tn_image *tn_image_new(const char *path, const char *name, unsigned flags);
void tn_image_free(struct tn_image *image);

/* image_file.c: a regular file, opened without waiting for anybody. -1 said. */
struct tn_opened {
    int file;
    bool made; /* it was not there before */
    struct tn_file_facts facts;
};
int tn_open_regular(const char *path, unsigned how, unsigned mode, struct tn_opened *opened);
/* With nothing but its file and its names; opened is that, or NULL. */
struct tn_image *tn_image_open(const char *path, unsigned flags, unsigned how, unsigned mode,
                               struct tn_opened *opened);

/* blank.c: whether a file that begins with zeros has nothing but zeros, or else what a making that
 * was not finished leaves. */
int tn_blank_find(const struct tn_image *image, bool *blank);
/* The file is empty, but for the mark of a making: nothing else is written before. An errno. */
int tn_blank_begin(const struct tn_image *image);
/* A making came to nothing: no file, if it made it, else one that is as long as it was. */
void tn_blank_restore(const struct tn_image *image, const struct tn_opened *opened, bool begun);

/* take_up.c: maps the committed state and looks whether a heap can be in it. */
int tn_image_take_up(struct tn_image *image);
/* Whether the file is as long as it has to be, as far as is known by now. */
int tn_image_check_size(struct tn_image *image);
/* doubt.c: whether what other rooms keep in it can be put right; also in take_up. */
int tn_image_doubt(const struct tn_image *image);

/* open.c: a new generation of caches. */
void tn_image_begin_generation(struct tn_image *image);
/* A reader keeps the writer from changing the file under it. */
int tn_image_lock_to_read(struct tn_image *image);

/* fork_guard.c: forks are heard of for an image from add to remove. What the child has in place of
 * the opening of the one that forked, with a reader's lock; -1: it could not be had. */
void tn_guard_add(struct tn_image *image);
void tn_guard_remove(struct tn_image *image);
int tn_guard_in_child(struct tn_image *image);

/* look.c: the committed state, to look at and not to use: mapped read-only wherever there is room,
 * without heap or state. NULL, and said, when it cannot be told what was committed. What is there
 * may still be damaged. Ended by tn_image_free. */
struct tn_image *tn_image_look(const char *path);
/* Its last step: the superblock has been read and the journal's records found. */
int tn_map_anywhere(struct tn_image *image);

/* superblock.c */
int tn_superblock_make(struct tn_image *image, const tarn_options *options, size_t capacity);
int tn_superblock_write(struct tn_image *image);
int tn_superblock_read(const char *path, int file, struct tn_superblock *head);
bool tn_superblock_is_whole_twice(int file);
/* -1 said: it is damaged. */
int tn_mark_read(const struct tn_image *image, struct tn_mark *mark);
bool tn_mark_is_whole(const struct tn_superblock *head, const struct tn_mark *mark);
/* The file is whole without a journal. */
int tn_mark_write(const struct tn_superblock *head, int file, uint64_t commit);
/* It is not so from now on, durably: before pages of the last commit go to it. */
int tn_mark_bind(struct tn_image *image);

/* place.c: reserves the image's addresses; where says a new one may choose them. */
int tn_place_reserve(struct tn_image *image);
int tn_place_choose(struct tn_image *image, void *wanted);

/* mapping.c: maps the committed state, journal included, as it is now; over an older one too. */
int tn_map_committed(struct tn_image *image);
/* Has memory that was mapped just now watched, as the rest is; if that cannot be, all will be
 * watched anew at the next commit. Behind the tn_image's emptied_lock or the image's. */
void tn_map_watch(struct tn_image *image, void *start, size_t size);
/* Makes memory behind the mapped part usable. */
bool tn_map_grow(struct tn_image *image, const char *start, size_t size);
/* The file has become shorter: zero memory takes the place of what is gone. */
int tn_map_shorten(struct tn_image *image, size_t end);
/* Maps the file's pages over those of the journal, which the file has too now. */
int tn_map_off_journal(struct tn_image *image);
/* Maps the file's pages over changed ones, which the file has. */
int tn_map_anew(struct tn_image *image);
/* Maps this many bytes more of what the system has in memory of the file, once after each mapping
 * of the whole. */
void tn_map_refill(struct tn_image *image, size_t size);

/* durable.c: what must be durable before more is done. Of the journal all, and what was written
 * behind its end. An errno. */
int tn_journal_sync(struct tn_image *image, uint64_t more);
int tn_image_sync_file(struct tn_image *image);
int tn_image_sync_memory(struct tn_image *image); /* shared mode's */

/* journal.c */
int tn_journal_append(struct tn_image *image);
int tn_journal_write_head(const struct tn_image *image, uint64_t salt, uint64_t first);
void tn_journal_release(struct tn_image *image); /* its memory, and closes it */
int tn_journal_restart(struct tn_image *image);
/* Finds the journal's complete records; thorough: a seal's word does not count. 0; -1 said: it
 * cannot be told what was committed. */
int tn_journal_find(struct tn_image *image, bool thorough);
/* Whether all records up to its end can still be read as they were written; EIO. */
int tn_journal_reread(struct tn_image *image);
/* Goes through the complete records' entries in order, from the record at from. */
struct tn_replay {
    int (*page)(void *context, uint64_t page, uint64_t sum, uint64_t at);
    int (*hole)(void *context, uint64_t page, uint64_t count);
    int (*change)(void *context, uint64_t page, size_t at, const void *data, size_t size);
};
int tn_journal_replay(struct tn_image *image, uint64_t from, const struct tn_replay *replay,
                      void *context);

/* journal_file.c */
int tn_journal_make(struct tn_image *image);
int tn_journal_remove(struct tn_image *image);
/* Makes way for a new image's journal: one of an image that was there before goes, any other file
 * is in the way. ENAMETOOLONG when there can be none of this name. */
int tn_journal_clear(const char *path);
/* Whether nothing lies where a new image of this name would have its journal, and one can be
 * there; EEXIST, ENAMETOOLONG. */
int tn_journal_absent(const char *path);
/* Whether a file with no more than this, or beginning with this, may be a journal. */
bool tn_journal_may_begin(const struct tn_journal_head *head, size_t size);

/* seal.c: at closing; where there can be no seal there is none. */
void tn_seal_make(struct tn_image *image);
int tn_seal_break(struct tn_image *image);
/* Whether the journal, of this size, has a seal to be believed. */
bool tn_seal_read(struct tn_image *image, uint64_t size, struct tn_seal *seal);
/* Takes it up; not *used: its table is damaged. */
int tn_seal_use(struct tn_image *image, const struct tn_seal *seal, bool *used);
void tn_seal_forget(struct tn_image *image);

/* checkpoint.c: the file gets what the journal has, from memory, which is at the last commit; and
 * gives the memory of these pages back, if it shall, by mapping the file's in their place. */
int tn_checkpoint(struct tn_image *image, bool give_back);
/* Writes the pages of a set and sums from memory to the file, and makes holes of others. */
int tn_write_pages(struct tn_image *image, const struct tn_page_set *pages,
                   const struct tn_page_set *holes);
uint64_t tn_file_size_needed(const struct tn_image *image);

/* hot.c: with nothing changed when it is called but what was found so far. Pages that are hot are
 * not protected, so forgetting them needs that everything is looked at next time. */
void tn_hot_forget(struct tn_image *image);
/* Those that were mapped anew are none any more; a look for changes will find them. */
void tn_hot_review(struct tn_image *image);
bool tn_hot_has(const struct tn_image *image, size_t page);
/* What was protected by a look for changes is so no longer. */
void tn_hot_open(struct tn_image *image);
/* Notes what changed in hot pages, in parts, or whole as the changed pages; finds new ones. */
void tn_hot_compare(struct tn_image *image);
/* What a commit writes of a page. */
char *tn_hot_contents(const struct tn_image *image, size_t page);
void tn_hot_release(struct tn_image *image);

/* changed.c: fills the set of changed pages. For sure: everything is looked at, whatever the number
 * of page faults says. 0 or an errno. */
int tn_changed_find(struct tn_image *image, bool for_sure);

/* commit.c: both with the image's lock held. */
int tn_commit(struct tn_image *image, bool for_sure);
uint64_t tn_journal_most(const struct tn_image *image); /* bytes; then comes a checkpoint */
int tn_commit_shared(struct tn_image *image, bool closing);

/* With the heap's and the space's locks held, and those of the rooms that keep things in it, no
 * thread's end and no slow path interferes. */
void tn_image_hold(struct tn_image *image);
void tn_image_let(struct tn_image *image);
/* The two parts of it, the rooms' first: their hooks take the heap's locks themselves. */
void tn_image_hold_rooms(bool held);
void tn_image_hold_heap(struct tn_image *image, bool held);

static inline bool
tn_is_zero(const void *data, size_t size)
{
    const char *bytes = data;
    return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

/* Whether pages that an earlier session left in the file, and that only the journal's records have
 * besides, may be lost. */
static inline bool
tn_image_has_lost(const struct tn_image *image)
{
    return image->unsure && image->journal.loose;
}

/* The same in shared mode, where it holds for whatever was written since the last commit. */
static inline bool
tn_image_is_doubted(const struct tn_image *image)
{
    return image->unsure && image->flags & TARN_SHARED;
}

static inline int
tn_file_to_map(const struct tn_image *image)
{
    return image->to_map >= 0 ? image->to_map : image->file;
}

static inline size_t
tn_where_size(const struct tn_image *image)
{
    return (size_t)tn_align_up(image->head.capacity / TN_PAGE * sizeof(uint32_t), TN_SLICE);
}

static inline size_t
tn_page_of(const struct tn_image *image, const void *p)
{
    return (size_t)((const char *)p - image->space.base) >> TN_PAGE_SHIFT;
}

static inline char *
tn_page_start(const struct tn_image *image, size_t page)
{
    return image->space.base + (page << TN_PAGE_SHIFT);
}

#pragma GCC visibility pop

#endif
