/* The committed state of an image, for those who look at it from outside: the check, the `tarn`
 * command. */
#include "persist/image.h"

#include "base/bits.h"

#include <errno.h>

int
tn_map_anywhere(struct tn_image *image)
{
    size_t capacity = image->head.capacity;
    size_t pages = capacity >> TN_PAGE_SHIFT;
    int failed = tn_map_reserve(NULL, capacity, &image->space.base);
    if (failed != 0) {
        return tn_fail(failed, true, "%s: no %zu bytes of addresses", image->path, capacity);
    }
    if (!tn_page_set_init(&image->logged, pages) || !tn_page_set_init(&image->hollow, pages) ||
        !tn_page_set_init(&image->patched, pages)) {
        return tn_fail(ENOMEM, true, "%s", image->path);
    }
    if (tn_map_committed(image) != 0) {
        return -1;
    }
    if (image->usable < capacity) {
        failed = tn_map_zero(image->space.base + image->usable, capacity - image->usable);
    }
    if (failed != 0) {
        return tn_fail(failed, true, "%s: cannot be mapped", image->path);
    }
    image->space.map = (struct tn_map *)image->space.base;
    image->space.slabs = (struct tn_slab *)(image->space.base + TN_SPACE_HEAD);
    return 0;
}

static int
look(struct tn_image *image, const struct tn_file_facts *facts)
{
    if (tn_superblock_read(image->path, image->file, &image->head) != 0 ||
        tn_image_lock_to_read(image) != 0 || tn_journal_find(image, false) != 0) {
        return -1;
    }
    uint64_t needed = image->head.space_at + TN_SPACE_HEAD;
    if (facts->size < needed) {
        return tn_fail(EBADMSG, false, "%s: is truncated: %zu bytes instead of %zu", image->path,
                       (size_t)facts->size, (size_t)needed);
    }
    return tn_map_anywhere(image);
}

struct tn_image *
tn_image_look(const char *path)
{
    struct tn_opened opened;
    struct tn_image *image = tn_image_open(path, TARN_READ_ONLY, TN_FILE_READ, 0, &opened);
    if (image != NULL && look(image, &opened.facts) != 0) {
        tn_image_free(image);
        image = NULL;
    }
    return image;
}
