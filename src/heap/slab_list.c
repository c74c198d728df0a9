#include "heap/slab_list.h"

#include <string.h>

#define PAGE_SHIFT 12

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

unsigned
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
    struct tn_space *space = tn_space_of(slab);
    uint64_t made = atomic_fetch_add_explicit(&root->incarnation, 1, memory_order_relaxed);
    uint64_t nonce = (uintptr_t)slab ^ (made << 40);
    slab->size_class = (uint8_t)class;
    slab->span_small = tn_classes[class].span;
    slab->key = (uintptr_t)tn_mix(root->secret ^ nonce) & ~(uintptr_t)0xffff;
    slab->head = tn_slab_end(slab, tn_slab_base(space, slab));
    slab->left = 0;
    slab->floor = 0;
    slab->flags = zero ? TN_ZERO : 0;
    slab->next = NULL;
    slab->prev = NULL;
    slab->bare = all_units(&tn_classes[class]);
    atomic_store_explicit(&slab->remote, TN_REMOTE_END, memory_order_relaxed);
    tn_set_kind(slab, TN_SLAB);
    tn_slab_set_owner(slab, tn_owner_mark(cache, slab));
}

/* Lists the blocks of the lowest bare unit, in the order of their addresses. The unit is taken
 * off the map before its blocks are on the list: a fork in between loses them, never doubles. */
static void
carve(struct tn_space *space, struct tn_slab *slab)
{
    const struct tn_class *class = tn_class_of_slab(slab);
    unsigned unit = tn_lowest_bit(slab->bare);
    unsigned from;
    unsigned to;
    tn_slab_unit(class, unit, &from, &to);
    slab->bare &= slab->bare - 1;
    atomic_signal_fence(memory_order_seq_cst);
    char *base = tn_slab_base(space, slab);
    char *block = base + (size_t)from * class->size;
    uintptr_t first = (uintptr_t)block ^ slab->key;
    for (unsigned i = from + 1; i < to; i++) {
        char *next = block + class->size;
        *(uintptr_t *)block = (uintptr_t)next ^ slab->key;
        block = next;
    }
    *(uintptr_t *)block = slab->head;
    atomic_signal_fence(memory_order_seq_cst);
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
    char *base = tn_slab_base(space, slab);
    uintptr_t first = (uintptr_t)(base + tn_remote_first(word) * 8) ^ slab->key;
    if (tn_slab_has_free(slab)) {
        uintptr_t *block = (uintptr_t *)(first ^ slab->key);
        while ((*block & 1) == 0) {
            block = (uintptr_t *)(*block ^ slab->key);
        }
        *block = slab->head;
    }
    slab->head = first;
    return tn_remote_count(word);
}

bool
tn_slab_replenish(struct tn_space *space, struct tn_slab *slab)
{
    if (tn_slab_collect(space, slab) != 0) {
        return true;
    }
    if (slab->bare == 0) {
        return false;
    }
    carve(space, slab);
    return true;
}

/* The next block of a list, or NULL at its end or where it leaves the slab. */
static const char *
follow(const struct tn_slab *slab, const char *base, uintptr_t link)
{
    const struct tn_class *class = tn_class_of_slab(slab);
    size_t offset = (link ^ slab->key) - (uintptr_t)base;
    if (offset >= (size_t)class->capacity * class->size || offset % class->size != 0) {
        return NULL;
    }
    return base + offset;
}

static uintptr_t
read_link(const uintptr_t *word)
{
    return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static unsigned
list_length(const struct tn_slab *slab, const char *base)
{
    unsigned most = tn_class_of_slab(slab)->capacity;
    unsigned count = 0;
    const char *block = follow(slab, base, read_link(&slab->head));
    while (block != NULL && count < most) {
        count++;
        block = follow(slab, base, read_link((const uintptr_t *)block));
    }
    return count;
}

unsigned
tn_slab_live(struct tn_space *space, const struct tn_slab *slab)
{
    unsigned capacity = tn_class_of_slab(slab)->capacity;
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

bool
tn_slab_lists(struct tn_space *space, const struct tn_slab *slab, const void *p)
{
    const char *base = tn_slab_base(space, slab);
    unsigned most = tn_class_of_slab(slab)->capacity;
    const char *block = follow(slab, base, slab->head);
    for (unsigned i = 0; block != NULL && i < most; i++) {
        if (block == p) {
            return true;
        }
        block = follow(slab, base, *(const uintptr_t *)block);
    }
    return false;
}

const char *
tn_slab_check(struct tn_space *space, const struct tn_slab *slab)
{
    const struct tn_class *class = tn_class_of_slab(slab);
    const char *base = tn_slab_base(space, slab);
    unsigned capacity = class->capacity;
    unsigned count = 0;
    uintptr_t link = slab->head;
    while ((link & 1) == 0) {
        const char *block = follow(slab, base, link);
        if (block == NULL) {
            return "the free list leaves its slab";
        }
        if (++count > capacity) {
            return "the free list is a circle";
        }
        link = *(const uintptr_t *)block;
    }
    if (link != tn_slab_end(slab, base)) {
        return "the free list has a wrong end";
    }
    unsigned bare = tn_slab_bare_blocks(slab);
    if (count + bare > capacity) {
        return "more blocks are free than the slab holds";
    }
    if (!(slab->flags & TN_CURRENT) && tn_slab_owner(slab) != 0 &&
        (unsigned)slab->floor + slab->left + count + bare != capacity) {
        return "the count of live blocks is wrong";
    }
    return NULL;
}
