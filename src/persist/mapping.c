/* The image's addresses: from the file what the file has, zero memory behind it, and on top of both
 * what only the journal has. */
#include "persist/image.h"

#include "base/bits.h"
#include "os/os.h"

#include <errno.h>
#include <string.h>

#define ZERO_BY_MAPPING TN_MIB /* holes of this size and more are mapped, smaller ones cleared */

static enum tn_map_how
how_to_map(const struct tn_image *image)
{
    return image->flags & TARN_SHARED ? TN_MAP_SHARED : TN_MAP_PRIVATE;
}

/* Zero memory up to this many bytes of the space. */
static int
extend(struct tn_image *image, size_t end)
{
    end = tn_align_up(end, TN_SLICE);
    if (end <= image->usable) {
        return 0;
    }
    char *start = image->space.base + image->usable;
    int failed = tn_map_zero(start, end - image->usable);
    if (failed == 0) {
        tn_map_small_pages(start, end - image->usable);
        image->usable = end;
    }
    return failed;
}

static bool
grow_shared(struct tn_image *image, size_t end)
{
    uint64_t at = image->head.space_at;
    end = tn_align_up(end, TN_SLICE);
    if (end <= image->usable) {
        return true;
    }
    size_t more = end - image->usable;
    if (tn_file_reserve(image->file, at + image->usable, more) != 0 ||
        tn_map_file(image->space.base + image->usable, more, tn_file_to_map(image),
                    at + image->usable, TN_MAP_SHARED) != 0) {
        return false;
    }
    image->usable = end;
    image->mapped = end;
    return true;
}

void
tn_map_watch(struct tn_image *image, void *start, size_t size)
{
    tn_page_set_remove(&image->armed, tn_page_of(image, start), size >> TN_PAGE_SHIFT);
    if (image->watching && !image->child) {
        image->watching = tn_dirty_watch(&image->dirty, start, size) == 0;
    }
}

bool
tn_map_grow(struct tn_image *image, const char *start, size_t size)
{
    size_t end = (size_t)(start - image->space.base) + size;
    size_t had = image->usable;
    if (image->flags & TARN_SHARED && image->file >= 0 && !image->child) {
        return grow_shared(image, end);
    }
    if (extend(image, end) != 0) {
        return false;
    }
    if (image->usable > had) {
        tn_map_watch(image, image->space.base + had, image->usable - had);
    }
    return true;
}

/* The file's own pages, and zero memory behind them as far as there was before. */
static int
map_file(struct tn_image *image)
{
    struct tn_file_facts facts;
    size_t usable = image->usable;
    int failed = tn_file_facts(image->file, &facts);
    if (failed != 0) {
        return failed;
    }
    uint64_t size = facts.size > image->head.space_at ? facts.size - image->head.space_at : 0;
    size_t mapped = tn_align_up(tn_min(size, image->head.capacity), tn_os_page_size());
    if (mapped != 0) {
        failed = tn_map_file(image->space.base, mapped, tn_file_to_map(image), image->head.space_at,
                             how_to_map(image));
    }
    if (failed != 0) {
        return failed;
    }
    tn_map_small_pages(image->space.base, mapped);
    image->mapped = mapped;
    image->usable = mapped;
    image->pieces = 0;
    image->file_end = mapped;
    image->tail = 0;
    image->refilled = 0;
    tn_page_set_clear(&image->armed);
    tn_hot_forget(image);
    image->watching = false; /* not before the next commit: reading is faster without */
    failed = extend(image, usable);
    if (failed != 0) { /* what was there before still is */
        image->usable = tn_max(usable, mapped);
    }
    return failed;
}

int
tn_map_shorten(struct tn_image *image, size_t end)
{
    if (end >= image->mapped) {
        return 0;
    }
    char *start = image->space.base + end;
    size_t size = image->mapped - end;
    int failed = tn_map_zero(start, size);
    if (failed == 0) {
        tn_map_small_pages(start, size);
        image->mapped = end;
        tn_map_watch(image, start, size);
    }
    return failed;
}

int
tn_map_anew(struct tn_image *image)
{
    int failed = map_file(image);
    if (failed != 0) {
        return tn_fail(failed, true, "%s: cannot be mapped", image->path);
    }
    return 0;
}

void
tn_map_refill(struct tn_image *image, size_t size)
{
    size = tn_min(size, image->mapped - tn_min(image->refilled, image->mapped));
    if (size != 0) {
        tn_map_what_is_there(image->space.base + image->refilled, size);
        image->refilled += size;
    }
}

/* Reads from the journal into a page of the space, or a part of it. Where the file has no block for
 * the page, and its file system, in memory, is full, not even a private copy can be had: the system
 * says so to a read, where a store would end the process. Zero memory takes the place then. */
static int
read_journal(struct tn_image *image, uint64_t page, size_t size, uint64_t at)
{
    size_t got;
    char *start = tn_page_start(image, (size_t)page);
    int failed = tn_file_read(image->journal.file, start, size, at, &got);
    if (failed == EFAULT && tn_os_page_size() == TN_PAGE && tn_map_zero(start, TN_PAGE) == 0) {
        tn_map_small_pages(start, TN_PAGE);
        failed = tn_file_read(image->journal.file, start, size, at, &got);
    }
    return failed;
}

static int
clear_pages(struct tn_image *image, uint64_t page, uint64_t count)
{
    int failed = 0;
    for (uint64_t end = page + count; page < end && failed == 0; page++) {
        failed = read_journal(image, page, 1, 0);
        if (failed == 0) {
            memset(tn_page_start(image, (size_t)page), 0, TN_PAGE);
        }
    }
    return failed;
}

static int
lay_page(void *context, uint64_t page, uint64_t sum, uint64_t at)
{
    struct tn_image *image = context;
    (void)sum;
    int failed = extend(image, (size_t)(page + 1) << TN_PAGE_SHIFT);
    if (failed == 0) {
        failed = read_journal(image, page, TN_PAGE, at);
    }
    if (failed == 0 && image->logged.bits != NULL) {
        tn_page_set_add(&image->logged, page, 1);
        tn_page_set_remove(&image->hollow, page, 1);
        tn_page_set_remove(&image->patched, page, 1);
    }
    if (image->where != NULL) {
        image->where[page] = (uint32_t)(at >> TN_PAGE_SHIFT);
    }
    return failed;
}

static int
lay_change(void *context, uint64_t page, size_t at, const void *data, size_t size)
{
    struct tn_image *image = context;
    int failed = extend(image, (size_t)(page + 1) << TN_PAGE_SHIFT);
    if (failed == 0) {
        memcpy(tn_page_start(image, page) + at, data, size);
    }
    if (failed == 0 && image->logged.bits != NULL) {
        tn_page_set_add(&image->logged, page, 1);
        tn_page_set_remove(&image->hollow, page, 1);
        tn_page_set_add(&image->patched, page, 1);
    }
    return failed;
}

static int
lay_hole(void *context, uint64_t page, uint64_t count)
{
    struct tn_image *image = context;
    size_t size = (size_t)count << TN_PAGE_SHIFT;
    int failed = extend(image, (size_t)(page + count) << TN_PAGE_SHIFT);
    if (failed == 0 && size >= ZERO_BY_MAPPING && size % tn_os_page_size() == 0) {
        failed = tn_map_zero(tn_page_start(image, page), size);
    } else if (failed == 0) {
        failed = clear_pages(image, page, count);
    }
    if (failed == 0 && image->logged.bits != NULL) {
        tn_page_set_add(&image->hollow, page, count);
        tn_page_set_remove(&image->logged, page, count);
        tn_page_set_remove(&image->patched, page, count);
    }
    return failed;
}

/* Pages of the journal as the seal says, without a look at them. */
static int
lay_runs(struct tn_image *image)
{
    const struct tn_journal *journal = &image->journal;
    int failed = 0;
    for (size_t i = 0; i < journal->runs && failed == 0; i++) {
        const struct tn_run *run = &journal->run[i];
        size_t end = (size_t)(run->page + run->count) << TN_PAGE_SHIFT;
        size_t size = (size_t)run->count << TN_PAGE_SHIFT;
        char *start = tn_page_start(image, (size_t)run->page);
        failed = extend(image, end);
        if (failed == 0 && run->at != 0) {
            failed = tn_map_file(start, size, journal->file, run->at, TN_MAP_PRIVATE);
        } else if (failed == 0) {
            failed = tn_map_zero(start, size);
        }
        if (failed == 0) {
            tn_map_small_pages(start, size);
            image->mapped = run->at != 0 ? tn_max(image->mapped, end) : image->mapped;
        }
        for (size_t k = 0; k < run->count && run->at != 0 && image->where != NULL; k++) {
            image->where[run->page + k] = (uint32_t)((run->at >> TN_PAGE_SHIFT) + k);
        }
        if (failed == 0 && image->logged.bits != NULL) {
            tn_page_set_add(run->at != 0 ? &image->logged : &image->hollow, (size_t)run->page,
                            (size_t)run->count);
        }
    }
    return failed;
}

int
tn_map_off_journal(struct tn_image *image)
{
    int failed = 0;
    size_t file = image->file_end;
    for (size_t i = 0; i < image->journal.runs && failed == 0; i++) {
        const struct tn_run *run = &image->journal.run[i];
        size_t at = (size_t)run->page << TN_PAGE_SHIFT;
        size_t end = at + ((size_t)run->count << TN_PAGE_SHIFT);
        size_t middle = tn_min(tn_max(at, file), end);
        if (run->at == 0) {
            continue;
        }
        if (middle > at) {
            failed = tn_map_file(image->space.base + at, middle - at, tn_file_to_map(image),
                                 image->head.space_at + at, TN_MAP_PRIVATE);
        }
        if (failed == 0 && end > middle) {
            failed = tn_map_zero(image->space.base + middle, end - middle);
        }
        if (failed == 0) {
            tn_map_small_pages(image->space.base + at, end - at);
            tn_map_watch(image, image->space.base + at, end - at);
        }
    }
    if (failed == 0) {
        tn_seal_forget(image);
    }
    return failed;
}

int
tn_map_committed(struct tn_image *image)
{
    int failed = map_file(image);
    if (failed == 0 && image->journal.file >= 0) {
        if (image->logged.bits != NULL) {
            tn_page_set_clear(&image->logged);
            tn_page_set_clear(&image->hollow);
            tn_page_set_clear(&image->patched);
        }
        failed = lay_runs(image);
        uint64_t from = tn_max(image->journal.sealed_end, TN_PAGE);
        if (failed == 0) {
            static const struct tn_replay lay = {lay_page, lay_hole, lay_change};
            failed = tn_journal_replay(image, from, &lay, image);
        }
    }
    const struct tn_map *map = (const struct tn_map *)image->space.base;
    if (failed == 0 && image->usable >= TN_SPACE_HEAD &&
        map->committed <= image->head.capacity >> TN_SLICE_SHIFT) {
        failed = extend(image, (size_t)map->committed << TN_SLICE_SHIFT);
    }
    if (failed == 0 && image->flags & TARN_READ_ONLY && image->usable != 0) {
        failed = tn_map_protect(image->space.base, image->usable, false);
    }
    if (failed != 0) {
        return tn_fail(failed, true, "%s: cannot be mapped", image->path);
    }
    return 0;
}
