#include "persist/image.h"

#include "base/bits.h"
#include "os/os.h"

#include <errno.h>

#define JOURNAL_LEAST ((uint64_t)64 << 20)

#define PART ((size_t)2 << 20) /* what is looked at first when little was changed */
#define FEW  64u               /* page faults up to which that is worth it */

static void
note_changed(void *context, char *start, size_t size)
{
    struct tn_image *image = context;
    size_t first = tn_page_of(image, start);
    size_t count = size >> TN_PAGE_SHIFT;
    tn_page_set_add(&image->changed, first, count);
    tn_page_set_remove(&image->emptied, first, count);
}

/* What was reported before is changed; of what was not that has to be found out. */
static void
note_reported(void *context, char *start, size_t size)
{
    struct tn_image *image = context;
    size_t first = tn_page_of(image, start);
    size_t end = first + (size >> TN_PAGE_SHIFT);
    while (first < end) {
        bool armed;
        size_t count = tn_page_set_stretch(&image->armed, first, end - first, &armed);
        if (armed) {
            note_changed(image, tn_page_start(image, first), count << TN_PAGE_SHIFT);
        } else {
            tn_page_set_add(&image->doubtful, first, count);
        }
        first += count;
    }
}

/* Of pages reported for the first time those that are private count; all are protected then. */
static int
settle_doubts(struct tn_image *image, char *start, size_t size)
{
    int failed = 0;
    size_t first = 0;
    size_t count;
    for (; failed == 0 && tn_page_set_next(&image->doubtful, &first, &count); first += count) {
        failed = tn_dirty_private(&image->dirty, tn_page_start(image, first),
                                  count << TN_PAGE_SHIFT, note_changed, image);
    }
    if (failed == 0) {
        failed = tn_dirty_protect(&image->dirty, start, size);
    }
    first = 0;
    for (; failed == 0 && tn_page_set_next(&image->doubtful, &first, &count); first += count) {
        tn_page_set_add(&image->armed, first, count);
    }
    tn_page_set_clear(&image->doubtful);
    return failed;
}

/* Part of the space, from and to anywhere in it, in whole pages. */
static int
collect(struct tn_image *image, const char *from, const char *to)
{
    size_t page = tn_os_page_size();
    char *start = (char *)tn_align_down((uintptr_t)from, page);
    size_t size = tn_align_up((uintptr_t)to, page) - (uintptr_t)start;
    if (image->dirty.kind != TN_DIRTY_WATCH) {
        return tn_dirty_collect(&image->dirty, start, size, false, note_changed, image);
    }
    bool armed;
    size_t pages = size >> TN_PAGE_SHIFT;
    bool all =
        tn_page_set_stretch(&image->armed, tn_page_of(image, start), pages, &armed) == pages &&
        armed;
    int failed = tn_dirty_collect(&image->dirty, start, size, all, note_reported, image);
    return failed == 0 && !all ? settle_doubts(image, start, size) : failed;
}

/* The map and the table as far as it is used. */
static int
collect_table(struct tn_image *image)
{
    return collect(image, image->space.base,
                   (char *)(image->space.slabs + image->space.map->frontier));
}

/* The slices between two offsets in the space. */
static int
collect_slices(struct tn_image *image, size_t from, size_t to)
{
    const struct tn_map *map = image->space.map;
    from = tn_max(from, (size_t)map->first << TN_SLICE_SHIFT);
    to = tn_min(to, (size_t)map->frontier << TN_SLICE_SHIFT);
    return from < to ? collect(image, image->space.base + from, image->space.base + to) : 0;
}

static void
remember_part(struct tn_image *image, size_t offset)
{
    size_t part = offset / PART * PART;
    unsigned i = 0;
    while (i + 1 < TN_RECENT && image->recent[i] != part) {
        i++;
    }
    for (; i > 0; i--) {
        image->recent[i] = image->recent[i - 1];
    }
    image->recent[0] = part;
}

/* Looks where changes were found last. Every page written to since has cost a page fault: who finds
 * as many pages as there were faults has found all of them. */
static int
find_few(struct tn_image *image, uint64_t faults, bool *all)
{
    int failed = 0;
    size_t recent[TN_RECENT];
    for (unsigned i = 0; i < TN_RECENT; i++) {
        recent[i] = image->recent[i];
    }
    for (unsigned i = 0; i < TN_RECENT && failed == 0 && image->changed.count < faults; i++) {
        failed = collect_slices(image, recent[i], recent[i] + PART);
        if (i == 0 && failed == 0 && image->changed.count < faults) {
            failed = collect_table(image);
        }
    }
    *all = image->changed.count >= faults;
    return failed;
}

/* All pages changed since the last time: in the map and the table as far as it is used, and in the
 * slices. */
static int
find_changed(struct tn_image *image, bool for_sure)
{
    int failed = 0;
    if (!image->watching) {
        failed = tn_dirty_watch(&image->dirty, image->space.base, image->usable);
        image->watching = failed == 0 && image->dirty.kind == TN_DIRTY_WATCH;
        image->settled = false;
    }
    uint64_t now = tn_dirty_faults();
    bool all = false;
    if (image->watching && image->settled && !for_sure && image->changed.count == 0) {
        uint64_t faults = now - image->faults;
        all = faults == 0 && now != UINT64_MAX;
        if (!all && faults <= FEW) {
            failed = find_few(image, faults, &all);
        }
    }
    if (!all && failed == 0) {
        failed = collect_table(image);
    }
    if (!all && failed == 0) {
        failed = collect_slices(image, 0, SIZE_MAX);
    }
    image->settled = failed == 0;
    size_t first = (size_t)image->space.map->first << (TN_SLICE_SHIFT - TN_PAGE_SHIFT);
    size_t count;
    if (image->changed.count <= FEW && tn_page_set_next(&image->changed, &first, &count)) {
        remember_part(image, first << TN_PAGE_SHIFT);
    }
    /* The call's own faults, if any, count as possible changes next time: that does no harm. */
    image->faults = all ? now : tn_dirty_faults();
    return failed;
}

/* Slices behind the last one in use leave the file: nothing is written of them, and the journal
 * says that nothing is there. */
static void
drop_tail(struct tn_image *image)
{
    size_t end = (size_t)(tn_file_size_needed(image) - image->head.space_at);
    size_t most = tn_max(image->file_end, (size_t)image->space.map->frontier << TN_SLICE_SHIFT);
    size_t first = end >> TN_PAGE_SHIFT;
    size_t count = (most - end) >> TN_PAGE_SHIFT;
    size_t before = image->changed.count;
    tn_page_set_remove(&image->changed, first, count);
    if (end != image->tail || image->changed.count != before) {
        tn_page_set_add(&image->emptied, first, count);
    }
    image->next_tail = end;
}

static void
account(struct tn_image *image)
{
    size_t first = 0;
    size_t count;
    for (; tn_page_set_next(&image->changed, &first, &count); first += count) {
        tn_page_set_add(&image->logged, first, count);
        tn_page_set_remove(&image->hollow, first, count);
    }
    first = 0;
    for (; tn_page_set_next(&image->emptied, &first, &count); first += count) {
        tn_page_set_add(&image->hollow, first, count);
        tn_page_set_remove(&image->logged, first, count);
    }
    tn_page_set_clear(&image->changed);
    tn_page_set_clear(&image->emptied);
    image->tail = image->next_tail;
    image->commit++;
}

uint64_t
tn_journal_most(const struct tn_image *image)
{
    if (image->journal_most != 0) {
        return image->journal_most;
    }
    uint64_t twice = (uint64_t)image->space.map->used << (TN_SLICE_SHIFT + 1);
    return tn_max(twice, JOURNAL_LEAST);
}

int
tn_commit(struct tn_image *image, bool for_sure)
{
    int failed = find_changed(image, for_sure);
    if (failed != 0) {
        return tn_fail(failed, true, "%s: changed pages cannot be found", image->path);
    }
    if (image->changed.count == 0 && image->emptied.count == 0) {
        return 0;
    }
    drop_tail(image);
    if (tn_journal_append(image) != 0) {
        return -1;
    }
    account(image);
    bool page_map = image->dirty.kind == TN_DIRTY_PAGE_MAP;
    if (page_map || image->journal.end > tn_journal_most(image)) {
        /* Done or not, the commit is: what cannot go to the file now stays in the journal. */
        if (tn_checkpoint(image) == 0 && page_map) {
            tn_map_anew(image);
        }
    }
    return 0;
}

int
tn_commit_shared(struct tn_image *image, bool closing)
{
    int failed = image->mapped != 0 ? tn_map_sync(image->space.base, image->mapped) : 0;
    if (failed == 0) {
        failed = tn_mark_write(&image->head, image->file, image->commit + 1);
    }
    if (failed == 0) {
        failed = tn_file_sync(image->file);
    }
    if (failed == 0 && closing) {
        image->head.flags &= ~(uint32_t)TN_IMAGE_OPEN;
        image->head.serial++;
        if (tn_superblock_write(image) != 0) {
            image->head.flags |= TN_IMAGE_OPEN;
            return -1;
        }
    }
    if (failed != 0) {
        return tn_fail(failed, true, "%s: cannot be synced", image->path);
    }
    image->commit++;
    return 0;
}
