/* The committed state at its place, and whether it can be the heap that it says it is. */
#include "persist/image.h"

#include "base/bits.h"
#include "persist/sum.h"

#include <errno.h>

/* The first pages as they are in the file; with a journal, newer ones may be in there. */
static int
check_first_sums(struct tn_image *image)
{
    uint64_t sums[TN_SPACE_HEAD >> TN_PAGE_SHIFT];
    size_t got;
    if (!(image->head.flags & TN_IMAGE_SUMS) || image->journal.end > TN_PAGE) {
        return 0;
    }
    int failed = tn_file_read(image->file, sums, sizeof sums, image->head.sums_at, &got);
    for (size_t i = 0; i < sizeof sums / sizeof *sums && failed == 0; i++) {
        if (sums[i] != tn_sum(tn_page_start(image, i), TN_PAGE)) {
            return tn_fail(EBADMSG, false, "%s: the page at %zu is damaged", image->path,
                           (size_t)image->head.space_at + (i << TN_PAGE_SHIFT));
        }
    }
    return failed != 0 ? tn_fail(failed, true, "%s: cannot be read", image->path) : 0;
}

/* What the engine takes for granted about the map and the lists of shared slabs. */
static const char *
strange_map(const struct tn_image *image)
{
    const struct tn_map *map = (const struct tn_map *)image->space.base;
    const struct tn_image_state *state =
        (const struct tn_image_state *)(image->space.base + TN_STATE_AT);
    size_t slices = image->head.capacity >> TN_SLICE_SHIFT;
    size_t own = TN_SPACE_HEAD + slices * sizeof(struct tn_slab);
    if (map->base != (char *)(uintptr_t)image->head.base || map->size != image->head.capacity ||
        map->slices != slices || map->first != (own + TN_SLICE - 1) >> TN_SLICE_SHIFT) {
        return "map is not that of its superblock";
    }
    if (map->frontier < map->first || map->frontier > map->committed || map->committed > slices) {
        return "map's counts cannot be right";
    }
    if (state->magic != TN_STATE_MAGIC || state->stale_end > map->frontier) {
        return "state cannot be right";
    }
    const struct tn_root *root = (const struct tn_root *)map->root;
    uintptr_t table = (uintptr_t)map->base + TN_SPACE_HEAD;
    for (unsigned class = 0; class < TN_CLASSES; class ++) {
        uintptr_t p = (uintptr_t)root->shared[class];
        if (p != 0 && (p < table || p >= table + map->frontier * sizeof(struct tn_slab) ||
                       (p - table) % sizeof(struct tn_slab) != 0)) {
            return "list of shared slabs leaves its table";
        }
    }
    return NULL;
}

int
tn_image_check_size(struct tn_image *image)
{
    struct tn_file_facts facts;
    size_t slices = image->head.capacity >> TN_SLICE_SHIFT;
    size_t own = tn_align_up(TN_SPACE_HEAD + slices * sizeof(struct tn_slab), TN_SLICE);
    int failed = tn_file_facts(image->file, &facts);
    if (failed != 0) {
        return tn_fail(failed, true, "%s: cannot be read", image->path);
    }
    uint64_t needed = image->head.space_at + own;
    if (image->space.map != NULL && image->journal.end <= TN_PAGE) {
        needed = tn_file_size_needed(image);
    }
    if (facts.size < needed) {
        return tn_fail(EBADMSG, false, "%s: is truncated: %zu bytes instead of %zu", image->path,
                       (size_t)facts.size, (size_t)needed);
    }
    return 0;
}

int
tn_image_take_up(struct tn_image *image)
{
    if (tn_map_committed(image) != 0 || check_first_sums(image) != 0) {
        return -1;
    }
    const char *what = strange_map(image);
    if (what != NULL) {
        return tn_fail(EBADMSG, false, "%s: its %s", image->path, what);
    }
    image->state = (struct tn_image_state *)(image->space.base + TN_STATE_AT);
    image->space.map = (struct tn_map *)image->space.base;
    image->space.slabs = (struct tn_slab *)(image->space.base + TN_SPACE_HEAD);
    return tn_image_check_size(image) != 0 ? -1 : tn_image_doubt(image);
}
