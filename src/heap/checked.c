#include "heap/checked.h"

#include "heap/alloc.h"
#include "heap/misuse.h"
#include "heap/slab_list.h"

#include <errno.h>
#include <string.h>

#define LIVE            0x6c697665u
#define FREED           0x66726565u
#define TAIL            sizeof(uint64_t)
#define OWED            ((size_t)16) /* alignment of every block */
#define FRONT           sizeof(struct tn_checked_header)
#define FILLING         0xd7
#define SLAB_ALIGN_MOST ((size_t)4096)

static uint64_t
mark(const void *p, uint64_t what)
{
    return tn_mix((uintptr_t)p ^ tn_process_heap.root->secret ^ tn_mix(what));
}

uint64_t
tn_checked_seal(const void *p, uint64_t meta)
{
    return mark(p, meta ^ LIVE);
}

/* Its lowest byte, the first in memory, is zero. */
static uint64_t
tail_of(const void *p, uint64_t what)
{
    return mark(p, ~what) << 8;
}

/* A block of a slab, by any address in it. */
struct place {
    char *block;
    size_t size; /* of the class */
    unsigned index;
};

static struct place
place_of(struct tn_space *space, const struct tn_slab *slab, const void *p)
{
    const struct tn_class *class = tn_class_of_slab(slab);
    char *base = tn_slab_base(space, slab);
    unsigned index = tn_block_index(class, (size_t)((const char *)p - base));
    return (struct place){base + (size_t)index * class->size, class->size, index};
}

static uint64_t *
tail_in(const struct place *place)
{
    return (uint64_t *)(place->block + place->size - TAIL);
}

static size_t
room_in(const struct place *place, const void *p)
{
    return place->size - TAIL - (size_t)((const char *)p - place->block);
}

static bool
is_sealed(const void *p)
{
    const struct tn_checked_header *header = tn_checked_header_of(p);
    return __atomic_load_n(&header->seal, __ATOMIC_ACQUIRE) == tn_checked_seal(p, header->meta);
}

static bool
is_freed(const void *p)
{
    return tn_checked_header_of(p)->seal == mark(p, FREED);
}

/* It has left the quarantine, and its slab is still the same one. */
static bool
is_released(const struct tn_slab *slab, const void *p)
{
    return tn_checked_header_of(p)->seal == mark(p, slab->key);
}

/* Of a live block. */
static bool
is_front_whole(const void *p)
{
    const struct tn_checked_header *header = tn_checked_header_of(p);
    uint64_t front = mark(p, FRONT);
    return header->front[0] == front && header->front[1] == front;
}

static void
set_seal(void *p, uint64_t seal)
{
    __atomic_store_n(&tn_checked_header_of(p)->seal, seal, __ATOMIC_RELEASE);
}

/* The first byte from `from` to `to` that is not `byte`; `to` when all are. */
static size_t
first_other(const unsigned char *bytes, size_t from, size_t to, unsigned char byte)
{
    while (from < to && bytes[from] == byte) {
        from++;
    }
    return from;
}

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
    struct place place = place_of(space, slab, block);
    char *p = block + front;
    size_t room = room_in(&place, p);
    if (front == FRONT && is_released(slab, p) && *tail_in(&place) == tail_of(p, FREED)) {
        size_t other = first_other((unsigned char *)p, 0, room, 0);
        if (other != room) {
            tn_die_damaged(p, room, "written to after it was freed", "malloc");
        }
    } else {
        memset(block, 0, place.size);
    }
    struct tn_checked_header *header = tn_checked_header_of(p);
    header->seal = 0;
    header->meta = size | (uint64_t)tn_log2(front) << TN_CHECKED_BACK;
    header->front[0] = header->front[1] = mark(p, FRONT);
    memset(p + size, FILLING, room - size);
    *tail_in(&place) = tail_of(p, LIVE);
    set_seal(p, tn_checked_seal(p, header->meta));
    return p;
}

static void *
make(struct tn_cache *cache, size_t align, size_t size, size_t offset)
{
    size_t front = tn_max(align, FRONT);
    size_t whole = size <= TN_SLAB_MAX ? size + front + 1 + TAIL : SIZE_MAX;
    if ((offset & (align - 1)) % sizeof(uint64_t) != 0) { /* a header would be off its alignment */
        return tn_cache_aligned_at(cache, align, size, offset);
    }
    if ((offset & (align - 1)) != 0 || align > SLAB_ALIGN_MOST ||
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

/* Why p, in a slab, is not a live block as its owner should have left it; ends the process. */
static _Noreturn void
explain(const struct place *place, const struct tn_slab *slab, const void *p, const char *call)
{
    const char *usual = place->block + FRONT;
    size_t before = (size_t)((const char *)p - place->block);
    bool starts = before >= FRONT && tn_is_power_of_two(before);
    if (starts && (is_freed(p) || is_released(slab, p) || *tail_in(place) == tail_of(p, FREED))) {
        tn_die_already_free(p, slab, call);
    }
    if (starts && *tail_in(place) == tail_of(p, LIVE)) {
        tn_die_damaged(p, room_in(place, p), "written to before its start", call);
    }
    for (size_t front = FRONT; front <= SLAB_ALIGN_MOST && front + TAIL < place->size; front *= 2) {
        const char *start = place->block + front;
        if (start != p && is_sealed(start)) {
            tn_die_inside(p, start, tn_checked_header_of(start)->meta & (TN_CHECKED_SIZE - 1),
                          call);
        }
    }
    if (p == usual && is_sealed(p)) {
        tn_die_damaged(p, room_in(place, p), "written to past its end", call);
    }
    tn_die_not_a_block(p, call);
}

/* The live block of a slab that p is, whole; else the process ends. */
static struct place
inspect(struct tn_space *space, const struct tn_slab *slab, void *p, const char *call)
{
    struct place place = place_of(space, slab, p);
    if (place.index >= tn_class_of_slab(slab)->capacity || tn_slab_is_bare(slab, place.index)) {
        tn_die_not_a_block(p, call);
    }
    if ((uintptr_t)p % sizeof(uint64_t) != 0 || (char *)p < place.block + FRONT ||
        (char *)p + TAIL > place.block + place.size || !is_sealed(p)) {
        explain(&place, slab, p, call);
    }
    uint64_t meta = tn_checked_header_of(p)->meta;
    size_t size = meta & (TN_CHECKED_SIZE - 1);
    size_t room = room_in(&place, p);
    if (!is_front_whole(p)) {
        tn_die_damaged(p, size, "written to before its start", call);
    }
    if (*tail_in(&place) != tail_of(p, LIVE) ||
        ((meta & TN_CHECKED_ALL) == 0 && first_other(p, size, room, FILLING) != room)) {
        tn_die_damaged(p, size, "written to past its end", call);
    }
    return place;
}

static struct tn_slab *
slab_of(const void *p, const char *call, struct tn_space **space)
{
    *space = tn_space_of(p);
    struct tn_slab *slab = tn_slab_head_of(*space, p);
    return tn_kind(slab) == TN_SLAB ? slab : tn_block_head(p, call);
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
    struct tn_slab *slab = slab_of(p, call, &space);
    if (tn_kind(slab) == TN_LARGE) {
        tn_checked_large_free(slab, p, call);
        return;
    }
    struct place place = inspect(space, slab, p, call);
    tn_checked_check_kind(p, tn_checked_header_of(p)->meta, call);
    set_seal(p, mark(p, FREED));
    memset(p, 0, room_in(&place, p));
    *tail_in(&place) = tail_of(p, FREED);
    tn_quarantine_put(p, place.size, call);
}

/* A block in the quarantine is as free left it. */
static void
inspect_freed(void *p, const char *call)
{
    struct tn_space *space = tn_space_of(p);
    const struct tn_slab *slab = tn_slab_head_of(space, p);
    if (tn_kind(slab) == TN_LARGE) {
        return;
    }
    struct place place = place_of(space, slab, p);
    size_t room = room_in(&place, p);
    if (!is_freed(p) || !is_front_whole(p) || *tail_in(&place) != tail_of(p, FREED) ||
        first_other(p, 0, room, 0) != room) {
        tn_die_damaged(p, room, "written to after it was freed", call);
    }
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
    inspect_freed(p, call);
    struct place place = place_of(space, slab, p);
    memset(place.block, 0, (size_t)((char *)p - place.block));
    set_seal(p, mark(p, slab->key));
    tn_cache_give(tn_cache_of_checked_thread(), place.block, call);
}

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
    struct tn_slab *slab = slab_of(p, call, &space);
    if (tn_kind(slab) == TN_LARGE) {
        tn_checked_large_check(slab, p, call);
        return slab->large_size;
    }
    struct place place = inspect(space, slab, p, call);
    struct tn_checked_header *header = tn_checked_header_of(p);
    if ((header->meta & TN_CHECKED_ALL) == 0) {
        size_t size = header->meta & (TN_CHECKED_SIZE - 1);
        header->seal = 0;
        header->meta |= TN_CHECKED_ALL;
        memset((char *)p + size, 0, room_in(&place, p) - size);
        set_seal(p, tn_checked_seal(p, header->meta));
    }
    return room_in(&place, p);
}

size_t
tn_checked_usable(void *p, const char *call)
{
    tn_lock(&told);
    size_t room = usable(p, call);
    tn_unlock(&told);
    return room;
}

size_t
tn_checked_object(const void *p, const char *call)
{
    if (tn_nothing_has(p)) {
        return 0;
    }
    struct tn_space *space = tn_space_of(p);
    const struct tn_slab *slab = tn_slab_head_of(space, p);
    struct place place = place_of(space, slab, p);
    void *start = place.block;
    size_t room;
    if (!tn_checked_shown(space, slab, &start, &room) || p < start) {
        explain(&place, slab, p, call);
    }
    size_t before = (size_t)((const char *)p - (char *)start);
    return before < room ? room - before : 0;
}

bool
tn_checked_resize(void *p, size_t size, const char *call)
{
    if (tn_nothing_has(p)) {
        tn_nothing_check(p, call);
        return size == 0;
    }
    struct tn_space *space;
    struct tn_slab *slab = slab_of(p, call, &space);
    if (tn_kind(slab) == TN_LARGE) {
        tn_checked_large_check(slab, p, call);
        return size == slab->large_size;
    }
    struct place place = inspect(space, slab, p, call);
    size_t room = room_in(&place, p);
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
    memset((char *)p + size, FILLING, room - size);
    header->meta = (meta & ~(TN_CHECKED_ALL | (TN_CHECKED_SIZE - 1))) | size;
    set_seal(p, tn_checked_seal(p, header->meta));
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
    struct place place = place_of(space, slab, p);
    uint64_t meta = tn_checked_header_of(p)->meta;
    return meta & TN_CHECKED_ALL ? room_in(&place, p) : meta & (TN_CHECKED_SIZE - 1);
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
        struct tn_slab *slab = slab_of(p, call, &space);
        if (tn_kind(slab) == TN_LARGE) {
            tn_checked_large_check(slab, p, call);
            asked = slab->large_size;
        } else {
            inspect(space, slab, p, call);
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
        set_seal(p, tn_checked_seal(p, header->meta));
    }
}

bool
tn_checked_shown(struct tn_space *space, const struct tn_slab *slab, void **block, size_t *size)
{
    struct place place = place_of(space, slab, *block);
    for (size_t front = FRONT; front <= SLAB_ALIGN_MOST && front + TAIL < place.size; front *= 2) {
        char *p = place.block + front;
        if (is_sealed(p)) {
            *size = room_in(&place, p);
            *block = p;
            return true;
        }
    }
    return false;
}

static void
inspect_at_exit(void *p)
{
    inspect_freed(p, "exit");
}

/* A live block is as it should be. Other threads may be at work: what is sealed after the look as
 * it was before did not change. One whose header was overwritten is known by its tail. */
static void
inspect_live(struct tn_space *space, const struct tn_slab *slab, char *block)
{
    struct place place = place_of(space, slab, block);
    void *p = block;
    size_t room;
    if (!tn_checked_shown(space, slab, &p, &room)) {
        p = block + FRONT;
        uint64_t seal = tn_checked_header_of(p)->seal;
        if (*tail_in(&place) == tail_of(p, LIVE) && !is_freed(p) && !is_sealed(p) &&
            (seal != 0 || !is_front_whole(p))) {
            tn_die_damaged(p, room_in(&place, p), "written to before its start", "exit");
        }
        return;
    }
    uint64_t meta = tn_checked_header_of(p)->meta;
    size_t size = meta & (TN_CHECKED_SIZE - 1);
    bool whole = is_front_whole(p) && *tail_in(&place) == tail_of(p, LIVE) &&
                 ((meta & TN_CHECKED_ALL) != 0 || first_other(p, size, room, FILLING) == room);
    if (!whole && is_sealed(p) && tn_checked_header_of(p)->meta == meta) {
        tn_die_damaged(
            p, size, is_front_whole(p) ? "written to past its end" : "written to before its start",
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

void
tn_checked_forked(void)
{
    tn_quarantine_forked();
    tn_nothing_forked();
}
