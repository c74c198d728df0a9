#include "heap/checked_block.h"

#include "heap/alloc.h"
#include "heap/misuse.h"

_Noreturn void
tn_checked_explain(const struct tn_checked_place *place, const struct tn_slab *slab, const void *p,
                   const char *call)
{
    const char *usual = place->block + TN_CHECKED_FRONT;
    size_t before = (size_t)((const char *)p - place->block);
    bool starts = before >= TN_CHECKED_FRONT && tn_is_power_of_two(before);
    if (starts && (tn_checked_is_freed(p) || tn_checked_is_released(slab, p) ||
                   *tn_checked_tail_in(place) == tn_checked_tail(p, TN_CHECKED_FREED))) {
        tn_die_already_free(p, slab, call);
    }
    if (starts && *tn_checked_tail_in(place) == tn_checked_tail(p, TN_CHECKED_LIVE)) {
        tn_die_damaged(p, tn_checked_room(place, p), "written to before its start", call);
    }
    for (size_t front = TN_CHECKED_FRONT;
         front <= TN_CHECKED_ALIGN_MOST && front + TN_CHECKED_TAIL < place->size; front *= 2) {
        const char *start = place->block + front;
        if (start != p && tn_checked_is_sealed(start)) {
            tn_die_inside(p, start, tn_checked_header_of(start)->meta & (TN_CHECKED_SIZE - 1),
                          call);
        }
    }
    if (p == usual && tn_checked_is_sealed(p)) {
        tn_die_damaged(p, tn_checked_room(place, p), "written to past its end", call);
    }
    tn_die_not_a_block(p, call);
}

struct tn_checked_place
tn_checked_live(struct tn_space *space, const struct tn_slab *slab, void *p, const char *call)
{
    struct tn_checked_place place = tn_checked_place_of(space, slab, p);
    if (place.index >= tn_class_of_slab(slab)->capacity || tn_slab_is_bare(slab, place.index)) {
        tn_die_not_a_block(p, call);
    }
    if ((uintptr_t)p % sizeof(uint64_t) != 0 || (char *)p < place.block + TN_CHECKED_FRONT ||
        (char *)p + TN_CHECKED_TAIL > place.block + place.size || !tn_checked_is_sealed(p)) {
        tn_checked_explain(&place, slab, p, call);
    }
    uint64_t meta = tn_checked_header_of(p)->meta;
    size_t size = meta & (TN_CHECKED_SIZE - 1);
    size_t room = tn_checked_room(&place, p);
    if (!tn_checked_is_front_whole(p)) {
        tn_die_damaged(p, size, "written to before its start", call);
    }
    if (*tn_checked_tail_in(&place) != tn_checked_tail(p, TN_CHECKED_LIVE) ||
        ((meta & TN_CHECKED_ALL) == 0 &&
         tn_checked_first_other(p, size, room, TN_CHECKED_FILLING) != room)) {
        tn_die_damaged(p, size, "written to past its end", call);
    }
    return place;
}

struct tn_slab *
tn_checked_slab(const void *p, const char *call, struct tn_space **space)
{
    *space = tn_space_of(p);
    struct tn_slab *slab = tn_slab_head_of(*space, p);
    return tn_kind(slab) == TN_SLAB ? slab : tn_block_head(p, call);
}

void
tn_checked_look_freed(void *p, const char *call)
{
    struct tn_space *space = tn_space_of(p);
    const struct tn_slab *slab = tn_slab_head_of(space, p);
    if (tn_kind(slab) == TN_LARGE) {
        return;
    }
    struct tn_checked_place place = tn_checked_place_of(space, slab, p);
    size_t room = tn_checked_room(&place, p);
    if (!tn_checked_is_freed(p) || !tn_checked_is_front_whole(p) ||
        *tn_checked_tail_in(&place) != tn_checked_tail(p, TN_CHECKED_FREED) ||
        tn_checked_first_other(p, 0, room, 0) != room) {
        tn_die_damaged(p, room, "written to after it was freed", call);
    }
}

bool
tn_checked_shown(struct tn_space *space, const struct tn_slab *slab, void **block, size_t *size)
{
    struct tn_checked_place place = tn_checked_place_of(space, slab, *block);
    for (size_t front = TN_CHECKED_FRONT;
         front <= TN_CHECKED_ALIGN_MOST && front + TN_CHECKED_TAIL < place.size; front *= 2) {
        char *p = place.block + front;
        if (tn_checked_is_sealed(p)) {
            *size = tn_checked_room(&place, p);
            *block = p;
            return true;
        }
    }
    return false;
}

size_t
tn_checked_object(const void *p, const char *call)
{
    if (tn_nothing_has(p)) {
        return 0;
    }
    struct tn_space *space = tn_space_of(p);
    const struct tn_slab *slab = tn_slab_head_of(space, p);
    struct tn_checked_place place = tn_checked_place_of(space, slab, p);
    void *start = place.block;
    size_t room;
    if (!tn_checked_shown(space, slab, &start, &room) || p < start) {
        tn_checked_explain(&place, slab, p, call);
    }
    size_t before = (size_t)((const char *)p - (char *)start);
    return before < room ? room - before : 0;
}

static void
inspect_at_exit(void *p)
{
    tn_checked_look_freed(p, "exit");
}

/* A live block is as it should be. Other threads may be at work: what is sealed after the look as
 * it was before did not change. One whose header was overwritten is known by its tail. */
static void
inspect_live(struct tn_space *space, const struct tn_slab *slab, char *block)
{
    struct tn_checked_place place = tn_checked_place_of(space, slab, block);
    void *p = block;
    size_t room;
    if (!tn_checked_shown(space, slab, &p, &room)) {
        p = block + TN_CHECKED_FRONT;
        uint64_t seal = tn_checked_header_of(p)->seal;
        if (*tn_checked_tail_in(&place) == tn_checked_tail(p, TN_CHECKED_LIVE) &&
            !tn_checked_is_freed(p) && !tn_checked_is_sealed(p) &&
            (seal != 0 || !tn_checked_is_front_whole(p))) {
            tn_die_damaged(p, tn_checked_room(&place, p), "written to before its start", "exit");
        }
        return;
    }
    uint64_t meta = tn_checked_header_of(p)->meta;
    size_t size = meta & (TN_CHECKED_SIZE - 1);
    bool whole = tn_checked_is_front_whole(p) &&
                 *tn_checked_tail_in(&place) == tn_checked_tail(p, TN_CHECKED_LIVE) &&
                 ((meta & TN_CHECKED_ALL) != 0 ||
                  tn_checked_first_other(p, size, room, TN_CHECKED_FILLING) == room);
    if (!whole && tn_checked_is_sealed(p) && tn_checked_header_of(p)->meta == meta) {
        tn_die_damaged(p, size,
                       tn_checked_is_front_whole(p) ? "written to past its end"
                                                    : "written to before its start",
                       "exit");
    }
}

void
tn_checked_inspect(void)
{
    if (!tn_options.check || tn_process_heap.root == NULL) {
        return;
    }
    tn_quarantine_inspect(inspect_at_exit);
    /* Another thread may forbid a large block while it is looked at. */
    bool alone = atomic_load(&tn_process_heap.cache_count) <= 1;
    uint32_t count = atomic_load(&tn_process_heap.space_count);
    for (uint32_t s = 0; s < count; s++) {
        struct tn_space *space = tn_process_heap.spaces[s];
        for (uint32_t i = space->map->first; i < space->map->frontier; i++) {
            struct tn_slab *slab = &space->slabs[i];
            enum tn_kind kind = tn_kind(slab);
            if (kind == TN_LARGE && alone && (slab->flags & TN_RESTING) == 0) {
                tn_checked_large_check(slab, slab->large_start, "exit");
            }
            for (unsigned b = 0; kind == TN_SLAB && b < tn_class_of_slab(slab)->capacity; b++) {
                if (!tn_slab_is_bare(slab, b)) {
                    size_t size = tn_class_of_slab(slab)->size;
                    inspect_live(space, slab, tn_slab_base(space, slab) + b * size);
                }
            }
        }
    }
}
