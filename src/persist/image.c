#include "persist/image.h"

#include "base/text.h"
#include "heap/fast.h"

#include <errno.h>
#include <string.h>

struct tn_image *
tn_image_of(struct tn_heap *heap)
{
    if (heap == NULL || heap->spaces[0] == NULL || heap->spaces[0]->backing != &tn_image_backing) {
        tn_fail(EINVAL, false, "this heap is no image");
        return NULL;
    }
    return (struct tn_image *)heap;
}

struct tn_image *
tn_image_to_write(struct tn_heap *heap, const char *what)
{
    struct tn_image *image = tn_image_of(heap);
    if (image == NULL) {
        return NULL;
    }
    if (image->child) {
        tn_fail(EPERM, false,
                "%s: %s is not for the child of a fork: only the process that opened "
                "an image writes to it",
                image->path, what);
        return NULL;
    }
    if (image->flags & TARN_READ_ONLY) {
        tn_fail(EROFS, false, "%s: %s needs the image open for writing", image->path, what);
        return NULL;
    }
    if (image->torn) {
        tn_fail(EIO, false,
                "%s: a rollback failed half-way; roll back again, or close without a "
                "commit",
                image->path);
        return NULL;
    }
    return image;
}

struct tn_image *
tn_image_new(const char *path, const char *name, unsigned flags)
{
    static const char suffix[] = "-journal";
    size_t told = strlen(path) + 1;
    size_t length = strlen(name);
    size_t size = sizeof(struct tn_image) + told + length + sizeof suffix;
    struct tn_image *image = tn_malloc(size);
    if (image == NULL) {
        tn_fail(ENOMEM, true, "%s", path);
        return NULL;
    }
    memset(image, 0, size);
    memcpy(image->names, path, told);
    image->path = image->names;
    char *journal = image->names + told;
    memcpy(journal, name, length);
    memcpy(journal + length, suffix, sizeof suffix);
    image->journal_path = journal;
    image->flags = flags;
    image->lock.rank = TN_RANK_IMAGE;
    image->emptied_lock.rank = TN_RANK_SPACE + 1;
    image->file = -1;
    image->to_map = -1;
    image->guard = -1;
    image->journal.file = -1;
    image->dirty.watch = -1;
    return image;
}

void
tn_image_free(struct tn_image *image)
{
    int saved = errno;
    tn_guard_remove(image);
    tn_cache_release_all(&image->heap);
    tn_page_set_release(&image->changed);
    tn_page_set_release(&image->emptied);
    tn_page_set_release(&image->armed);
    tn_page_set_release(&image->doubtful);
    tn_page_set_release(&image->told);
    tn_page_set_release(&image->logged);
    tn_page_set_release(&image->hollow);
    tn_page_set_release(&image->patched);
    tn_hot_release(image);
    if (image->where != NULL) {
        tn_os_release(image->where, tn_where_size(image));
    }
    tn_dirty_close(&image->dirty);
    tn_trace_end(&image->trace);
    if (image->space.base != NULL) {
        tn_os_release(image->space.base, image->head.capacity);
    }
    tn_journal_release(image);
    tn_file_close(image->to_map);
    tn_file_close(image->file); /* and its locks go */
    tn_free(image, "tarn_close");
    errno = saved;
}

void
tn_image_hold_rooms(bool held)
{
    tn_heap_hooks.hold(held);
}

void
tn_image_hold_heap(struct tn_image *image, bool held)
{
    if (held) {
        tn_lock(&image->heap.lock);
        tn_lock(&image->space.lock);
    } else {
        tn_unlock(&image->space.lock);
        tn_unlock(&image->heap.lock);
    }
}

void
tn_image_hold(struct tn_image *image)
{
    tn_image_hold_rooms(true);
    tn_image_hold_heap(image, true);
}

void
tn_image_let(struct tn_image *image)
{
    tn_image_hold_heap(image, false);
    tn_image_hold_rooms(false);
}
