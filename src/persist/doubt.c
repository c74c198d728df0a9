/* What other rooms keep in an image, before anything of it is followed. */
#include "persist/image.h"

#include <errno.h>

struct first {
    const char *what;
    const void *at;
};

static void
note(void *context, const char *what, const void *at)
{
    struct first *first = context;
    if (first->what == NULL) {
        *first = (struct first){what, at};
    }
}

int
tn_image_doubt(const struct tn_image *image)
{
    struct first first = {NULL, NULL};
    if (image->flags & TARN_READ_ONLY) {
        return 0;
    }
    struct tn_doubtful space = {.memory = image->space.base,
                                .base = image->head.base,
                                .map = image->space.map,
                                .say = note,
                                .context = &first};
    if (tn_heap_hooks.doubt(&space, false) != 0) {
        return tn_fail(ENOMEM, false, "%s: no memory for a look at its pools", image->path);
    }
    if (first.what == NULL) {
        return 0;
    }
    uint64_t at = image->head.space_at + (uint64_t)((const char *)first.at - image->space.base);
    return tn_fail(EBADMSG, false, "%s: %s, at %zu", image->path, first.what, (size_t)at);
}
