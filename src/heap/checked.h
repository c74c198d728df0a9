/*
 * Blocks of the process heap under TARN_CHECK=1: the engine's blocks with something before and
 * behind the user's bytes, all zero when they are handed out, and kept for a while when they are
 * freed. Every call of a thread comes here, for no thread has a cache on its fast path then.
 *
 * A block of at most 64 KiB in all, of a slab as any other:
 *
 *     front | meta | seal | the user's bytes | filling | tail
 *
 * meta says how many bytes were asked for. The seal, of meta and address, and the front and the
 * tail, of the address, come from the heap's secret: live, freed, or neither, which is damage. The
 * front is longer where the block is aligned to more. The filling is at
 * least one byte that is not zero, the tail's first byte is zero, so that a text that fills all of
 * malloc_usable_size ends there. What was freed is zero, and the seal says so, until the block has
 * left the quarantine: whatever is found in it then was written after the free.
 *
 * A larger block has pages without access before and behind, and lies as near to those behind as
 * its alignment lets it; once freed nothing of it can be accessed while it is in the quarantine.
 * A block of no bytes is an address without access (nothing.c).
 *
 * Blocks of other heaps and of pools are as they always are.
 */
#ifndef TN_CHECKED_H
#define TN_CHECKED_H

#include "heap/fast.h"

/* Which of C++'s forms made a block. */
enum tn_checked_kind {
    TN_BY_MALLOC,
    TN_BY_NEW,
    TN_BY_NEW_ARRAY,
};

struct tn_checked_header {
    uint64_t front[2]; /* front[0] is the block's first word, a free block's link */
    uint64_t meta;     /* TN_CHECKED_* below; zero once it has left the quarantine */
    uint64_t seal;
};

#define TN_CHECKED_SIZE ((uint64_t)1 << 48) /* below: bytes asked for */
#define TN_CHECKED_KIND 48                  /* two bits: enum tn_checked_kind */
#define TN_CHECKED_ALL  ((uint64_t)1 << 50) /* the user was told of the filling: it is his */
#define TN_CHECKED_BACK 56 /* log2 of the bytes from the block's start to the user's */

/* Whether p is for these functions: in the process heap, under TARN_CHECK. */
bool tn_checked_owns(const void *p);

/* As the functions of alloc.h without the word checked. */
void *tn_checked_malloc(size_t size);
void *tn_checked_aligned(size_t align, size_t size, size_t offset);
void *tn_checked_realloc(void *p, size_t size, const char *call);
void tn_checked_free(void *p, const char *call);
size_t tn_checked_usable(void *p, const char *call);
size_t tn_checked_object(const void *p, const char *call); /* p in a slab, or of no bytes */
bool tn_checked_resize(void *p, size_t size, const char *call);

/* What a sized free says of the block is compared with what was asked for; align 0: not said. */
void tn_checked_expect(void *p, size_t align, size_t size, const char *call);

/* free with what the caller says of the block. */
static inline void
tn_free_said(void *p, size_t align, size_t size, const char *call)
{
    if (TN_UNLIKELY(tn_options.check)) {
        tn_checked_expect(p, align, size, call);
    }
    tn_free(p, call);
}

/* Notes which form made the block; p may be NULL. */
void tn_checked_tag(void *p, enum tn_checked_kind kind);

/* The user's bytes of a slab's block, for walks; false when it is none of the user's. */
bool tn_checked_shown(struct tn_space *space, const struct tn_slab *slab, void **block,
                      size_t *size);

/* At the process's end: every block, live or in the quarantine, is as it should be, or the process
 * ends here. */
void tn_checked_inspect(void);

void tn_checked_forked(void);

/* Between these files. */
void *tn_checked_large(struct tn_cache *cache, size_t size, size_t align, size_t offset);
void tn_checked_large_free(struct tn_slab *slab, void *p, const char *call);
void tn_checked_large_check(struct tn_slab *slab, const void *p, const char *call);
void tn_checked_large_release(struct tn_slab *slab);
void tn_checked_release(void *p, const char *call); /* leaves the quarantine, inspected */
void tn_checked_check_kind(const void *p, uint64_t meta, const char *call);

static inline struct tn_checked_header *
tn_checked_header_of(const void *p)
{
    return (struct tn_checked_header *)(uintptr_t)p - 1;
}

/* quarantine.c: freed blocks in the order of their frees. */
void tn_quarantine_put(void *p, size_t size, const char *call);
bool tn_quarantine_empty(const char *call); /* false: it was */
void tn_quarantine_inspect(void (*inspect)(void *p));
void tn_quarantine_forked(void);

/* nothing.c: blocks of no bytes. */
void *tn_nothing_take(void); /* NULL: there are no more */
bool tn_nothing_has(const void *p);
void tn_nothing_check(const void *p, const char *call);
void tn_nothing_give(const void *p, const char *call);
void tn_nothing_forked(void);

#endif
