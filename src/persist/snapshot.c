/* A copy of the last commit as an image of its own. */
#include "persist/image.h"

#include "base/bits.h"
#include "base/text.h"
#include "os/os.h"
#include "persist/sum.h"

#include <errno.h>
#include <string.h>

#define CHUNK ((size_t)1 << 20)

struct copy {
    struct tn_image *image;
    tarn_progress progress;
    void *context;
    int to;
    char page[TN_PAGE];
};

/* Data only: holes stay holes. */
static int
copy_data(const struct copy *copy, uint64_t size)
{
    int from = copy->image->file;
    int to = copy->to;
    char *buffer = tn_os_reserve(CHUNK, TN_PAGE);
    if (buffer == NULL || !tn_os_commit(buffer, CHUNK)) {
        return ENOMEM;
    }
    uint64_t start = 0;
    uint64_t end = 0;
    int failed = tn_file_resize(to, size);
    while (failed == 0 && start < size) {
        failed = tn_file_next_data(from, &start, &end);
        if (failed == ENXIO) {
            failed = 0;
            break;
        }
        while (failed == 0 && start < end) {
            size_t got;
            failed = tn_file_read(from, buffer, tn_min(CHUNK, end - start), start, &got);
            if (failed == 0 && got == 0) {
                break;
            }
            failed = failed == 0 ? tn_file_write(to, buffer, got, start) : failed;
            start += got;
            if (failed == 0 && copy->progress != NULL &&
                !copy->progress(copy->context, tn_min(start, size), size)) {
                failed = ECANCELED;
            }
        }
        start = end;
    }
    tn_os_release(buffer, CHUNK);
    return failed;
}

static int
write_sum(struct copy *copy, uint64_t page, uint64_t sum)
{
    if (!(copy->image->head.flags & TN_IMAGE_SUMS)) {
        return 0;
    }
    return tn_file_write(copy->to, &sum, sizeof sum, copy->image->head.sums_at + page * sizeof sum);
}

static int
copy_page(void *context, uint64_t page, uint64_t sum, uint64_t at)
{
    struct copy *copy = context;
    size_t got;
    int failed = tn_file_read(copy->image->journal.file, copy->page, TN_PAGE, at, &got);
    if (failed == 0) {
        failed = tn_file_write(copy->to, copy->page, TN_PAGE,
                               copy->image->head.space_at + (page << TN_PAGE_SHIFT));
    }
    return failed == 0 ? write_sum(copy, page, sum) : failed;
}

static int
copy_hole(void *context, uint64_t page, uint64_t count)
{
    struct copy *copy = context;
    memset(copy->page, 0, sizeof copy->page);
    int failed = tn_file_punch(copy->to, copy->image->head.space_at + (page << TN_PAGE_SHIFT),
                               count << TN_PAGE_SHIFT);
    bool zeros = failed == EOPNOTSUPP || failed == ENOSYS;
    failed = zeros ? 0 : failed;
    for (uint64_t i = page; i < page + count && failed == 0; i++) {
        if (zeros) {
            failed = tn_file_write(copy->to, copy->page, TN_PAGE,
                                   copy->image->head.space_at + (i << TN_PAGE_SHIFT));
        }
        failed = failed == 0 ? write_sum(copy, i, 0) : failed;
    }
    return failed;
}

static int
copy_change(void *context, uint64_t page, size_t at, const void *data, size_t size)
{
    struct copy *copy = context;
    uint64_t place = copy->image->head.space_at + (page << TN_PAGE_SHIFT);
    size_t got;
    memset(copy->page, 0, sizeof copy->page);
    int failed = tn_file_read(copy->to, copy->page, TN_PAGE, place, &got);
    if (failed == 0) {
        memcpy(copy->page + at, data, size);
        failed = tn_file_write(copy->to, copy->page, TN_PAGE, place);
    }
    return failed == 0 ? write_sum(copy, page, tn_sum(copy->page, TN_PAGE)) : failed;
}

static int
grow_to_last_page(void *context, uint64_t page, uint64_t sum, uint64_t at)
{
    uint64_t *end = context;
    (void)sum, (void)at;
    *end = tn_max(*end, page + 1);
    return 0;
}

static int
ignore_hole(void *context, uint64_t page, uint64_t count)
{
    (void)context, (void)page, (void)count;
    return 0;
}

static int
grow_to_change(void *context, uint64_t page, size_t at, const void *data, size_t size)
{
    (void)data, (void)size;
    return grow_to_last_page(context, page, 0, at);
}

/* As long as the last slice in use asks for. */
static int
set_length(struct tn_image *image, int to, uint64_t had)
{
    uint64_t end = 0;
    static const struct tn_replay grow = {grow_to_last_page, ignore_hole, grow_to_change};
    int failed = tn_journal_replay(image, TN_PAGE, &grow, &end);
    uint64_t size = image->head.space_at + tn_align_up((size_t)end << TN_PAGE_SHIFT, TN_SLICE);
    return failed == 0 && size > had ? tn_file_resize(to, size) : failed;
}

/* A superblock of its own: the copy has no journal, and takes none that lies about. */
static int
write_head(struct tn_image *image, int to)
{
    struct tn_superblock head = image->head;
    static const struct tn_notice nobody;
    head.id[0] = tn_os_random();
    head.id[1] = tn_os_random();
    head.serial = 1;
    if (!tn_image_is_doubted(image)) {
        head.flags &= ~(uint32_t)TN_IMAGE_OPEN;
    }
    head.sum = tn_sum(&head, offsetof(struct tn_superblock, sum));
    int failed = tn_file_write(to, &head, sizeof head, 0);
    failed = failed == 0 ? tn_file_write(to, &head, sizeof head, TN_COPY_AT) : failed;
    failed = failed == 0 ? tn_mark_write(&head, to, image->commit) : failed;
    return failed == 0 ? tn_file_write(to, &nobody, sizeof nobody, TN_NOTICE_AT) : failed;
}

static int
fill(struct copy *copy)
{
    struct tn_image *image = copy->image;
    struct tn_file_facts facts;
    int to = copy->to;
    int failed = tn_file_facts(image->file, &facts);
    if (failed == 0 && image->flags & TARN_SHARED && !image->unsure) {
        failed = tn_image_sync_memory(image);
    }
    /* What a failed sync did not write is in memory, if anywhere: blocks are not shared then. */
    if (failed == 0 && (tn_image_is_doubted(image) || tn_file_clone(image->file, to) != 0)) {
        failed = copy_data(copy, facts.size);
    }
    if (failed == 0 && image->journal.file >= 0) {
        static const struct tn_replay copying = {copy_page, copy_hole, copy_change};
        failed = set_length(image, to, facts.size);
        failed = failed == 0 ? tn_journal_replay(image, TN_PAGE, &copying, copy) : failed;
    }
    if (failed == 0) {
        failed = write_head(image, to);
    }
    return failed == 0 ? tn_file_sync(to) : failed;
}

/* Beside it, by a name that may be shorter. */
static int
name_while_written(const char *path, char *name, size_t size)
{
    const char *slash = strrchr(path, '/');
    size_t folder = slash != NULL ? (size_t)(slash + 1 - path) : 0;
    if (folder >= size) {
        return ENAMETOOLONG;
    }
    memcpy(name, path, folder);
    size_t length =
        tn_text(name + folder, size - folder, "tarn-%p", (void *)(uintptr_t)tn_os_random());
    return folder + length >= size - 1 ? ENAMETOOLONG : 0;
}

/* Under another name until it is whole. */
static int
write_snapshot(struct copy *copy, const char *path)
{
    char name[4096];
    struct tn_file_facts facts;
    int failed = tn_file_facts(copy->image->file, &facts);
    failed = failed == 0 ? name_while_written(path, name, sizeof name) : failed;
    if (failed != 0) {
        return failed;
    }
    failed = tn_file_open(name, TN_FILE_WRITE | TN_FILE_NEW, facts.mode, &copy->to);
    if (failed != 0) {
        return failed;
    }
    failed = fill(copy);
    tn_file_close(copy->to);
    if (failed == 0) {
        failed = tn_file_rename_new(name, path);
    }
    if (failed != 0) {
        tn_file_remove(name);
        return failed;
    }
    return tn_file_sync_folder(path);
}

int
tarn_snapshot(tarn_heap *heap, const char *path)
{
    return tarn_snapshot_told(heap, path, NULL, NULL);
}

int
tarn_snapshot_told(tarn_heap *heap, const char *path, tarn_progress progress, void *context)
{
    struct tn_image *image = tn_image_of(heap);
    if (image == NULL) {
        return -1;
    }
    if (image->child) {
        return tn_image_to_write(heap, "a snapshot") == NULL ? -1 : 0;
    }
    if (tn_journal_absent(path) != 0) {
        return -1;
    }
    int saved = errno;
    TN_LOOK_AWAY;
    tn_lock(&image->lock);
    struct copy copy = {.image = image, .progress = progress, .context = context};
    int failed = write_snapshot(&copy, path);
    tn_unlock(&image->lock);
    if (failed != 0) {
        return tn_fail(failed, true, "%s: no snapshot of %s can be written there", path,
                       image->path);
    }
    errno = saved;
    return 0;
}
