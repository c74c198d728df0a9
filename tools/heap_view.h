/*
 * An image's committed state, to be looked at: mapped anywhere, so every pointer in it is
 * translated, and possibly damaged, so nothing in it is believed before it has been bounded.
 */
#ifndef TARN_HEAP_VIEW_H
#define TARN_HEAP_VIEW_H

#include "heap/slab_list.h"
#include "persist/image.h"

#include "heap_verb.h"

struct heap_view {
    struct tn_image *image;
    const char *path;
    const char *memory; /* where the space is mapped */
    uint64_t base;      /* where it belongs */
    uint64_t size;      /* bytes of it that were ever dealt out */
    uint32_t first;     /* slice */
    uint32_t frontier;  /* slice */
    const struct tn_slab *slabs;
    const struct tn_image_state *state;
    struct tn_file_facts facts;
    unsigned writer; /* the process that has it open for writing, as far as is known; 0: none */
    bool has_writer;
};

/* 0, or -1 and said by tarn_error(). */
int heap_view_open(struct heap_view *view, const char *path);
void heap_view_close(struct heap_view *view);

/* Whether another process has the file open for writing, and which. */
bool heap_writer_of(int file, unsigned *process);

/* Bytes that an image's pointer means; NULL when not all of them are in what was dealt out. */
const void *heap_at(const struct heap_view *view, uint64_t address, uint64_t size);

/* ---- what lies in it ---- */

enum heap_kind {
    HEAP_OWN,   /* the allocator's: map, table, pools' own */
    HEAP_SLAB,  /* blocks of one size */
    HEAP_LARGE, /* one block */
    HEAP_POOL,  /* objects of a pool */
    HEAP_FREE,
    HEAP_STRANGE, /* a slice that is nothing known: damaged */
};

struct heap_part {
    enum heap_kind kind;
    uint64_t at; /* offset in the space */
    uint64_t size;
    bool zero; /* FREE: reads as zero */
    /* SLAB and POOL: blocks of block_size bytes, the first lead bytes in; LARGE: one such */
    uint64_t lead;
    uint64_t block_size;
    unsigned blocks;
    unsigned live;
    uint64_t free[TN_MAP_WORDS]; /* SLAB: one bit for each block that is not live */
    const uint64_t *pool_free;   /* POOL: the same for the first pool_entered of them */
    unsigned pool_entered;
};

/* The next of what was dealt out, in the order of addresses, map and table first; *slice is 0 at
 * first. False: there is no more. */
bool heap_next_part(const struct heap_view *view, uint32_t *slice, struct heap_part *part);

/* Whether a block of a slab, a pool or a large one is live. */
bool heap_is_live(const struct heap_part *part, unsigned block);

/* Live blocks in the order of their addresses; all but view is zero at first. */
struct heap_blocks {
    const struct heap_view *view;
    uint32_t slice;
    unsigned next;
    struct heap_part part;
    uint64_t at; /* offset in the space */
    uint64_t size;
};

bool heap_next_block(struct heap_blocks *blocks);

struct heap_name {
    const char *name; /* "": the root pointer */
    uint64_t address;
    uint64_t size;
    uint64_t type;
};

/* The root pointer if it is set, then the named roots. */
bool heap_each_name(const struct heap_view *view,
                    bool (*visit)(void *context, const struct heap_name *name), void *context);

#endif
