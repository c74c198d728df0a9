#include "heap/checked_block.h"

#include "heap/alloc.h"
#include "heap/misuse.h"

#include <errno.h>
#include <string.h>

#define OWED ((size_t)16) /* alignment of every block */

bool
tn_checked_owns(const void *p)
{
    if (!tn_options.check) {
        return false;
    }
    struct tn_space *space = tn_space_of(p);
    return space != NULL ? space->heap == &tn_process_heap : tn_nothing_has(p);
}

/* A block of a slab for the user, all zero. */
static void *
dress(char *block, size_t size, size_t front)
{
    struct tn_space *space = tn_space_of(block);
    const struct tn_slab *slab = tn_slab_head_of(space, block);
    struct tn_checked_place place = tn_checked_place_of(space, slab, block);
    char *p = block + front;
    size_t room = tn_checked_room(&place, p);
    if (front == TN_CHECKED_FRONT && tn_checked_is_released(slab, p) &&
        *tn_checked_tail_in(&place) == tn_checked_tail(p, TN_CHECKED_FREED)) {
        size_t other = tn_checked_first_other((unsigned char *)p, 0, room, 0);
        if (other != room) {
            tn_die_damaged(p, room, "written to after it was freed", "malloc");
        }
    } else {
        memset(block, 0, place.size);
    }
    struct tn_checked_header *header = tn_checked_header_of(p);
    header->seal = 0;
    header->meta = size | (uint64_t)tn_log2(front) << TN_CHECKED_BACK;
    header->front[0] = header->front[1] = tn_checked_mark(p, TN_CHECKED_FRONT);
    memset(p + size, TN_CHECKED_FILLING, room - size);
    *tn_checked_tail_in(&place) = tn_checked_tail(p, TN_CHECKED_LIVE);
    tn_checked_set_seal(p, tn_checked_seal(p, header->meta));
    return p;
}

static void *
make(struct tn_cache *cache, size_t align, size_t size, size_t offset)
{
    size_t front = tn_max(align, TN_CHECKED_FRONT);
    size_t whole = size <= TN_SLAB_MAX ? size + front + 1 + TN_CHECKED_TAIL : SIZE_MAX;
    if ((offset & (align - 1)) % sizeof(uint64_t) != 0) { /* a header would be off its alignment */
        return tn_cache_aligned_at(cache, align, size, offset);
    }
    if ((offset & (align - 1)) != 0 || align > TN_CHECKED_ALIGN_MOST ||
        tn_align_up(whole, front) - 1 >= TN_SLAB_MAX) {
        return tn_checked_large(cache, size, align, offset & (align - 1));
    }
    char *block = align <= OWED ? tn_cache_malloc(cache, whole)
                                : tn_cache_aligned(cache, align, whole, false);
    return block != NULL ? dress(block, size, front) : NULL;
}

void *
tn_checked_aligned(size_t align, size_t size, size_t offset)
{
    int saved = errno;
    struct tn_cache *cache = tn_cache_of_checked_thread();
    if (cache == NULL) {
        return tn_no_memory();
    }
    void *p = size == 0 && align <= OWED && offset == 0 ? tn_nothing_take() : NULL;
    if (p == NULL) {
        p = make(cache, align, size, offset);
    }
    if (p == NULL && size <= TN_SIZE_MOST && tn_quarantine_empty("malloc")) {
        p = make(cache, align, size, offset);
    }
    if (p == NULL) {
        return tn_no_memory();
    }
    errno = saved;
    return p;
}

void *
tn_checked_malloc(size_t size)
{
    return tn_checked_aligned(OWED, size, 0);
}

void
tn_checked_check_kind(const void *p, uint64_t meta, const char *call)
{
    static const char *const makers[] = {"malloc or the like", "operator new", "operator new[]",
                                         ""};
    enum tn_checked_kind kind = TN_BY_MALLOC;
    if (strncmp(call, "operator delete", 15) == 0) {
        kind = call[15] == '[' ? TN_BY_NEW_ARRAY : TN_BY_NEW;
    }
    unsigned made = (unsigned)(meta >> TN_CHECKED_KIND) & 3;
    if (made != kind) {
        tn_die_mismatched(p, makers[made], call);
    }
}

void
tn_checked_free(void *p, const char *call)
{
    /* First of all: having a cache is noted among the thread's keys, whose table this block may be.
     */
    tn_cache_of_checked_thread();
    if (tn_nothing_has(p)) {
        tn_nothing_give(p, call);
        return;
    }
    struct tn_space *space;
    struct tn_slab *slab = tn_checked_slab(p, call, &space);
    if (tn_kind(slab) == TN_LARGE) {
        tn_checked_large_free(slab, p, call);
        return;
    }
    struct tn_checked_place place = tn_checked_live(space, slab, p, call);
    tn_checked_check_kind(p, tn_checked_header_of(p)->meta, call);
    tn_checked_set_seal(p, tn_checked_mark(p, TN_CHECKED_FREED));
    memset(p, 0, tn_checked_room(&place, p));
    *tn_checked_tail_in(&place) = tn_checked_tail(p, TN_CHECKED_FREED);
    tn_quarantine_put(p, place.size, call);
}

void
tn_checked_release(void *p, const char *call)
{
    struct tn_space *space = tn_space_of(p);
    struct tn_slab *slab = tn_slab_head_of(space, p);
    if (tn_kind(slab) == TN_LARGE) {
        tn_checked_large_release(slab);
        return;
    }
    tn_checked_look_freed(p, call);
    struct tn_checked_place place = tn_checked_place_of(space, slab, p);
    memset(place.block, 0, (size_t)((char *)p - place.block));
    tn_checked_set_seal(p, tn_checked_mark(p, slab->key));
    tn_cache_give(tn_cache_of_checked_thread(), place.block, call);
}

void
tn_checked_expect(void *p, size_t align, size_t size, const char *call)
{
    if (p == NULL || !tn_checked_owns(p)) {
        return;
    }
    size_t asked = 0;
    if (tn_nothing_has(p)) {
        tn_nothing_check(p, call);
    } else {
        struct tn_space *space;
        struct tn_slab *slab = tn_checked_slab(p, call, &space);
        if (tn_kind(slab) == TN_LARGE) {
            tn_checked_large_check(slab, p, call);
            asked = slab->large_size;
        } else {
            tn_checked_live(space, slab, p, call);
            asked = tn_checked_header_of(p)->meta & (TN_CHECKED_SIZE - 1);
        }
    }
    if (asked != size) {
        tn_die_other_size(p, asked, size, call);
    }
    if (align != 0 && ((uintptr_t)p & (align - 1)) != 0) {
        tn_die_inside(p, (const void *)tn_align_down((uintptr_t)p, align), asked, call);
    }
}

void
tn_checked_tag(void *p, enum tn_checked_kind kind)
{
    if (p != NULL && tn_checked_owns(p) && !tn_nothing_has(p)) {
        struct tn_checked_header *header = tn_checked_header_of(p);
        header->seal = 0;
        atomic_signal_fence(memory_order_seq_cst);
        header->meta |= (uint64_t)kind << TN_CHECKED_KIND;
        tn_checked_set_seal(p, tn_checked_seal(p, header->meta));
    }
}

void
tn_checked_forked(void)
{
    tn_quarantine_forked();
    tn_nothing_forked();
}
