#include "heap/checked_block.h"

#include "heap/alloc.h"

#include <string.h>

static struct tn_lock told = {.rank =
                                  TN_RANK_CHECKED}; /* who asks for a size may change a header */

static size_t
usable(void *p, const char *call)
{
    if (tn_nothing_has(p)) {
        tn_nothing_check(p, call);
        return 0;
    }
    struct tn_space *space;
    struct tn_slab *slab = tn_checked_slab(p, call, &space);
    if (tn_kind(slab) == TN_LARGE) {
        tn_checked_large_check(slab, p, call);
        return slab->large_size;
    }
    struct tn_checked_place place = tn_checked_live(space, slab, p, call);
    struct tn_checked_header *header = tn_checked_header_of(p);
    if ((header->meta & TN_CHECKED_ALL) == 0) {
        size_t size = header->meta & (TN_CHECKED_SIZE - 1);
        header->seal = 0;
        header->meta |= TN_CHECKED_ALL;
        memset((char *)p + size, 0, tn_checked_room(&place, p) - size);
        tn_checked_set_seal(p, tn_checked_seal(p, header->meta));
    }
    return tn_checked_room(&place, p);
}

size_t
tn_checked_usable(void *p, const char *call)
{
    tn_lock(&told);
    size_t room = usable(p, call);
    tn_unlock(&told);
    return room;
}

bool
tn_checked_resize(void *p, size_t size, const char *call)
{
    if (tn_nothing_has(p)) {
        tn_nothing_check(p, call);
        return size == 0;
    }
    struct tn_space *space;
    struct tn_slab *slab = tn_checked_slab(p, call, &space);
    if (tn_kind(slab) == TN_LARGE) {
        tn_checked_large_check(slab, p, call);
        return size == slab->large_size;
    }
    struct tn_checked_place place = tn_checked_live(space, slab, p, call);
    size_t room = tn_checked_room(&place, p);
    if (size > room) {
        return false;
    }
    struct tn_checked_header *header = tn_checked_header_of(p);
    uint64_t meta = header->meta;
    size_t had = meta & TN_CHECKED_ALL ? room : meta & (TN_CHECKED_SIZE - 1);
    header->seal = 0;
    if (size > had) {
        memset((char *)p + had, 0, size - had);
    }
    memset((char *)p + size, TN_CHECKED_FILLING, room - size);
    header->meta = (meta & ~(TN_CHECKED_ALL | (TN_CHECKED_SIZE - 1))) | size;
    tn_checked_set_seal(p, tn_checked_seal(p, header->meta));
    return true;
}

/* Bytes that a copy must have: those asked for, or all where the user was told of them. */
static size_t
bytes_of(const void *p)
{
    struct tn_space *space = tn_space_of(p);
    if (space == NULL) {
        return 0;
    }
    const struct tn_slab *slab = tn_slab_head_of(space, p);
    if (tn_kind(slab) == TN_LARGE) {
        return slab->large_size;
    }
    struct tn_checked_place place = tn_checked_place_of(space, slab, p);
    uint64_t meta = tn_checked_header_of(p)->meta;
    return meta & TN_CHECKED_ALL ? tn_checked_room(&place, p) : meta & (TN_CHECKED_SIZE - 1);
}

/* Small changes happen in place, for a text that grows by a byte at a time would take for ever;
 * what becomes less than half moves. */
void *
tn_checked_realloc(void *p, size_t size, const char *call)
{
    if (p == NULL) {
        return tn_checked_malloc(size);
    }
    bool owned = tn_checked_owns(p);
    size_t had = owned ? 0 : tn_usable(p, call);
    if (owned) {
        if (size > TN_SIZE_MOST) {
            tn_checked_usable(p, call);
            return tn_no_memory();
        }
        size_t asked = tn_nothing_has(p) ? 0 : SIZE_MAX;
        if (asked == 0) {
            tn_nothing_check(p, call);
        } else if (tn_checked_resize(p, size, call) && size >= bytes_of(p) / 2) {
            return p;
        }
        had = bytes_of(p);
    }
    void *copy = tn_checked_malloc(size);
    if (copy == NULL) {
        return NULL;
    }
    memcpy(copy, p, tn_min(had, size));
    tn_cache_free(NULL, p, call);
    return copy;
}
