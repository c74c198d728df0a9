/* Large blocks under TARN_CHECK, between pages without access: checked.h says what and why. */
#include "heap/alloc.h"
#include "heap/checked_block.h"
#include "heap/large.h"
#include "heap/misuse.h"
#include "heap/slab_list.h"

#include <string.h>

/* Each takes up to four mappings of the 65,530 a process has. */
#define FENCED_MOST 6000
#define FILLING     0xd7

static _Atomic int fenced; /* blocks with pages without access */

/* Where in its slices the user's bytes begin, and end (a multiple of the page size). */
struct frame {
    size_t start;
    size_t end;
};

static struct frame
frame_for(size_t size, size_t align, size_t offset)
{
    size_t page = tn_os_page_size();
    size_t step = tn_max(align, 2 * sizeof(uint64_t));
    size_t odd = -offset & (step - 1); /* what the start is beyond a multiple of the step */
    size_t least = tn_align_up(page + sizeof(struct tn_checked_header), step) + odd;
    struct frame frame = {.end = tn_align_up(least + size, page)};
    frame.start = tn_align_down(frame.end - size - odd, step) + odd;
    return frame;
}

void *
tn_checked_large(struct tn_cache *cache, size_t size, size_t align, size_t offset)
{
    size_t page = tn_os_page_size();
    if (align > TN_SIZE_MOST / 4 || size > TN_SIZE_MOST - 2 * align - 8 * page - offset % align) {
        return NULL;
    }
    struct frame frame = frame_for(size, align, offset);
    bool zero;
    char *base =
        tn_large_take(cache->heap, cache, frame.end + page, tn_max(align, TN_SLICE), 0, &zero);
    if (base == NULL) {
        return NULL;
    }
    struct tn_slab *slab = tn_slice_of(tn_space_of(base), base);
    size_t whole = (size_t)slab->span << TN_SLICE_SHIFT;
    char *p = base + frame.start;
    struct tn_checked_header *header = tn_checked_header_of(p);
    if (!zero) {
        memset(p, 0, size);
    }
    memset(p + size, FILLING, frame.end - frame.start - size);
    header->front[0] = header->front[1] = tn_checked_seal(p, page);
    header->meta = size;
    header->seal = tn_checked_seal(p, header->meta);
    slab->large_start = p;
    slab->large_size = size;
    slab->flags = TN_FENCED;
    if (atomic_fetch_add(&fenced, 1) < FENCED_MOST) {
        tn_os_forbid(base, tn_align_down((size_t)((char *)header - base), page));
        tn_os_forbid(base + frame.end, whole - frame.end);
    }
    return p;
}

void
tn_checked_large_check(struct tn_slab *slab, const void *p, const char *call)
{
    const unsigned char *bytes = p;
    if ((slab->flags & TN_FENCED) == 0) {
        return;
    }
    if (slab->flags & TN_RESTING) {
        tn_die_already_free(p, NULL, call);
    }
    const struct tn_checked_header *header = tn_checked_header_of(p);
    uint64_t front = tn_checked_seal(p, tn_os_page_size());
    if (header->seal != tn_checked_seal(p, header->meta) || header->front[0] != front ||
        header->front[1] != front) {
        tn_die_damaged(p, slab->large_size, "written to before its start", call);
    }
    size_t page = tn_os_page_size();
    size_t size = slab->large_size;
    size_t end = tn_align_up((uintptr_t)p + size, page) - (uintptr_t)p;
    for (size_t i = size; i < end; i++) {
        if (bytes[i] != FILLING) {
            tn_die_damaged(p, size, "written to past its end", call);
        }
    }
}

/* Its memory goes back to the system at once, its addresses stay. */
void
tn_checked_large_free(struct tn_slab *slab, void *p, const char *call)
{
    if ((slab->flags & TN_FENCED) == 0) {
        tn_cache_give(NULL, p, call);
        return;
    }
    tn_checked_large_check(slab, p, call);
    tn_checked_check_kind(p, tn_checked_header_of(p)->meta, call);
    char *base = tn_slab_base(tn_space_of(slab), slab);
    size_t whole = (size_t)slab->span << TN_SLICE_SHIFT;
    slab->flags |= TN_RESTING;
    tn_os_purge(base, whole);
    if (atomic_load(&fenced) <= FENCED_MOST) {
        tn_os_forbid(base, whole);
    }
    tn_quarantine_put(p, tn_min(whole, TN_MIB), call); /* addresses only */
}

void
tn_checked_large_release(struct tn_slab *slab)
{
    char *base = tn_slab_base(tn_space_of(slab), slab);
    if (!tn_os_commit(base, (size_t)slab->span << TN_SLICE_SHIFT)) {
        return; /* it stays where nobody is */
    }
    atomic_fetch_sub(&fenced, 1);
    slab->flags = 0;
    tn_large_give(NULL, slab);
}
