/* Every invariant of the map, the descriptors, the free lists and the lists of slabs. Nothing read
 * is used as an index or an address before it has been found to be inside what is checked. */
#include "persist/check.h"

#include "base/bits.h"
#include "heap/remote.h"
#include "heap/slab_list.h"

#include <string.h>

#define DEEPEST    256 /* a treap of 2^32 runs is never so deep */
#define TOLD_EVERY 64u /* slices */

struct view {
    struct tn_checker *checker;
    const char *memory;
    size_t usable;
    uint64_t base; /* the address memory has in pointers */
    uint64_t first;
    const struct tn_map *map;
    const struct tn_slab *slabs;
    uint64_t generation;
    uint64_t used;
    uint64_t dirty;                /* slices in such runs */
    uint64_t runs[2];              /* dirty and clean ones */
    uint64_t listable[TN_CLASSES]; /* slabs that should be on the class's list */
    uint64_t slab_count;
};

static void
say(struct view *view, const char *what, const void *at)
{
    tn_check_say(view->checker, what, view->first + (uint64_t)((const char *)at - view->memory));
}

/* The descriptor that a pointer in the image means; NULL when it means none. */
static const struct tn_slab *
descriptor(const struct view *view, const void *pointer)
{
    uint64_t offset = (uint64_t)(uintptr_t)pointer - view->base - TN_SPACE_HEAD;
    if (offset % sizeof(struct tn_slab) != 0 ||
        offset / sizeof(struct tn_slab) >= view->map->frontier) {
        return NULL;
    }
    return &view->slabs[offset / sizeof(struct tn_slab)];
}

static bool
check_map(struct view *view, const struct tn_superblock *head)
{
    const struct tn_map *map = view->map;
    uint64_t slices = head->capacity >> TN_SLICE_SHIFT;
    uint64_t own = TN_SPACE_HEAD + slices * sizeof(struct tn_slab);
    if ((uintptr_t)map->base != head->base || map->size != head->capacity ||
        map->slices != slices || map->first != (own + TN_SLICE - 1) >> TN_SLICE_SHIFT) {
        say(view, "the map is not that of the superblock", map);
        return false;
    }
    if (map->frontier < map->first || map->frontier > map->committed ||
        map->committed > map->slices ||
        ((uint64_t)map->frontier << TN_SLICE_SHIFT) > view->usable) {
        say(view, "the map's frontier or committed slices cannot be right", &map->frontier);
        return false;
    }
    const struct tn_image_state *state = (const void *)(view->memory + TN_STATE_AT);
    if (state->magic != TN_STATE_MAGIC) {
        say(view, "the image's state is not there", state);
    }
    if (state->closed > 1 || state->stale_next > state->stale_end + (state->stale_end == 0) ||
        state->stale_end > map->frontier) {
        say(view, "the image's state cannot be right", &state->stale_next);
    }
    view->generation = state->generation;
    return true;
}

/* ---- blocks of a slab ---- */

struct blocks {
    uint64_t free[TN_MAP_WORDS];
    unsigned count;
};

static bool
add_block(struct blocks *blocks, unsigned i)
{
    uint64_t bit = (uint64_t)1 << i % 64;
    bool fresh = (blocks->free[i / 64] & bit) == 0;
    blocks->free[i / 64] |= bit;
    blocks->count++;
    return fresh;
}

static void
add_list(struct view *view, const struct tn_slab *slab, struct blocks *blocks, uintptr_t link,
         unsigned most)
{
    const struct tn_class *class = tn_class_of_slab(slab);
    size_t index = (size_t)(slab - view->slabs);
    uint64_t start = view->base + ((uint64_t)index << TN_SLICE_SHIFT);
    const char *memory = view->memory + (index << TN_SLICE_SHIFT);
    uintptr_t none = view->base + (uintptr_t)((const char *)&slab->key - view->memory);
    for (unsigned n = 0; link != (none ^ slab->key); n++) {
        uint64_t offset = (link ^ slab->key) - start;
        if (offset >= (uint64_t) class->capacity * class->size || offset % class->size != 0) {
            say(view, "a list of free blocks leaves its slab", slab);
            return;
        }
        if (n >= most) {
            say(view, "a list of free blocks is longer than it should be", slab);
            return;
        }
        if (!add_block(blocks, (unsigned)(offset / class->size))) {
            say(view, "a block is free twice", memory + offset);
            return;
        }
        memcpy(&link, memory + offset, sizeof link);
    }
}

static bool
add_bare(struct view *view, const struct tn_slab *slab, struct blocks *blocks)
{
    const struct tn_class *class = tn_class_of_slab(slab);
    unsigned units = class->unit_shift == 0 ? class->capacity : TN_SLICE >> class->unit_shift;
    if (units < 64 && slab->bare >> units != 0) {
        say(view, "a slab has more units than it can have", slab);
        return false;
    }
    for (uint64_t bare = slab->bare; bare != 0; bare &= bare - 1) {
        unsigned from;
        unsigned to;
        tn_slab_unit(class, tn_lowest_bit(bare), &from, &to);
        for (unsigned i = from; i < to; i++) {
            add_block(blocks, i);
        }
    }
    return true;
}

/* live: blocks in use or on the remote list. */
static void
check_owner(struct view *view, const struct tn_slab *slab, unsigned live)
{
    uint64_t word = atomic_load_explicit(&slab->remote, memory_order_relaxed);
    uintptr_t owner = tn_slab_owner(slab);
    unsigned class = slab->size_class;
    if (class >= TN_OWNED) {
        if (owner != 0 || slab->left != live) {
            say(view, "a central slab's count of live blocks is wrong", slab);
        }
        view->listable[class] += live != tn_classes[class].capacity;
        return;
    }
    if (owner != 0) {
        if (view->generation != 0 && owner >> TN_CACHE_ID_BITS > view->generation) {
            say(view, "a slab's owner has not been born yet", slab);
        }
        if (!(slab->flags & TN_CURRENT) && (unsigned)slab->floor + slab->left != live) {
            say(view, "a slab's count of live blocks is wrong", slab);
        }
        return;
    }
    if (word & TN_REMOTE_FULL) {
        /* Its remote list has blocks when they were freed by threads that could not have a cache.
         */
        if (live != tn_classes[class].capacity) {
            say(view, "a slab that is full has free blocks", slab);
        }
    } else if (tn_remote_shared(word) == 0) {
        say(view, "a slab belongs to nobody", slab);
    } else {
        view->listable[class]++;
        if (tn_remote_shared(word) != live || tn_remote_count(word) >= live) {
            say(view, "a shared slab's count of live blocks is wrong", slab);
        }
    }
}

static void
check_slab(struct view *view, const struct tn_slab *slab)
{
    const struct tn_class *class = tn_class_of_slab(slab);
    struct blocks blocks = {{0}, 0};
    if ((slab->key & 0xffff) != 0 || slab->key >> 48 != TN_LINK_TOP) {
        say(view, "a slab's key is none", slab);
        return;
    }
    if (!add_bare(view, slab, &blocks)) {
        return;
    }
    add_list(view, slab, &blocks, slab->head ^ slab->key, class->capacity);
    if (view->checker->stopped || blocks.count > class->capacity) {
        return;
    }
    unsigned live = class->capacity - blocks.count;
    uint64_t word = atomic_load_explicit(&slab->remote, memory_order_relaxed);
    uint64_t at = tn_remote_first(word);
    unsigned remote = tn_remote_count(word);
    if ((at == TN_REMOTE_END) != (remote == 0)) {
        say(view, "a slab's remote list and its count differ", slab);
    } else if (remote != 0) {
        size_t index = (size_t)(slab - view->slabs);
        uint64_t address = view->base + ((uint64_t)index << TN_SLICE_SHIFT) + at * 8;
        add_list(view, slab, &blocks, (uintptr_t)address ^ slab->key, remote);
        if (class->capacity - live + remote != blocks.count) {
            say(view, "a slab's remote list and its count differ", slab);
        }
    }
    check_owner(view, slab, live);
    view->slab_count++;
}

/* ---- slices ---- */

static bool
inner_are_right(const struct tn_slab *slab, uint64_t span)
{
    for (uint64_t i = 1; i < span; i++) {
        if (tn_kind(&slab[i]) != TN_INNER || slab[i].back != i) {
            return false;
        }
    }
    return true;
}

static void
check_large(struct view *view, const struct tn_slab *slab)
{
    size_t index = (size_t)(slab - view->slabs);
    uint64_t start = view->base + ((uint64_t)index << TN_SLICE_SHIFT);
    uint64_t size = (uint64_t)slab->span << TN_SLICE_SHIFT;
    uint64_t offset = (uintptr_t)slab->large_start - start;
    if (offset >= size || slab->large_size != size - offset) {
        say(view, "a large block is not where its slices are", slab);
    }
}

/* Whether bytes that a pointer means lie in a slice of pools' own memory. */
static bool
is_pools_own(const struct view *view, uint64_t pointer, uint64_t size)
{
    uint64_t offset = pointer - view->base;
    uint64_t slice = offset >> TN_SLICE_SHIFT;
    return offset % 8 == 0 && slice < view->map->frontier && slice >= view->map->first &&
           TN_SLICE - offset % TN_SLICE >= size && tn_kind(&view->slabs[slice]) == TN_META;
}

static void
check_pool_slab(struct view *view, const struct tn_slab *slab)
{
    if (!is_pools_own(view, tn_slab_owner(slab), sizeof(uint64_t))) {
        say(view, "a pool's slab does not lead to its pool", slab);
    }
    uint64_t words = ((uint64_t)slab->entered + 63) / 64;
    if (!is_pools_own(view, (uintptr_t)slab->bits, words * 8)) {
        say(view, "a pool's slab does not lead to its bits", slab);
        return;
    }
    uint64_t offset = (uintptr_t)slab->bits - view->base;
    const uint64_t *bits = (const void *)(view->memory + offset);
    uint64_t set = 0;
    for (uint64_t i = 0; i < words; i++) {
        set += (unsigned)__builtin_popcountll(bits[i]);
    }
    if (set != slab->unused) {
        say(view, "the count of a pool's free objects in a slab is wrong", slab);
    }
}

static void
check_run(struct view *view, const struct tn_slab *slab)
{
    const struct tn_slab *last = slab + slab->span - 1;
    if (tn_kind(last) != TN_FREE || last->back != slab->span - 1 ||
        ((last->flags ^ slab->flags) & TN_ZERO) != 0) {
        say(view, "a free run's end does not match its start", slab);
    }
    view->runs[(slab->flags & TN_ZERO) != 0]++;
    if (!(slab->flags & TN_ZERO)) {
        view->dirty += slab->span;
    }
    size_t next = (size_t)(slab - view->slabs) + slab->span;
    if (next < view->map->frontier && tn_kind(slab + slab->span) == TN_FREE &&
        ((slab[slab->span].flags ^ slab->flags) & TN_ZERO) == 0) {
        say(view, "two free runs should be one", slab);
    }
}

/* Checks what begins at a slice; returns its length, or 0 when it cannot be told. */
static uint64_t
check_slices(struct view *view, const struct tn_slab *slab, uint64_t most)
{
    enum tn_kind kind = tn_kind(slab);
    uint64_t span = slab->span;
    if (kind == TN_SLAB) {
        if (slab->size_class >= TN_CLASSES || slab->span_small != tn_class_of_slab(slab)->span) {
            say(view, "a slab's class is none", slab);
            return 0;
        }
        span = slab->span_small;
    }
    if (kind == TN_META) { /* a pool's own memory: a slice at a time */
        span = 1;
    } else if (kind != TN_SLAB && kind != TN_LARGE && kind != TN_HELD && kind != TN_FREE &&
               kind != TN_POOL) {
        say(view, "a slice belongs to nothing", slab);
        return 0;
    }
    if (span == 0 || span > most) {
        say(view, "slices go beyond the frontier", slab);
        return 0;
    }
    if (kind == TN_FREE) {
        check_run(view, slab);
        return span;
    }
    view->used += span;
    if (kind != TN_HELD && !inner_are_right(slab, span)) {
        say(view, "inner slices do not lead to their head", slab);
    }
    if (kind == TN_SLAB) {
        check_slab(view, slab);
    } else if (kind == TN_LARGE) {
        check_large(view, slab);
    } else if (kind == TN_POOL) {
        check_pool_slab(view, slab);
    }
    return span;
}

/* ---- the trees of free runs ---- */

struct walk {
    struct view *view;
    const struct tn_slab *previous;
    uint64_t left; /* runs that may still come */
    uint8_t zero;
    bool broken;
};

static void
check_tree(struct walk *walk, const struct tn_slab *pointer, unsigned depth)
{
    if (pointer == NULL || walk->broken) {
        return;
    }
    const struct tn_slab *run = descriptor(walk->view, pointer);
    if (run == NULL || depth > DEEPEST || walk->left == 0 || tn_kind(run) != TN_FREE ||
        (run->flags & TN_ZERO) != walk->zero) {
        say(walk->view, "the tree of free runs is broken", run != NULL ? run : walk->view->slabs);
        walk->broken = true;
        return;
    }
    check_tree(walk, run->prev, depth + 1);
    const struct tn_slab *before = walk->previous;
    if (!walk->broken && before != NULL &&
        (before->span > run->span || (before->span == run->span && before >= run))) {
        say(walk->view, "the tree of free runs is out of order", run);
        walk->broken = true;
    }
    walk->previous = run;
    walk->left -= walk->left > 0;
    check_tree(walk, run->next, depth + 1);
}

static void
check_trees(struct view *view)
{
    struct tn_slab *roots[2] = {view->map->dirty, view->map->clean};
    for (unsigned zero = 0; zero < 2; zero++) {
        struct walk walk = {
            .view = view, .left = view->runs[zero], .zero = zero != 0 ? TN_ZERO : 0};
        check_tree(&walk, roots[zero], 0);
        if (!walk.broken && walk.left != 0) {
            say(view, "free runs are missing in their tree", &view->map->dirty);
        }
    }
}

/* ---- lists of slabs for all ---- */

static void
check_shared(struct view *view, unsigned class)
{
    const struct tn_root *root = (const void *)view->map->root;
    const struct tn_slab *before = NULL;
    uint64_t count = 0;
    const struct tn_slab *pointer = root->shared[class];
    while (pointer != NULL) {
        const struct tn_slab *slab = descriptor(view, pointer);
        if (slab == NULL || tn_kind(slab) != TN_SLAB || slab->size_class != class ||
            tn_slab_owner(slab) != 0 || count++ > view->listable[class] ||
            (before == NULL ? slab->prev != NULL : descriptor(view, slab->prev) != before)) {
            say(view, "a list of shared slabs is broken", slab != NULL ? (const void *)slab : root);
            return;
        }
        before = slab;
        pointer = slab->next;
    }
    if (count != view->listable[class]) {
        say(view, "shared slabs are missing in their list", &root->shared[class]);
    }
}

static void
check_names(struct view *view)
{
    const struct tn_image_state *state = (const void *)(view->memory + TN_STATE_AT);
    uint64_t end = (uint64_t)view->map->frontier << TN_SLICE_SHIFT;
    uint64_t most = end / sizeof(struct tn_name);
    for (const struct tn_name *name = state->names; name != NULL; most--) {
        uint64_t offset = (uint64_t)(uintptr_t)name - view->base;
        if (offset % 8 != 0 || offset >= end || end - offset < sizeof *name || most == 0) {
            say(view, "the list of named roots leaves the image", &state->names);
            return;
        }
        const struct tn_name *entry = (const void *)(view->memory + offset);
        uint64_t room = end - offset - sizeof *entry;
        if (entry->length >= room || entry->text[entry->length] != 0) {
            say(view, "a named root's name does not end", entry);
            return;
        }
        name = entry->next;
    }
}

static void
say_of_room(void *context, const char *what, const void *at)
{
    say(context, what, at);
}

static void
check_rooms(struct view *view)
{
    const struct tn_doubtful space = {.memory = view->memory,
                                      .base = view->base,
                                      .map = view->map,
                                      .say = say_of_room,
                                      .context = view};
    if (!view->checker->stopped) {
        view->checker->no_memory = tn_heap_hooks.doubt(&space, true) != 0;
    }
}

void
tn_check_space(struct tn_checker *checker, const char *memory, size_t usable,
               const struct tn_superblock *head, uint64_t first)
{
    struct view view = {
        .checker = checker,
        .memory = memory,
        .usable = usable,
        .base = head->base,
        .first = first,
        .map = (const struct tn_map *)memory,
        .slabs = (const struct tn_slab *)(memory + TN_SPACE_HEAD),
    };
    if (usable < TN_SPACE_LEAST) {
        say(&view, "there is no space", memory);
        return;
    }
    if (!check_map(&view, head)) {
        return;
    }
    const struct tn_map *map = view.map;
    for (uint64_t i = map->first; i < map->frontier && !checker->stopped;) {
        uint64_t span = check_slices(&view, &view.slabs[i], map->frontier - i);
        if (span == 0) {
            return; /* where the next thing begins cannot be told */
        }
        i += span;
        if (i % TOLD_EVERY < span && !tn_check_goes_on(checker, i << TN_SLICE_SHIFT)) {
            return;
        }
    }
    if (view.used != map->used) {
        say(&view, "the count of used slices is wrong", &map->used);
    }
    if (view.dirty != map->dirty_slices) {
        say(&view, "the count of dirty slices is wrong", &map->dirty_slices);
    }
    check_trees(&view);
    for (unsigned class = 0; class < TN_CLASSES && !checker->stopped; class ++) {
        check_shared(&view, class);
    }
    check_names(&view);
    check_rooms(&view);
}
