/* A file as what is behind a space. */
#include "persist/image.h"

#include "base/bits.h"
#include "os/os.h"

#define PIECE_LEAST TN_MIB /* purged parts of the file's mapping become mappings of their own */
#define PIECES_MOST ((size_t)8192)

static bool
image_commit(struct tn_space *space, char *start, size_t size)
{
    struct tn_image *image = space->context;
    return tn_map_grow(image, start, size);
}

/* In the file's mapping, dropping private pages would bring the file's own back: zero memory is
 * mapped over them instead. */
static bool
empty(struct tn_image *image, char *start, size_t size)
{
    if ((size_t)(start - image->space.base) >= image->mapped) {
        tn_page_set_remove(&image->armed, tn_page_of(image, start), size >> TN_PAGE_SHIFT);
        return tn_os_purge(start, size);
    }
    if (size < PIECE_LEAST || image->pieces >= PIECES_MOST || tn_map_zero(start, size) != 0) {
        return false;
    }
    image->pieces++;
    tn_map_small_pages(start, size);
    tn_map_watch(image, start, size);
    return true;
}

static bool
image_purge(struct tn_space *space, char *start, size_t size)
{
    struct tn_image *image = space->context;
    size_t page = tn_os_page_size();
    if (((uintptr_t)start | size) % page != 0) {
        return false;
    }
    if (image->flags & TARN_SHARED) {
        uint64_t at = image->head.space_at + (uint64_t)(start - space->base);
        return !image->child && !(image->flags & TARN_RESERVE) &&
               tn_file_punch(image->file, at, size) == 0;
    }
    tn_lock(&image->emptied_lock);
    bool done = empty(image, start, size);
    if (done && !image->child) {
        size_t first = tn_page_of(image, start);
        tn_page_set_add(&image->emptied, first, size >> TN_PAGE_SHIFT);
        tn_page_set_remove(&image->changed, first, size >> TN_PAGE_SHIFT);
    }
    tn_unlock(&image->emptied_lock);
    return done;
}

static void
image_release(struct tn_space *space)
{
    tn_image_free(space->context);
}

/* The child's memory is its own; the file is not, but for what guards the child from its writer. */
static void
image_forked(struct tn_space *space)
{
    struct tn_image *image = space->context;
    image->child = true;
    tn_lock_reset(&image->lock);
    tn_lock_reset(&image->emptied_lock);
    if (image->flags & TARN_SHARED && !(image->flags & TARN_READ_ONLY)) {
        tn_map_file(space->base, image->mapped, tn_file_to_map(image), image->head.space_at,
                    TN_MAP_PRIVATE);
    }
    int guard = tn_guard_in_child(image);
    tn_dirty_close(&image->dirty);
    tn_file_close(image->journal.file);
    tn_file_close(image->to_map);
    tn_file_close(image->file);
    image->journal.file = -1;
    image->to_map = -1;
    image->file = guard;
}

const struct tn_backing tn_image_backing = {
    .zero = true,
    .commit = image_commit,
    .purge = image_purge,
    .release = image_release,
    .forked = image_forked,
};
