#include "persist/image.h"

#include "base/bits.h"
#include "os/os.h"

#include <errno.h>

#define JOURNAL_LEAST ((uint64_t)64 << 20)

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
        tn_page_set_remove(&image->patched, first, count);
    }
    for (unsigned i = 0; i < image->hot.changes; i++) {
        size_t page = image->hot.change[i].page;
        tn_page_set_add(&image->logged, page, 1);
        tn_page_set_remove(&image->hollow, page, 1);
        tn_page_set_add(&image->patched, page, 1);
    }
    first = 0;
    for (; tn_page_set_next(&image->emptied, &first, &count); first += count) {
        tn_page_set_add(&image->hollow, first, count);
        tn_page_set_remove(&image->logged, first, count);
        tn_page_set_remove(&image->patched, first, count);
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
    int failed = tn_changed_find(image, for_sure);
    if (failed != 0) {
        return tn_fail(failed, true, "%s: changed pages cannot be found", image->path);
    }
    if (image->changed.count == 0 && image->emptied.count == 0 && image->hot.changes == 0) {
        return 0;
    }
    drop_tail(image);
    if (tn_journal_append(image) != 0) {
        tn_hot_forget(image);
        return -1;
    }
    account(image);
    bool page_map = image->dirty.kind == TN_DIRTY_PAGE_MAP;
    if (page_map || image->journal.end > tn_journal_most(image)) {
        /* Done or not, the commit is: what cannot go to the file now stays in the journal. */
        tn_checkpoint(image, page_map);
    }
    return 0;
}

/* The file is as open, or as closed, as this says from now on, or nobody knows. */
static int
say_open(struct tn_image *image, bool open)
{
    struct tn_superblock *head = &image->head;
    head->flags = open ? head->flags | TN_IMAGE_OPEN : head->flags & ~(uint32_t)TN_IMAGE_OPEN;
    head->serial++;
    return tn_superblock_write(image);
}

/* Should that fail, one copy may say so already: it is taken back, since the heap goes on. */
static int
say_closed(struct tn_image *image)
{
    if (say_open(image, false) == 0) {
        return 0;
    }
    int code = errno;
    image->said_closed = say_open(image, true) != 0;
    errno = code;
    return -1;
}

int
tn_commit_shared(struct tn_image *image, bool closing)
{
    if (image->said_closed && say_open(image, true) != 0) {
        return -1;
    }
    image->said_closed = false;
    if (tn_image_is_doubted(image)) {
        return tn_fail(EIO, false,
                       "%s: a sync of it failed, and what that was to write may be lost; close it "
                       "without a commit, and check it or a snapshot",
                       image->path);
    }
    int failed = tn_image_sync_memory(image);
    if (failed == 0) {
        failed = tn_mark_write(&image->head, image->file, image->commit + 1);
    }
    if (failed == 0) {
        failed = tn_image_sync_file(image);
    }
    if (failed != 0) {
        return tn_fail(failed, true, "%s: cannot be synced", image->path);
    }
    if (closing && say_closed(image) != 0) {
        return -1;
    }
    image->commit++;
    return 0;
}
