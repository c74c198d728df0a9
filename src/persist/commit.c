#include "persist/image.h"

#include "base/bits.h"
#include "os/os.h"

#include <errno.h>

#define JOURNAL_LEAST ((uint64_t)64 << 20)

static void
note_changed(void *context, char *start, size_t size)
{
    struct tn_image *image = context;
    size_t first = tn_page_of(image, start);
    size_t count = size >> TN_PAGE_SHIFT;
    tn_page_set_add(&image->changed, first, count);
    tn_page_set_remove(&image->emptied, first, count);
}

static int
collect(struct tn_image *image, const char *from, const char *to)
{
    size_t page = tn_os_page_size();
    char *start = (char *)tn_align_down((uintptr_t)from, page);
    char *end = (char *)tn_align_up((uintptr_t)to, page);
    return tn_dirty_collect(&image->dirty, start, (size_t)(end - start), note_changed, image);
}

/* All pages changed since the last time: in the map and the table as far as it is used, and in the
 * slices. */
static int
find_changed(struct tn_image *image)
{
    const struct tn_map *map = image->space.map;
    char *base = image->space.base;
    int failed = 0;
    if (!image->watching) {
        failed = tn_dirty_watch(&image->dirty, base, image->usable);
        image->watching = failed == 0 && image->dirty.kind == TN_DIRTY_WATCH;
    }
    if (failed == 0) {
        failed = collect(image, base, (char *)(image->space.slabs + map->frontier));
    }
    if (failed == 0) {
        failed = collect(image, base + ((size_t)map->first << TN_SLICE_SHIFT),
                         base + ((size_t)map->frontier << TN_SLICE_SHIFT));
    }
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

/* The commit's number is part of it. */
static int
number_commit(struct tn_image *image)
{
    struct tn_image_state *state = image->state;
    state->commit = image->commit + 1;
    size_t page = tn_page_of(image, state);
    tn_page_set_add(&image->changed, page, 1);
    return image->watching
               ? collect(image, tn_page_start(image, page), tn_page_start(image, page + 1))
               : 0;
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

static uint64_t
journal_most(const struct tn_image *image)
{
    if (image->journal_most != 0) {
        return image->journal_most;
    }
    uint64_t twice = (uint64_t)image->space.map->used << (TN_SLICE_SHIFT + 1);
    return tn_max(twice, JOURNAL_LEAST);
}

int
tn_commit(struct tn_image *image)
{
    int failed = find_changed(image);
    if (failed != 0) {
        return tn_fail(failed, true, "%s: changed pages cannot be found", image->path);
    }
    if (image->changed.count == 0 && image->emptied.count == 0) {
        return 0;
    }
    drop_tail(image);
    failed = number_commit(image);
    if (failed != 0) {
        return tn_fail(failed, true, "%s: changed pages cannot be found", image->path);
    }
    if (tn_journal_append(image) != 0) {
        return -1;
    }
    account(image);
    bool page_map = image->dirty.kind == TN_DIRTY_PAGE_MAP;
    if (page_map || image->journal.end > journal_most(image)) {
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
    image->state->commit = image->commit + 1;
    int failed = image->mapped != 0 ? tn_map_sync(image->space.base, image->mapped) : 0;
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
