#include "space/space.h"

#include "base/bits.h"
#include "base/inspector.h"
#include "os/option.h"
#include "os/os.h"
#include "space/run_tree.h"

#include <string.h>

#define COMMIT_STEP     16u /* slices: memory becomes usable in steps of at least 1 MiB */
#define DIRTY_LEAST     64u /* slices: up to 4 MiB of free slices stay as they are */
#define DIRTY_SHARE     16u /* and beyond that a sixteenth of what is in use */
#define REGRETTED       4u  /* times so many, when purging more is regretted */
#define REGRETTED_SHARE 8u  /* and beyond that this part */
#define SLICE_PAGES     (TN_SLICE / PURGE_UNIT)
#define TABLE_LEAST     256u /* slices: the descriptors of a shorter run are a few pages at most */
#define PURGE_UNIT      ((size_t)4096)

_Static_assert(sizeof(struct tn_map) <= TN_SPACE_HEAD - sizeof(struct tn_space) - 64,
               "the head holds the map, the root and the space of an anonymous heap");

static struct tn_slab **
tree_of(struct tn_map *map, const struct tn_slab *run)
{
    return run->flags & TN_ZERO ? &map->clean : &map->dirty;
}

/* Makes descriptors 0 .. count - 1 usable. */
static bool
commit_table(struct tn_space *space, size_t from, size_t count)
{
    uintptr_t start = (uintptr_t)(space->slabs + from);
    uintptr_t end = tn_align_up((uintptr_t)(space->slabs + count), PURGE_UNIT);
    start = tn_align_down(start, PURGE_UNIT);
    return start >= end || space->backing->commit(space, (char *)start, end - start);
}

void
tn_space_attach(struct tn_space *space, char *base, const struct tn_backing *backing, void *context)
{
    space->map = (struct tn_map *)base;
    space->base = base;
    space->size = space->map->size;
    space->slabs = (struct tn_slab *)(base + TN_SPACE_HEAD);
    space->backing = backing;
    space->context = context;
    space->lock.rank = TN_RANK_SPACE;
}

bool
tn_space_init(struct tn_space *space, char *base, size_t size, const struct tn_backing *backing,
              void *context)
{
    size_t slices = size >> TN_SLICE_SHIFT;
    if (size < TN_SPACE_LEAST || slices > UINT32_MAX) {
        return false;
    }
    struct tn_map *map = (struct tn_map *)base;
    size_t own = TN_SPACE_HEAD + slices * sizeof(struct tn_slab);
    map->base = base;
    map->size = slices << TN_SLICE_SHIFT;
    map->slices = (uint32_t)slices;
    map->first = (uint32_t)((own + TN_SLICE - 1) >> TN_SLICE_SHIFT);
    map->frontier = map->first;
    map->committed = map->first;
    tn_space_attach(space, base, backing, context);
    if (map->first >= map->slices) {
        return false;
    }
    char *table = base + TN_SPACE_HEAD;
    size_t shown = tn_align_down(own - TN_SPACE_HEAD, PURGE_UNIT);
    if (backing->show != NULL && !backing->show(space, table, shown)) {
        return false;
    }
    /* Only the first descriptor of the map's own slices is ever asked for: the others are zero,
     * TN_NONE, and so is a pointer into them to any who asks. */
    if (!commit_table(space, 0, 1)) {
        return false;
    }
    tn_set_kind(&space->slabs[0], TN_META);
    return true;
}

/* Moves the frontier up by span slices; false when the space or the memory is at its end. */
static bool
push_frontier(struct tn_space *space, size_t span)
{
    struct tn_map *map = space->map;
    if (span > map->slices - map->frontier) {
        return false;
    }
    size_t end = map->frontier + span;
    if (end > map->committed) {
        size_t step = tn_max(COMMIT_STEP, (map->committed - map->first) / 8);
        size_t target = tn_max(end, map->committed + step);
        if (tn_options.huge_pages == TN_ON) {
            target = tn_align_up(target, TN_SPACE_ALIGN >> TN_SLICE_SHIFT);
        }
        target = tn_min(map->slices, target);
        bool done = false;
        for (;;) {
            char *start = space->base + ((size_t)map->committed << TN_SLICE_SHIFT);
            done =
                commit_table(space, map->committed, target) &&
                space->backing->commit(space, start, (target - map->committed) << TN_SLICE_SHIFT);
            if (done || target == end) {
                break;
            }
            target = end; /* not in one step: just what is needed */
        }
        if (!done) {
            return false;
        }
        map->committed = (uint32_t)target;
    }
    map->frontier = (uint32_t)end;
    return true;
}

static void
link_run(struct tn_space *space, size_t index, size_t span, bool zero)
{
    struct tn_slab *head = &space->slabs[index];
    struct tn_slab *last = &space->slabs[index + span - 1];
    head->span = (uint32_t)span;
    head->flags = zero ? TN_ZERO : 0;
    last->flags = head->flags;
    last->back = (uint32_t)(span - 1);
    tn_set_kind(head, TN_FREE);
    tn_set_kind(last, TN_FREE);
    tn_run_tree_add(tree_of(space->map, head), head);
    if (!zero) {
        space->map->dirty_slices += (uint32_t)span;
    }
}

static void
unlink_run(struct tn_space *space, struct tn_slab *head)
{
    tn_run_tree_remove(tree_of(space->map, head), head);
    if (!(head->flags & TN_ZERO)) {
        space->map->dirty_slices -= head->span;
    }
    tn_set_kind(&head[head->span - 1], TN_INNER);
    tn_set_kind(head, TN_NONE);
}

/* A run joins its neighbours of the same state. */
static void
free_run(struct tn_space *space, size_t index, size_t span, bool zero)
{
    struct tn_map *map = space->map;
    uint8_t flags = zero ? TN_ZERO : 0;
    if (index + span < map->frontier) {
        struct tn_slab *right = &space->slabs[index + span];
        if (tn_kind(right) == TN_FREE && right->flags == flags) {
            span += right->span;
            unlink_run(space, right);
            tn_set_kind(right, TN_INNER);
        }
    }
    if (index > map->first) {
        struct tn_slab *last = &space->slabs[index - 1];
        if (tn_kind(last) == TN_FREE && last->flags == flags) {
            struct tn_slab *head = last - last->back;
            index -= head->span;
            span += head->span;
            unlink_run(space, head);
        }
    }
    link_run(space, index, span, zero);
}

/* Slices of a free run before the first one whose address is a multiple of align. */
static size_t
slices_to_aligned(const struct tn_space *space, size_t index, size_t align)
{
    uintptr_t address = (uintptr_t)space->base + (index << TN_SLICE_SHIFT);
    return (tn_align_up(address, align) - address) >> TN_SLICE_SHIFT;
}

static void
mark_inner(struct tn_slab *head, size_t from, size_t span)
{
    for (size_t i = from; i < span; i++) {
        tn_set_kind(&head[i], TN_INNER);
        head[i].flags = 0;
        head[i].back = (uint32_t)i;
    }
}

/* A run that holds span aligned slices: best fit among those with contents (they are warm), then
 * among the clean ones, then new. Its head is unlinked and TN_NONE. NULL at the end of memory. */
static struct tn_slab *
take_run(struct tn_space *space, size_t span, size_t align, size_t *got)
{
    struct tn_map *map = space->map;
    size_t slack = (align >> TN_SLICE_SHIFT) - 1;
    if (span + slack > UINT32_MAX) {
        return NULL;
    }
    struct tn_slab *run = tn_run_tree_fit(map->dirty, (uint32_t)(span + slack));
    if (run == NULL) {
        run = tn_run_tree_fit(map->clean, (uint32_t)(span + slack));
        if (run != NULL) {
            tn_regret_add(&map->regret, span * SLICE_PAGES);
        }
    }
    if (run != NULL) {
        *got = run->span;
        unlink_run(space, run);
        return run;
    }
    size_t lead = slices_to_aligned(space, map->frontier, align);
    run = &space->slabs[map->frontier];
    if (!push_frontier(space, lead + span)) {
        return NULL;
    }
    run->flags = space->backing->zero ? TN_ZERO : 0;
    *got = lead + span;
    return run;
}

struct tn_slab *
tn_space_take(struct tn_space *space, size_t span, size_t align, bool *zero)
{
    struct tn_map *map = space->map;
    size_t got;
    tn_lock(&space->lock);
    struct tn_slab *run = take_run(space, span, align, &got);
    if (run == NULL) {
        tn_unlock(&space->lock);
        return NULL;
    }
    *zero = (run->flags & TN_ZERO) != 0;
    size_t index = tn_slab_index(space, run);
    size_t lead = slices_to_aligned(space, index, align);
    struct tn_slab *head = run + lead;
    if (lead != 0) {
        free_run(space, index, lead, *zero);
    }
    if (got > lead + span) {
        free_run(space, index + lead + span, got - lead - span, *zero);
    }
    mark_inner(head, 1, span);
    head->flags = 0;
    tn_set_kind(head, TN_NONE);
    map->used += (uint32_t)span;
    tn_unlock(&space->lock);
    tn_inspector_close(tn_slab_base(space, head), span << TN_SLICE_SHIFT);
    return head;
}

/* Dirty slices that stay as they are. */
static uint32_t
dirty_limit(const struct tn_map *map)
{
    return (uint32_t)tn_max(DIRTY_LEAST, map->used / DIRTY_SHARE);
}

/* Takes dirty runs out of the map, the largest first, until only so many slices are left; they are
 * nobody's until purge_detached. Under the lock. */
static struct tn_slab *
detach_dirty(struct tn_space *space, uint32_t keep)
{
    struct tn_map *map = space->map;
    struct tn_slab *list = NULL;
    while (map->dirty_slices > keep) {
        struct tn_slab *run = tn_run_tree_last(map->dirty);
        uint32_t span = run->span;
        unlink_run(space, run);
        run->span = span;
        tn_set_kind(run, TN_PURGING);
        run->next = list;
        list = run;
    }
    return list;
}

/* What is inside a long free run is described by its ends: the descriptors between them, a page for
 * 4 MiB, go back with it, and are made again when the slices are dealt out. The run is nobody's, or
 * the caller's. Of a caller's buffer and of an image's file they stay. */
static void
purge_table(struct tn_space *space, const struct tn_slab *run, size_t span)
{
    if (span < TABLE_LEAST || space->backing->show == NULL) {
        return;
    }
    uintptr_t start = tn_align_up((uintptr_t)(run + 1), tn_os_page_size());
    uintptr_t end = tn_align_down((uintptr_t)(run + span - 1), tn_os_page_size());
    if (start < end) {
        space->backing->purge(space, (char *)start, end - start);
    }
}

/* Purges detached runs, with no lock held, and gives them back clean. */
static void
purge_detached(struct tn_space *space, struct tn_slab *list)
{
    struct tn_slab *next;
    for (struct tn_slab *run = list; run != NULL; run = next) {
        next = run->next;
        size_t span = run->span;
        bool zero = space->backing->purge(space, tn_slab_base(space, run), span << TN_SLICE_SHIFT);
        purge_table(space, run, span);
        tn_lock(&space->lock);
        free_run(space, tn_slab_index(space, run), span, zero);
        tn_unlock(&space->lock);
    }
}

/* Runs to purge now that there is one more: half of what may stay does. Without a limit for what is
 * regretted a program of waves would keep its highest for good. Under the lock. */
static struct tn_slab *
detach_surplus(struct tn_space *space)
{
    struct tn_map *map = space->map;
    size_t keep = atomic_load_explicit(&tn_options.dirty_keep, memory_order_relaxed);
    if (TN_UNLIKELY(keep != TN_KEEP_AUTO)) {
        bool more = map->dirty_slices > keep >> TN_SLICE_SHIFT;
        return more ? detach_dirty(space, 0) : NULL;
    }
    uint32_t limit = dirty_limit(map);
    size_t budget = tn_max(DIRTY_LEAST, (map->frontier - map->first) / 8) * SLICE_PAGES;
    if (map->dirty_slices <= limit) {
        return NULL;
    }
    if (tn_regrets(&map->regret, budget)) {
        limit = (uint32_t)tn_max(DIRTY_LEAST * REGRETTED, map->used / REGRETTED_SHARE);
    }
    return map->dirty_slices > limit ? detach_dirty(space, limit / 2) : NULL;
}

void
tn_space_give(struct tn_space *space, struct tn_slab *slab, size_t span, bool zero)
{
    struct tn_map *map = space->map;
    /* A slice inside a free run keeps its kind; that nobody holds it must be seen all the same. */
    atomic_store_explicit(&slab->owner, 0, memory_order_relaxed);
    if (zero) {
        purge_table(space, slab, span);
    }
    tn_lock(&space->lock);
    map->used -= (uint32_t)span;
    free_run(space, tn_slab_index(space, slab), span, zero);
    struct tn_slab *surplus = detach_surplus(space);
    tn_unlock(&space->lock);
    purge_detached(space, surplus);
}

struct tn_slab *
tn_space_narrow(struct tn_space *space, struct tn_slab *slab, size_t before, size_t span,
                size_t behind, bool zero)
{
    struct tn_map *map = space->map;
    size_t index = tn_slab_index(space, slab);
    tn_lock(&space->lock);
    map->used -= (uint32_t)(before + behind);
    free_run(space, index + before + span, behind, zero);
    free_run(space, index, before, zero);
    mark_inner(slab + before, 1, span);
    slab[before].flags = 0;
    tn_set_kind(slab + before, TN_NONE);
    tn_unlock(&space->lock);
    return slab + before;
}

bool
tn_space_extend(struct tn_space *space, struct tn_slab *slab, size_t span, size_t wanted,
                bool *zero)
{
    struct tn_map *map = space->map;
    size_t more = wanted - span;
    size_t next = tn_slab_index(space, slab) + span;
    bool done = false;
    tn_lock(&space->lock);
    if (next == map->frontier) {
        done = push_frontier(space, more);
        *zero = space->backing->zero;
    } else if (next < map->frontier && tn_kind(&space->slabs[next]) == TN_FREE) {
        struct tn_slab *run = &space->slabs[next];
        size_t got = run->span;
        *zero = (run->flags & TN_ZERO) != 0;
        if (got >= more) {
            unlink_run(space, run);
            if (got > more) {
                link_run(space, next + more, got - more, *zero);
            }
            done = true;
        } else if (next + got == map->frontier) {
            /* The last run, and what it lacks from beyond. */
            done = push_frontier(space, more - got);
            if (done) {
                unlink_run(space, run);
            }
        }
    }
    if (done) {
        mark_inner(slab, span, wanted);
        map->used += (uint32_t)more;
        tn_inspector_close(space->base + (next << TN_SLICE_SHIFT), more << TN_SLICE_SHIFT);
    }
    tn_unlock(&space->lock);
    return done;
}

size_t
tn_space_purge(struct tn_space *space)
{
    tn_lock(&space->lock);
    size_t slices = space->map->dirty_slices;
    struct tn_slab *list = detach_dirty(space, 0);
    tn_unlock(&space->lock);
    purge_detached(space, list);
    return slices << TN_SLICE_SHIFT;
}

static size_t
span_in_use(const struct tn_slab *head)
{
    switch (tn_kind(head)) {
    case TN_SLAB:
        return head->span_small;
    case TN_LARGE:
    case TN_SAMPLED:
    case TN_POOL:
        return head->span;
    case TN_HELD: /* what a fork left behind has been set to TN_NONE */
        return head->span;
    case TN_META:
        return 1;
    default:
        return 0;
    }
}

void
tn_space_rebuild(struct tn_space *space)
{
    struct tn_map *map = space->map;
    map->dirty = NULL;
    map->clean = NULL;
    map->dirty_slices = 0;
    map->used = 0;
    size_t gap = map->first;
    for (size_t i = map->first; i < map->frontier;) {
        size_t span = span_in_use(&space->slabs[i]);
        if (span == 0) {
            i++;
            continue;
        }
        if (i > gap) {
            mark_inner(&space->slabs[gap], 1, i - gap);
            link_run(space, gap, i - gap, false);
        }
        map->used += (uint32_t)span;
        i += span;
        gap = i;
    }
    if (map->frontier > gap) {
        mark_inner(&space->slabs[gap], 1, map->frontier - gap);
        link_run(space, gap, map->frontier - gap, false);
    }
}

static const char *
check_tree(const struct tn_slab *run, uint8_t flags, size_t *slices)
{
    const char *broken = NULL;
    if (run == NULL) {
        return NULL;
    }
    if (tn_kind(run) != TN_FREE || (run->flags & TN_ZERO) != flags) {
        return "a run in the tree of free runs is not free";
    }
    *slices += run->span;
    broken = check_tree(run->prev, flags, slices);
    return broken != NULL ? broken : check_tree(run->next, flags, slices);
}

const char *
tn_space_check(struct tn_space *space)
{
    struct tn_map *map = space->map;
    size_t dirty = 0;
    size_t clean = 0;
    size_t purging = 0;
    size_t used = 0;
    tn_lock(&space->lock);
    const char *broken = check_tree(map->dirty, 0, &dirty);
    if (broken == NULL) {
        broken = check_tree(map->clean, TN_ZERO, &clean);
    }
    for (size_t i = map->first; i < map->frontier && broken == NULL;) {
        const struct tn_slab *head = &space->slabs[i];
        size_t span = span_in_use(head);
        used += span;
        if (tn_kind(head) == TN_FREE) {
            span = head->span;
        } else if (tn_kind(head) == TN_PURGING) {
            span = head->span;
            purging += span;
        }
        if (span == 0 || i + span > map->frontier) {
            broken = "slices that belong to nothing";
        }
        i += span;
    }
    if (broken == NULL && dirty != map->dirty_slices) {
        broken = "the count of dirty slices is wrong";
    }
    if (broken == NULL && used != map->used) {
        broken = "the count of used slices is wrong";
    }
    if (broken == NULL && used + purging + dirty + clean != map->frontier - map->first) {
        broken = "free runs are missing in their tree";
    }
    tn_unlock(&space->lock);
    return broken;
}
