#include "heap/slab_list.h"

#include "heap/misuse.h"

#include <string.h>

#define PAGE_SHIFT TN_UNIT_SHIFT
#define CARVE_USED 4u /* units */

/* Keys leave the low 16 bits alone, so that a link shows where in its slice it points. */
#define KEY_MASK ((uintptr_t)0x0000ffffffff0000)
#define KEY_TOP  ((uintptr_t)TN_LINK_TOP << TN_LINK_TOP_AT)

_Noreturn void
tn_slab_damaged(const struct tn_slab *slab, const void *block)
{
    tn_die_damaged(block, tn_class_of_slab(slab)->size, "written to after it was freed", "malloc");
}

void
tn_slab_odd_head(const struct tn_slab *slab)
{
    const struct tn_class *class = tn_class_of_slab(slab);
    const char *base = tn_slab_base(tn_space_of(slab), slab);
    const char *start =
        base + (size_t)tn_block_index(class, slab->head - (uintptr_t)base) * class->size;
    if (slab->head != (uintptr_t)start) {
        tn_die_inside((const void *)slab->head, start, class->size, "malloc");
    }
}

void
tn_slab_unit(const struct tn_class *class, unsigned unit, unsigned *from, unsigned *to)
{
    if (class->unit_shift == 0) {
        *from = unit;
        *to = unit + 1;
        return;
    }
    *from = (((unsigned)unit << PAGE_SHIFT) + class->size - 1) / class->size;
    *to = (((unsigned)(unit + 1) << PAGE_SHIFT) + class->size - 1) / class->size;
    if (*to > class->capacity) {
        *to = class->capacity;
    }
}

static uint64_t
all_units(const struct tn_class *class)
{
    unsigned units = class->unit_shift == 0 ? class->capacity : TN_SLICE >> PAGE_SHIFT;
    return units == 64 ? ~(uint64_t)0 : ((uint64_t)1 << units) - 1;
}

TN_RACY unsigned
tn_slab_bare_blocks(const struct tn_slab *slab)
{
    const struct tn_class *class = tn_class_of_slab(slab);
    uint64_t bare = slab->bare;
    if (class->unit_shift == 0) {
        return (unsigned)__builtin_popcountll(bare);
    }
    unsigned blocks = 0;
    for (; bare != 0; bare &= bare - 1) {
        unsigned from;
        unsigned to;
        tn_slab_unit(class, tn_lowest_bit(bare), &from, &to);
        blocks += to - from;
    }
    return blocks;
}

void
tn_slab_init(struct tn_cache *cache, struct tn_slab *slab, unsigned class, bool zero)
{
    struct tn_root *root = cache->heap->root;
    uint64_t made = atomic_fetch_add_explicit(&root->incarnation, 1, memory_order_relaxed);
    uint64_t nonce = (uintptr_t)slab ^ (made << 40);
    slab->size_class = (uint8_t) class;
    slab->span_small = tn_classes[class].span;
    slab->key = ((uintptr_t)tn_mix(root->secret ^ nonce) & KEY_MASK) | KEY_TOP;
    slab->head = tn_slab_none(slab);
    slab->left = 0;
    slab->floor = 0;
    slab->flags = zero ? TN_ZERO : 0;
    slab->next = NULL;
    slab->prev = NULL;
    slab->bare = all_units(&tn_classes[class]);
    atomic_store_explicit(&slab->remote, TN_REMOTE_END, memory_order_relaxed);
    tn_set_kind(slab, TN_SLAB);
    tn_slab_set_owner(slab, class < TN_OWNED ? cache->id : 0);
}

/* Lists the blocks of the lowest bare unit, in the order of their addresses. The unit is taken
 * off the map before its blocks are on the list: a fork in between loses them, never doubles. */
static unsigned
carve_unit(struct tn_slab *slab, char *base)
{
    const struct tn_class *class = tn_class_of_slab(slab);
    uintptr_t key = slab->key;
    unsigned from;
    unsigned to;
    tn_slab_unit(class, tn_lowest_bit(slab->bare), &from, &to);
    slab->bare &= slab->bare - 1;
    atomic_signal_fence(memory_order_seq_cst);
    size_t size = class->size;
    char *block = base + from * size;
    char *last = base + (to - 1) * size;
    uintptr_t first = (uintptr_t)block;
    for (; block != last; block += size) {
        *(uintptr_t *)block = (uintptr_t)(block + size) ^ key;
    }
    *(uintptr_t *)block = slab->head ^ key;
    atomic_signal_fence(memory_order_seq_cst);
    slab->head = first;
    return to - from;
}

/* Fresh memory is carved a page at a time, so that what is not needed is not touched; memory that
 * was used before, a few pages. Returns how many blocks. */
static unsigned
carve(struct tn_space *space, struct tn_slab *slab)
{
    char *base = tn_slab_base(space, slab);
    unsigned most = slab->flags & TN_ZERO ? 1 : CARVE_USED;
    unsigned units = (unsigned)__builtin_popcountll(slab->bare);
    if (units > most) {
        units = most;
    }
    unsigned blocks = 0;
    while (units-- > 0) {
        blocks += carve_unit(slab, base);
    }
    return blocks;
}

/* Puts the blocks of a remote list, which has been taken with this word, on the local one. */
static void
list_remote(struct tn_space *space, struct tn_slab *slab, uint64_t word)
{
    char *base = tn_slab_base(space, slab);
    uintptr_t first = (uintptr_t)(base + tn_remote_first(word) * 8);
    if (tn_slab_has_free(slab)) {
        uintptr_t *block = (uintptr_t *)first;
        while (*block != tn_slab_end(slab)) {
            uintptr_t next = tn_slab_link(slab, *block);
            if (TN_UNLIKELY(next - (uintptr_t)base >= (size_t)slab->span_small << TN_SLICE_SHIFT)) {
                tn_slab_damaged(slab, block);
            }
            block = (uintptr_t *)next;
        }
        *block = tn_slab_link(slab, slab->head);
    }
    slab->head = first;
}

unsigned
tn_slab_collect(struct tn_space *space, struct tn_slab *slab)
{
    uint64_t word = atomic_load_explicit(&slab->remote, memory_order_relaxed);
    if (tn_remote_count(word) == 0) {
        return 0;
    }
    word = atomic_exchange_explicit(&slab->remote, TN_REMOTE_END, memory_order_acquire);
    list_remote(space, slab, word);
    return tn_remote_count(word);
}

void
tn_slab_collect_shared(struct tn_space *space, struct tn_slab *slab)
{
    uint64_t word = atomic_load_explicit(&slab->remote, memory_order_relaxed);
    uint64_t next;
    do {
        unsigned count = tn_remote_count(word);
        unsigned shared = tn_remote_shared(word);
        if (count == 0 || count == shared) { /* who freed the last one is about to give it back */
            return;
        }
        next = TN_REMOTE_END | (shared - count) * TN_REMOTE_SHARED;
    } while (!atomic_compare_exchange_weak_explicit(&slab->remote, &word, next,
                                                    memory_order_acquire, memory_order_relaxed));
    list_remote(space, slab, word);
}

unsigned
tn_slab_replenish(struct tn_space *space, struct tn_slab *slab)
{
    unsigned came = tn_slab_collect(space, slab);
    if (came == 0 && slab->bare != 0) {
        came = carve(space, slab);
    }
    return came;
}

/* The next block of a list, or NULL at its end or where it leaves the slab. */
static TN_RACY const char *
follow(const struct tn_slab *slab, const char *base, uintptr_t link)
{
    const struct tn_class *class = tn_class_of_slab(slab);
    size_t offset = tn_slab_link(slab, link) - (uintptr_t)base;
    if (offset >= (size_t) class->capacity * class->size || offset % class->size != 0) {
        return NULL;
    }
    return base + offset;
}

static TN_RACY uintptr_t
read_link(const uintptr_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static TN_RACY unsigned
list_length(const struct tn_slab *slab, const char *base)
{
    unsigned most = tn_class_of_slab(slab)->capacity;
    unsigned count = 0;
    TN_LOOK_AWAY;
    const char *block = follow(slab, base, tn_slab_link(slab, read_link(&slab->head)));
    while (block != NULL && count < most) {
        count++;
        block = follow(slab, base, read_link((const uintptr_t *)block));
    }
    return count;
}

TN_RACY unsigned
tn_slab_live(struct tn_space *space, const struct tn_slab *slab)
{
    unsigned capacity = tn_class_of_slab(slab)->capacity;
    if (slab->size_class >= TN_OWNED) {
        return slab->left;
    }
    if (tn_slab_owner(slab) == 0) {
        unsigned shared =
            tn_remote_shared(atomic_load_explicit(&slab->remote, memory_order_relaxed));
        return shared != 0 ? shared : capacity;
    }
    if (!(slab->flags & TN_CURRENT)) {
        return (unsigned)slab->floor + slab->left;
    }
    unsigned absent = tn_slab_bare_blocks(slab) + list_length(slab, tn_slab_base(space, slab));
    return absent <= capacity ? capacity - absent : 0;
}

static unsigned
map_list(const struct tn_slab *slab, const char *base, uintptr_t link, uint64_t map[TN_MAP_WORDS])
{
    const struct tn_class *class = tn_class_of_slab(slab);
    unsigned count = 0;
    const char *block = follow(slab, base, link);
    while (block != NULL && count < class->capacity) {
        unsigned i = tn_block_index(class, (size_t)(block - base));
        map[i / 64] |= (uint64_t)1 << i % 64;
        count++;
        block = follow(slab, base, *(const uintptr_t *)block);
    }
    return count;
}

unsigned
tn_slab_free_map(struct tn_space *space, const struct tn_slab *slab, bool remote,
                 uint64_t map[TN_MAP_WORDS])
{
    const struct tn_class *class = tn_class_of_slab(slab);
    char *base = tn_slab_base(space, slab);
    TN_LOOK_AWAY;
    memset(map, 0, TN_MAP_WORDS * sizeof *map);
    unsigned count = map_list(slab, base, tn_slab_link(slab, slab->head), map);
    uint64_t word = atomic_load_explicit(&slab->remote, memory_order_acquire);
    if (remote && tn_remote_first(word) != TN_REMOTE_END) {
        count += map_list(slab, base,
                          tn_slab_link(slab, (uintptr_t)(base + tn_remote_first(word) * 8)), map);
    }
    for (uint64_t bare = slab->bare; bare != 0; bare &= bare - 1) {
        unsigned from;
        unsigned to;
        tn_slab_unit(class, tn_lowest_bit(bare), &from, &to);
        count += to - from;
        for (unsigned i = from; i < to; i++) {
            map[i / 64] |= (uint64_t)1 << i % 64;
        }
    }
    return count;
}

static bool
list_has(const struct tn_slab *slab, const char *base, uintptr_t link, const void *p)
{
    unsigned most = tn_class_of_slab(slab)->capacity;
    const char *block = follow(slab, base, link);
    for (unsigned i = 0; block != NULL && i < most; i++) {
        if (block == p) {
            return true;
        }
        block = follow(slab, base, *(const uintptr_t *)block);
    }
    return false;
}

bool
tn_slab_lists(struct tn_space *space, const struct tn_slab *slab, const void *p)
{
    const char *base = tn_slab_base(space, slab);
    uint64_t first = tn_remote_first(atomic_load_explicit(&slab->remote, memory_order_acquire));
    return list_has(slab, base, tn_slab_link(slab, slab->head), p) ||
           (first != TN_REMOTE_END &&
            list_has(slab, base, tn_slab_link(slab, (uintptr_t)(base + first * 8)), p));
}

const char *
tn_slab_check(struct tn_space *space, const struct tn_slab *slab)
{
    const struct tn_class *class = tn_class_of_slab(slab);
    const char *base = tn_slab_base(space, slab);
    unsigned capacity = class->capacity;
    unsigned count = 0;
    TN_LOOK_AWAY;
    uintptr_t link = tn_slab_link(slab, slab->head);
    while (link != tn_slab_end(slab)) {
        const char *block = follow(slab, base, link);
        if (block == NULL) {
            return "the free list leaves its slab";
        }
        if (++count > capacity) {
            return "the free list is a circle";
        }
        link = *(const uintptr_t *)block;
    }
    unsigned bare = tn_slab_bare_blocks(slab);
    if (count + bare > capacity) {
        return "more blocks are free than the slab holds";
    }
    bool counted =
        slab->size_class >= TN_OWNED || (!(slab->flags & TN_CURRENT) && tn_slab_owner(slab) != 0);
    if (counted && (unsigned)slab->floor + slab->left + count + bare != capacity) {
        return "the count of live blocks is wrong";
    }
    return NULL;
}

#ifdef TARN_CHECKS
void
tn_slab_assert(const struct tn_slab *slab)
{
    struct tn_space *space = tn_space_of(slab);
    const char *broken = tn_slab_check(space, slab);
    if (broken != NULL) {
        tn_os_die("slab %p, %u-byte blocks: %s", (void *)tn_slab_base(space, slab),
                  tn_class_of_slab(slab)->size, broken);
    }
}
#endif
