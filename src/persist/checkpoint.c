/* From the journal to the file. The file is written only here (and, in shared mode, by the
 * mapping). */
#include "persist/image.h"

#include "base/bits.h"
#include "persist/sum.h"

#include <errno.h>
#include <string.h>

#define BLOCK TN_PAGE / sizeof(uint64_t) /* pages whose sums lie in one page */

/* The sums of one block of pages at a time. */
struct sums {
    struct tn_image *image;
    size_t block; /* SIZE_MAX: none */
    uint64_t sum[BLOCK];
};

static uint64_t
place_of_sums(const struct tn_image *image, size_t block)
{
    return image->head.sums_at + block * TN_PAGE;
}

static int
save_sums(struct sums *sums)
{
    if (sums->block == SIZE_MAX) {
        return 0;
    }
    return tn_file_write(sums->image->file, sums->sum, sizeof sums->sum,
                         place_of_sums(sums->image, sums->block));
}

static int
load_sums(struct sums *sums, size_t block)
{
    if (block == sums->block) {
        return 0;
    }
    int failed = save_sums(sums);
    sums->block = SIZE_MAX;
    if (failed == 0) {
        size_t got;
        memset(sums->sum, 0, sizeof sums->sum);
        failed = tn_file_read(sums->image->file, sums->sum, sizeof sums->sum,
                              place_of_sums(sums->image, block), &got);
    }
    if (failed == 0) {
        sums->block = block;
    }
    return failed;
}

static int
sum_pages(struct sums *sums, size_t first, size_t count, bool hole)
{
    if (!(sums->image->head.flags & TN_IMAGE_SUMS)) {
        return 0;
    }
    for (size_t page = first; page < first + count; page++) {
        int failed = load_sums(sums, page / (BLOCK));
        if (failed != 0) {
            return failed;
        }
        sums->sum[page % (BLOCK)] = hole ? 0 : tn_sum(tn_page_start(sums->image, page), TN_PAGE);
    }
    return 0;
}

/* A hole, or zeros where the file system makes none; behind the file's end there is nothing. */
static int
make_hole(struct tn_image *image, size_t first, size_t count, uint64_t file_size)
{
    static const char zeros[16 * TN_PAGE];
    uint64_t at = image->head.space_at + ((uint64_t)first << TN_PAGE_SHIFT);
    uint64_t size = (uint64_t)count << TN_PAGE_SHIFT;
    if (at >= file_size) {
        return 0;
    }
    int failed = tn_file_punch(image->file, at, size);
    if (failed != EOPNOTSUPP && failed != ENOSYS) {
        return failed;
    }
    failed = 0;
    for (uint64_t end = tn_min(at + size, file_size); at < end && failed == 0;) {
        size_t part = tn_min(sizeof zeros, end - at);
        failed = tn_file_write(image->file, zeros, part, at);
        at += part;
    }
    return failed;
}

int
tn_write_pages(struct tn_image *image, const struct tn_page_set *pages,
               const struct tn_page_set *holes)
{
    struct sums sums = {.image = image, .block = SIZE_MAX};
    struct tn_file_facts facts;
    size_t first = 0;
    size_t count;
    int failed = tn_file_facts(image->file, &facts);
    for (; failed == 0 && tn_page_set_next(pages, &first, &count); first += count) {
        uint64_t at = image->head.space_at + ((uint64_t)first << TN_PAGE_SHIFT);
        failed =
            tn_file_write(image->file, tn_page_start(image, first), count << TN_PAGE_SHIFT, at);
        if (failed == 0) {
            failed = sum_pages(&sums, first, count, false);
        }
    }
    first = 0;
    for (; failed == 0 && tn_page_set_next(holes, &first, &count); first += count) {
        failed = make_hole(image, first, count, facts.size);
        if (failed == 0) {
            failed = sum_pages(&sums, first, count, true);
        }
    }
    return failed != 0 ? failed : save_sums(&sums);
}

uint64_t
tn_file_size_needed(const struct tn_image *image)
{
    const struct tn_map *map = image->space.map;
    uint64_t end = map->frontier;
    const struct tn_slab *last = &image->space.slabs[map->frontier - 1];
    if (map->frontier > map->first && tn_kind(last) == TN_FREE &&
        last->back < map->frontier - map->first) {
        end = map->frontier - 1 - last->back;
    }
    return image->head.space_at + (end << TN_SLICE_SHIFT);
}

static int
bring_to_file(struct tn_image *image)
{
    struct tn_journal *journal = &image->journal;
    struct tn_file_facts facts;
    int failed = journal->durable && journal->in_folder ? 0 : tn_journal_sync(image, 0);
    failed = failed == 0 ? tn_mark_bind(image) : failed;
    if (failed == 0) {
        failed = tn_write_pages(image, &image->logged, &image->hollow);
    }
    if (failed == 0) {
        failed = tn_file_facts(image->file, &facts);
    }
    uint64_t needed = tn_file_size_needed(image);
    size_t end = (size_t)(needed - image->head.space_at);
    if (failed == 0 && facts.size > needed) {
        failed = tn_map_shorten(image, end);
    }
    if (failed == 0 && facts.size != needed) {
        failed = tn_file_resize(image->file, needed);
    }
    failed = failed == 0 ? tn_image_sync_file(image) : failed;
    failed = failed == 0 ? tn_mark_write(&image->head, image->file, image->commit) : failed;
    failed = failed == 0 ? tn_image_sync_file(image) : failed;
    if (failed == 0) {
        image->unsure = false;
        image->file_end = end;
        image->tail = 0;
        failed = tn_map_off_journal(image);
    }
    return failed;
}

/* What was written is in memory still: mapping it spares a page fault for each page. */
static int
give_memory_back(struct tn_image *image)
{
    size_t first = 0;
    size_t count;
    int result = tn_map_anew(image);
    while (result == 0 && tn_page_set_next(&image->logged, &first, &count)) {
        tn_map_what_is_there(tn_page_start(image, first), count << TN_PAGE_SHIFT);
        first += count;
    }
    return result;
}

int
tn_checkpoint(struct tn_image *image, bool give_back)
{
    if (image->journal.end <= TN_PAGE) {
        return 0;
    }
    if (tn_image_has_lost(image)) {
        int failed = tn_seal_break(image); /* opening takes all from the records then */
        return tn_fail(failed != 0 ? failed : EIO, false,
                       "%s: a sync of it failed when it had pages of an earlier session that were "
                       "not synced; close it and open it again",
                       image->path);
    }
    int failed = tn_file_lock(image->file, TN_LOCK_READERS, TN_LOCK_ALONE, false);
    if (failed == EAGAIN) {
        return tn_fail(EBUSY, false, "%s: readers use it; its journal stays for now", image->path);
    }
    if (failed == 0) {
        failed = bring_to_file(image);
    }
    int result = 0;
    if (failed != 0) {
        result =
            tn_fail(failed, true, "%s: the journal's pages cannot be written to it", image->path);
    } else {
        result = give_back ? give_memory_back(image) : 0;
        tn_page_set_clear(&image->logged);
        tn_page_set_clear(&image->hollow);
        tn_page_set_clear(&image->patched);
        result = tn_journal_restart(image) != 0 ? -1 : result;
    }
    tn_file_lock(image->file, TN_LOCK_READERS, TN_UNLOCK, false);
    return result;
}
