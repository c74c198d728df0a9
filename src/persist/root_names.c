/* The public names of tarn/persist.h that act on an open image. */
#include "persist/image.h"

#include "base/bits.h"
#include "heap/first_class.h"
#include "heap/sample.h"
#include "os/os.h"

#include <errno.h>

#define LITTLE TN_MIB

int
tarn_commit(tarn_heap *heap)
{
    struct tn_image *image = tn_image_to_write(heap, "a commit");
    if (image == NULL) {
        return -1;
    }
    int saved = errno;
    TN_LOOK_AWAY;
    tn_lock(&image->lock);
    tn_image_hold(image);
    int result =
        image->flags & TARN_SHARED ? tn_commit_shared(image, false) : tn_commit(image, false);
    tn_image_let(image);
    tn_unlock(&image->lock);
    if (result == 0) {
        errno = saved;
    }
    return result;
}

/* The caches own nothing, and the state says so. */
static void
put_in_order(struct tn_image *image)
{
    tn_cache_leave_all(&image->heap);
    image->state->stale_next = image->heap.stale_next;
    image->state->stale_end = image->heap.stale_end;
    image->state->closed = 1;
}

/* The heap goes on: as after an opening. */
static void
take_order_back(struct tn_image *image)
{
    image->state->closed = 0;
}

static int
close_shared(struct tn_image *image)
{
    put_in_order(image);
    if (tn_commit_shared(image, true) != 0) {
        take_order_back(image);
        return -1;
    }
    if (!(image->flags & TARN_RESERVE)) {
        tn_file_resize(image->file, tn_file_size_needed(image));
    }
    return 0;
}

/* So little in the journal that the file gets it at once, and the journal goes. */
static bool
has_little(const struct tn_image *image)
{
    uint64_t little = tn_min(tn_journal_most(image) / 8, LITTLE);
    return !image->journal.loose && image->logged.count << TN_PAGE_SHIFT <= little;
}

/* A seal speaks of pages that lie somewhere in the journal as they are. */
static void
write_whole(struct tn_image *image)
{
    size_t first = 0;
    size_t count;
    for (; tn_page_set_next(&image->patched, &first, &count); first += count) {
        tn_page_set_add(&image->changed, first, count);
    }
}

static int
close_atomic(struct tn_image *image)
{
    put_in_order(image);
    tn_image_hold(image);
    if (!has_little(image)) {
        write_whole(image);
    }
    int result = tn_commit(image, true);
    if (result == 0 && (image->dirty.kind != TN_DIRTY_WATCH || has_little(image))) {
        /* What cannot go to the file stays in the journal. */
        if (tn_checkpoint(image, false) == 0) {
            tn_journal_remove(image);
        }
    } else if (result == 0) {
        tn_seal_make(image);
    }
    tn_image_let(image);
    if (result != 0) {
        take_order_back(image);
    }
    return result;
}

int
tarn_close(tarn_heap *heap)
{
    struct tn_image *image = tn_image_of(heap);
    if (image == NULL) {
        return -1;
    }
    int saved = errno;
    TN_LOOK_AWAY;
    if (!(image->flags & TARN_READ_ONLY)) {
        if (tn_image_to_write(heap, "a commit") == NULL) {
            return -1;
        }
        tn_lock(&image->lock);
        int result = image->flags & TARN_SHARED ? close_shared(image) : close_atomic(image);
        tn_unlock(&image->lock);
        if (result != 0) {
            return -1;
        }
    }
    tn_heap_destroy(heap);
    errno = saved;
    return 0;
}

void
tarn_close_without_commit(tarn_heap *heap)
{
    if (heap != NULL && tn_image_of(heap) != NULL) {
        tn_heap_destroy(heap);
    }
}

static int
roll_back(struct tn_image *image)
{
    struct tn_heap *heap = &image->heap;
    uint64_t redone = image->redone;
    tn_inspector_open(image->space.base, image->usable);
    if (image->flags & TARN_READ_ONLY) {
        tn_file_lock(image->file, TN_LOCK_READERS, TN_UNLOCK, false);
        if (tn_image_lock_to_read(image) != 0 || tn_journal_find(image, false) != 0 ||
            tn_image_take_up(image) != 0) {
            return -1;
        }
        return 0;
    }
    image->torn = true;
    tn_page_set_clear(&image->changed);
    tn_page_set_clear(&image->emptied);
    if (tn_image_take_up(image) != 0) {
        return -1;
    }
    image->torn = false;
    image->redone = redone;
    tn_image_begin_generation(image);
    tn_cache_forget_all(heap);
    tn_shared_hints(heap);
    return 0;
}

int
tarn_rollback(tarn_heap *heap)
{
    struct tn_image *image = tn_image_of(heap);
    if (image == NULL) {
        return -1;
    }
    if (image->child) {
        return tn_image_to_write(heap, "a rollback") == NULL ? -1 : 0;
    }
    if (image->flags & TARN_SHARED) {
        return tn_fail(ENOTSUP, false, "%s: shared mode has no rollback", image->path);
    }
    int saved = errno;
    TN_LOOK_AWAY;
    bool write = !(image->flags & TARN_READ_ONLY);
    tn_lock(&image->lock);
    tn_image_hold_rooms(true);
    if (write && !image->torn) {
        image->kept = tn_heap_hooks.before(heap);
    }
    tn_sample_forget(heap);
    tn_image_hold_heap(image, true);
    int result = roll_back(image);
    tn_image_hold_heap(image, false);
    if (result == 0) {
        tn_heap_tell(heap);
    }
    if (write && result == 0) {
        tn_heap_hooks.back(heap, image->kept);
        image->kept = NULL;
    }
    tn_image_hold_rooms(false);
    tn_unlock(&image->lock);
    if (result == 0) {
        errno = saved;
    }
    return result;
}

int
tarn_checkpoint(tarn_heap *heap)
{
    struct tn_image *image = tn_image_to_write(heap, "a checkpoint");
    if (image == NULL) {
        return -1;
    }
    if (image->flags & TARN_SHARED) {
        return 0;
    }
    int saved = errno;
    TN_LOOK_AWAY;
    tn_lock(&image->lock);
    tn_image_hold(image);
    int result = tn_commit(image, true);
    if (result == 0) {
        result = tn_checkpoint(image, image->dirty.kind == TN_DIRTY_WATCH);
    }
    if (result == 0) {
        tn_changed_find(image, true); /* now, so that the next commit need not begin with it */
    }
    tn_image_let(image);
    tn_unlock(&image->lock);
    if (result == 0) {
        errno = saved;
    }
    return result;
}

int
tarn_image_info(tarn_heap *heap, tarn_image_figures *figures)
{
    struct tn_image *image = tn_image_of(heap);
    struct tn_file_facts facts = {0};
    if (image == NULL) {
        return -1;
    }
    if (image->file >= 0) {
        tn_file_facts(image->file, &facts);
    }
    const struct tn_map *map = image->space.map;
    *figures = (tarn_image_figures){
        .base = image->space.base,
        .capacity = image->head.capacity,
        .used = (size_t)map->used << TN_SLICE_SHIFT,
        .resident = tn_map_resident(image->space.base,
                                    tn_min(image->usable, (size_t)map->frontier << TN_SLICE_SHIFT)),
        .file_size = facts.size,
        .file_space = facts.on_disk,
        .journal_size = image->journal.end > TN_PAGE ? image->journal.end - TN_PAGE : 0,
        .commits = image->commit,
        .commits_redone = image->redone,
        .commit_dropped = image->dropped,
        .closed_properly = image->closed,
        .read_only = (image->flags & TARN_READ_ONLY) != 0,
        .shared = (image->flags & TARN_SHARED) != 0,
        .watching = image->dirty.kind == TN_DIRTY_WATCH,
    };
    return 0;
}
