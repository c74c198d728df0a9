/*
 * What lies in an image's file and in its journal, byte for byte: docs/image-format.md. All numbers
 * are the machine's own; the superblock says which way round they are.
 *
 *   file:     superblock, its copy, notice of the writer, mark   TN_IMAGE_HEAD bytes
 *             sums: one number for each page of the space  from sums_at
 *             the space, page for page                     from space_at
 *   journal:  header (one page), then records: header, index, contents of changes, pages
 */
#ifndef TN_FORMAT_H
#define TN_FORMAT_H

#include "space/space.h"

#define TN_PAGE_SHIFT 12
#define TN_PAGE       ((size_t)1 << TN_PAGE_SHIFT)

#define TN_IMAGE_MAGIC   "\x89TARN\r\n\x1a"
#define TN_JOURNAL_MAGIC "\x89TARNJ\r\n"
#define TN_RECORD_MAGIC  UINT64_C(0x64726f6365726e74)
#define TN_STATE_MAGIC   UINT64_C(0x65746174736e7254)
#define TN_BYTE_ORDER    UINT32_C(0x01020304)
#define TN_IMAGE_VERSION 3u
/* What the engine keeps in a space; another number when descriptors, classes or map change. */
#define TN_ENGINE_VERSION 2u

#define TN_IMAGE_HEAD   ((size_t)65536)
#define TN_COPY_AT      ((size_t)4096) /* of the second superblock */
#define TN_NOTICE_AT    ((size_t)8192)
#define TN_MARK_AT      ((size_t)12288)
#define TN_LAYOUT_SIZE  1024
#define TN_LOCK_WRITER  (UINT64_C(1) << 62) /* bytes locked, far beyond any data */
#define TN_LOCK_READERS (TN_LOCK_WRITER + 1)

/* Features this version knows. A file with an unknown incompatible one is not opened, with an
 * unknown read-only one not for writing. */
#define TN_KNOWN_INCOMPATIBLE UINT64_C(0)
#define TN_KNOWN_READ_ONLY    UINT64_C(0)

enum tn_image_flags {
    TN_IMAGE_SUMS = 1, /* the sums are those of the pages */
    TN_IMAGE_OPEN = 2, /* in shared mode: open for writing, or was not closed */
};

struct tn_superblock {
    char magic[8];
    uint32_t byte_order;
    uint32_t version;
    uint32_t engine;
    uint32_t page;
    uint32_t slice;
    uint32_t pointer; /* bytes */
    uint64_t compatible;
    uint64_t incompatible;
    uint64_t read_only;
    uint64_t id[2];
    uint64_t base;
    uint64_t capacity;
    uint64_t sums_at;
    uint64_t space_at;
    uint64_t serial; /* of the two copies the one with the larger counts */
    uint32_t flags;
    uint32_t reserved;
    char layout[TN_LAYOUT_SIZE];
    uint64_t sum; /* of all before */
};

_Static_assert(sizeof(struct tn_superblock) == 128 + TN_LAYOUT_SIZE, "no holes");
_Static_assert(sizeof(struct tn_superblock) <= TN_PAGE, "one page");

/* Who has the image open for writing: for messages only. */
struct tn_notice {
    uint64_t process;
};

/* Which commit the file is at: a sector, and the same again in the next, so that a write that was
 * cut short leaves one of them whole. The larger number counts, then the one without a journal. */
struct tn_mark {
    uint64_t commit;
    uint64_t journal; /* 0, or the salt of the one that the file, some of whose pages are of this
                         commit and others older, is not whole without */
    uint64_t sum;     /* of both and the image's id */
    uint64_t zero[61];
};

_Static_assert(sizeof(struct tn_mark) == 512, "a sector");

struct tn_journal_head {
    char magic[8];
    uint32_t byte_order;
    uint32_t version;
    uint64_t id[2]; /* the image's */
    uint64_t salt;  /* of the records that count */
    uint64_t first; /* commit of the first of them */
    uint64_t sum;
};

/* In the journal's first page: its records end in order, and need not be looked at. */
struct tn_seal {
    uint64_t magic;
    uint64_t salt;    /* the header's */
    uint64_t end;     /* of the last record; here the table of runs begins */
    uint64_t chain;   /* sum of the last record */
    uint64_t commit;  /* its number */
    uint64_t boot[2]; /* of the system that ran then */
    uint64_t
        durable; /* 1: all of the records are, and what is in no run is in the file as it was */
    uint64_t runs;
    uint64_t runs_sum; /* of the table */
    uint64_t sum;      /* of all before */
};

/* Pages that are newer in the journal than in the file, in order of page within their kind. */
struct tn_run {
    uint64_t page;
    uint64_t count;
    uint64_t at; /* in the journal; 0: zero */
};

#define TN_SEAL_MAGIC UINT64_C(0x64656c6165736e74)
#define TN_SEAL_AT    ((size_t)1024)

_Static_assert(sizeof(struct tn_seal) <= 512, "in one sector");

enum tn_record_flags {
    TN_RECORD_DURABLE = 1, /* all records before it were durable when it was begun */
};

/* Begins at a multiple of TN_GRAIN; its pages at a multiple of TN_PAGE, and they end it. */
struct tn_record {
    uint64_t magic;
    uint64_t salt;
    uint64_t commit; /* its number */
    uint64_t chain;  /* sum of the record before, or 0 */
    uint64_t size;   /* of the whole record */
    uint64_t index;  /* bytes of the index and of the changes' contents, which follow it */
    uint64_t pages;
    uint64_t holes;
    uint64_t changes;
    uint64_t flags;
    uint64_t index_sum; /* of the contents too */
    uint64_t sum;       /* of all before */
};

/* Pages first, then holes: runs of pages that read as zero from now on; then changes: bytes of a
 * page that are others from now on. No page is in one record twice, but for its changes. */
struct tn_entry {
    uint64_t page;
    uint64_t value; /* page: the sum of its contents; hole: pages; change: place, size << 32 */
};

#define TN_GRAIN ((size_t)64)

_Static_assert(sizeof(struct tn_record) == 96 && sizeof(struct tn_entry) == 16, "no holes");

/* Where the pages of a record lie that is at this place. */
static inline uint64_t
tn_record_data(const struct tn_record *record, uint64_t at)
{
    return at + record->size - (record->pages << TN_PAGE_SHIFT);
}

/* In the space, behind the heap's root: commits with the data. */
struct tn_image_state {
    uint64_t magic;
    uint64_t generation; /* of cache ids, when last open for writing */
    uint32_t stale_next; /* when closed properly: slices not looked at for stale owners */
    uint32_t stale_end;
    uint64_t closed; /* 1: properly */
    void *root;
    struct tn_name *names;
};

#define TN_STATE_AT (sizeof(struct tn_map) - 2048)

/* A named root: a block of the heap. */
struct tn_name {
    struct tn_name *next;
    void *object;
    uint64_t size;
    uint64_t type;
    uint64_t length;
    char text[];
};

#endif
