/* Which pages were changed since the last commit. */
#include "persist/image.h"

#include "base/bits.h"
#include "os/os.h"

#define PART ((size_t)2 << 20) /* what is looked at first when little was changed */
#define FEW  64u               /* page faults up to which that is worth it */

/* A call for a page that is known to have had a fault costs about as much as so many pages that a
 * pass goes over: those between two that are not farther apart are looked at with them. */
#define CALL 400u

/* Page faults of a commit up to which it is worth to have them noted, and looks everywhere after
 * which the thread that writes seems to be another one than the one they are noted of. */
#define NOTED_MOST  2048u
#define UNTOLD_MOST 64u

#define UNKNOWN UINT64_MAX /* number of faults */

/* Reading a page for the first time is a fault too, and for faults that no change explains all has
 * to be looked at. So with each time that happens, a part of what is not there to be read yet is
 * mapped; this fraction costs about as much as the look. */
#define REFILL 256u

static void
note_changed(void *context, char *start, size_t size)
{
    struct tn_image *image = context;
    size_t first = tn_page_of(image, start);
    size_t count = size >> TN_PAGE_SHIFT;
    for (size_t i = 0; i < count && image->hot.count != 0; i++) {
        if (tn_hot_has(image, first + i)) {
            note_changed(image, start, i << TN_PAGE_SHIFT);
            i++;
            note_changed(image, start + (i << TN_PAGE_SHIFT), (count - i) << TN_PAGE_SHIFT);
            return;
        }
    }
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

/* Part of the space, from and to anywhere in it, in whole pages. May end early when as many pages
 * are changed as there were faults. */
static int
collect(struct tn_image *image, const char *from, const char *to, uint64_t faults)
{
    size_t page = tn_os_page_size();
    char *start = (char *)tn_align_down((uintptr_t)from, page);
    size_t size = tn_align_up((uintptr_t)to, page) - (uintptr_t)start;
    if (image->dirty.kind != TN_DIRTY_WATCH) {
        return tn_dirty_collect(&image->dirty, start, size, SIZE_MAX, false, note_changed, image);
    }
    bool armed;
    size_t pages = size >> TN_PAGE_SHIFT;
    size_t most =
        faults == UNKNOWN ? SIZE_MAX : (size_t)faults - image->changed.count + image->hot.count;
    if (tn_page_set_stretch(&image->armed, tn_page_of(image, start), pages, &armed) == pages &&
        armed) {
        return tn_dirty_collect(&image->dirty, start, size, most, true, note_reported, image);
    }
    int failed =
        tn_dirty_collect(&image->dirty, start, size, SIZE_MAX, false, note_reported, image);
    return failed == 0 ? settle_doubts(image, start, size) : failed;
}

/* Every page written to since the last time has cost a page fault: who finds as many pages as there
 * were faults has found all of them. */
static bool
is_explained(const struct tn_image *image, uint64_t faults)
{
    return faults != UNKNOWN && image->changed.count >= faults;
}

/* The map and the table as far as it is used. */
static int
collect_table(struct tn_image *image, uint64_t faults)
{
    const char *end = (const char *)(image->space.slabs + image->space.map->frontier);
    return is_explained(image, faults) ? 0 : collect(image, image->space.base, end, faults);
}

/* The slices between two offsets in the space. */
static int
collect_slices(struct tn_image *image, size_t from, size_t to, uint64_t faults)
{
    const struct tn_map *map = image->space.map;
    const char *base = image->space.base;
    from = tn_max(from, (size_t)map->first << TN_SLICE_SHIFT);
    to = tn_min(to, (size_t)map->frontier << TN_SLICE_SHIFT);
    return from >= to || is_explained(image, faults)
               ? 0
               : collect(image, base + from, base + to, faults);
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

/* The pages in which page faults are known to have been, each once and in order. */
static void
gather_told(struct tn_image *image, size_t told)
{
    uintptr_t base = (uintptr_t)image->space.base;
    uintptr_t size = (uintptr_t)image->space.map->frontier << TN_SLICE_SHIFT;
    size_t pages = tn_os_page_size() >> TN_PAGE_SHIFT;
    for (size_t i = 0; i < told; i++) {
        uintptr_t at = (uintptr_t)tn_trace_address(&image->trace, i) - base;
        if (at < size) {
            tn_page_set_add(&image->told, (at >> TN_PAGE_SHIFT) / pages * pages, pages);
        }
    }
}

/* Where page faults are known to have been, with what lies between two that are close. */
static int
find_told(struct tn_image *image, size_t told, uint64_t faults)
{
    int failed = 0;
    size_t first = 0;
    size_t count;
    gather_told(image, told);
    bool more = tn_page_set_next(&image->told, &first, &count);
    while (more && failed == 0 && !is_explained(image, faults)) {
        size_t from = first;
        size_t to = first + count;
        first = to;
        while ((more = tn_page_set_next(&image->told, &first, &count)) && first - to <= CALL) {
            to = first + count;
            first = to;
        }
        failed = collect(image, tn_page_start(image, from), tn_page_start(image, to), faults);
    }
    tn_page_set_clear(&image->told);
    return failed;
}

/* Where changes were found last. */
static int
find_near(struct tn_image *image, uint64_t faults)
{
    int failed = 0;
    size_t recent[TN_RECENT];
    for (unsigned i = 0; i < TN_RECENT; i++) {
        recent[i] = image->recent[i];
    }
    for (unsigned i = 0; i < TN_RECENT && failed == 0; i++) {
        failed = collect_slices(image, recent[i], recent[i] + PART, faults);
        failed = i == 0 && failed == 0 ? collect_table(image, faults) : failed;
    }
    return failed;
}

/* In the map and the table as far as it is used, and in all slices: who changes one page after the
 * other goes on behind the last. */
static int
find_anywhere(struct tn_image *image, uint64_t faults)
{
    size_t middle = image->recent[0];
    int failed = collect_table(image, faults);
    failed = failed == 0 ? collect_slices(image, middle, SIZE_MAX, faults) : failed;
    return failed == 0 ? collect_slices(image, 0, middle, faults) : failed;
}

/* Whether all that was written to is known now: as many page faults are known as there were. */
static int
find_by_trace(struct tn_image *image, size_t told, uint64_t faults, bool *all)
{
    if (faults == UNKNOWN || told == 0) {
        return 0;
    }
    *all = told == faults;
    return find_told(image, told, faults);
}

/* A look everywhere that knowing where page faults were would have spared. */
static void
have_faults_noted(struct tn_image *image, uint64_t faults)
{
    if (faults <= NOTED_MOST && (image->trace.ring == NULL || ++image->untold == UNTOLD_MOST)) {
        tn_trace_begin(&image->trace);
        image->untold = 0;
    }
}

int
tn_changed_find(struct tn_image *image, bool for_sure)
{
    int failed = 0;
    if (!image->watching) {
        failed = tn_dirty_watch(&image->dirty, image->space.base, image->usable);
        image->watching = failed == 0 && image->dirty.kind == TN_DIRTY_WATCH;
        image->settled = false;
    }
    /* This before the number of all: what comes between may be missing in it, not in that. */
    size_t told = tn_trace_read(&image->trace);
    uint64_t now = tn_dirty_faults();
    uint64_t faults = UNKNOWN;
    bool all = false;
    if (image->watching && image->settled && !for_sure && image->changed.count == 0 &&
        now != UINT64_MAX) {
        faults = now - image->faults;
    }
    if (faults == UNKNOWN) {
        tn_hot_forget(image);
    }
    tn_hot_review(image);
    failed = failed == 0 ? find_by_trace(image, told, faults, &all) : failed;
    if (failed == 0 && faults <= FEW && !all) {
        failed = find_near(image, faults);
    }
    bool far = failed == 0 && !all && !is_explained(image, faults);
    if (far) {
        failed = find_anywhere(image, faults);
    }
    image->settled = failed == 0;
    size_t first = (size_t)image->space.map->first << (TN_SLICE_SHIFT - TN_PAGE_SHIFT);
    size_t count;
    if (image->changed.count <= FEW && tn_page_set_next(&image->changed, &first, &count)) {
        remember_part(image, first << TN_PAGE_SHIFT);
    }
    bool futile = (far || all) && faults != UNKNOWN && !is_explained(image, faults);
    if (futile) {
        tn_map_refill(image, tn_align_up(image->mapped / REFILL, TN_SLICE));
    }
    if (far && image->watching) {
        have_faults_noted(image, faults);
    }
    if (faults != UNKNOWN && failed == 0) {
        if (faults != 0) {
            tn_hot_open(image);
        }
        tn_hot_compare(image);
    }
    /* Faults of the call itself are no changes. */
    bool own = faults != 0 && (far || futile || image->hot.count != 0);
    image->faults = own ? tn_dirty_faults() : now;
    tn_trace_forget(&image->trace); /* after the number: what comes between is missing here */
    return failed;
}
