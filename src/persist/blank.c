/* Files in which there is nothing yet, or no more than a making that did not come to its end. */
#include "persist/image.h"

#include "persist/sum.h"

#include <errno.h>

#define CHUNK ((size_t)16384)

static int
is_all_zero(const struct tn_image *image, bool *zero)
{
    char buffer[CHUNK];
    uint64_t at = 0;
    uint64_t end = 0;
    size_t got = 0;
    int failed = 0;
    *zero = true;
    while (*zero && failed == 0) {
        if (at >= end && tn_file_next_data(image->file, &at, &end) == ENXIO) {
            break;
        }
        failed = tn_file_read(image->file, buffer, sizeof buffer, at, &got);
        if (failed == 0 && got == 0) {
            break;
        }
        *zero = tn_is_zero(buffer, got);
        at += got;
    }
    return failed;
}

/* From its first write on a making can be told by the magic. Its end is the first superblock,
 * whole, after which the second one is written. */
static int
is_unfinished(const struct tn_image *image, bool *unfinished)
{
    char head[TN_NOTICE_AT] = {0};
    struct tn_superblock first;
    size_t got;
    int failed = tn_file_read(image->file, head, sizeof head, 0, &got);
    memcpy(&first, head, sizeof first);
    *unfinished = failed == 0 && memcmp(first.magic, TN_IMAGE_MAGIC, sizeof first.magic) == 0 &&
                  first.sum != tn_sum(&first, offsetof(struct tn_superblock, sum)) &&
                  tn_is_zero(head + sizeof first, sizeof head - sizeof first);
    return failed;
}

int
tn_blank_find(const struct tn_image *image, bool *blank)
{
    int failed = is_unfinished(image, blank);
    if (failed == 0 && !*blank) {
        failed = is_all_zero(image, blank);
    }
    return failed == 0 ? 0 : tn_fail(failed, true, "%s: cannot be read", image->path);
}

int
tn_blank_begin(const struct tn_image *image)
{
    struct tn_superblock head = image->head;
    head.sum = 0; /* no sum is that */
    int failed = tn_file_resize(image->file, 0);
    failed = failed == 0 ? tn_file_write(image->file, &head, sizeof head, 0) : failed;
    return failed == 0 ? tn_file_sync(image->file) : failed;
}

void
tn_blank_restore(const struct tn_image *image, const struct tn_opened *opened, bool begun)
{
    bool is;
    if (opened->made) {
        if (tn_file_is_at(image->file, image->path, &is) == 0 && is) {
            tn_file_remove(image->path);
        }
    } else if (begun && tn_file_resize(image->file, 0) == 0) {
        tn_file_resize(image->file, opened->facts.size);
    }
}
