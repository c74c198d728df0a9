#include "persist/image.h"

#include "base/bits.h"
#include "os/os.h"
#include "persist/sum.h"

#include <errno.h>
#include <string.h>

static const uint64_t places[2] = {0, TN_COPY_AT};

int
tn_superblock_make(struct tn_image *image, const tarn_options *options, size_t capacity)
{
    struct tn_superblock *head = &image->head;
    memset(head, 0, sizeof *head);
    memcpy(head->magic, TN_IMAGE_MAGIC, sizeof head->magic);
    head->byte_order = TN_BYTE_ORDER;
    head->version = TN_IMAGE_VERSION;
    head->engine = TN_ENGINE_VERSION;
    head->page = TN_PAGE;
    head->slice = TN_SLICE;
    head->pointer = sizeof(void *);
    head->id[0] = tn_os_random();
    head->id[1] = tn_os_random();
    head->capacity = capacity;
    head->sums_at = TN_IMAGE_HEAD;
    head->space_at = TN_IMAGE_HEAD + tn_align_up((capacity >> TN_PAGE_SHIFT) * 8, TN_SLICE);
    head->serial = 1;
    head->flags = options->flags & TARN_SHARED ? 0 : TN_IMAGE_SUMS;
    if (options->layout != NULL) {
        size_t length = strlen(options->layout);
        if (length >= sizeof head->layout) {
            return tn_fail(EINVAL, false, "%s: the layout's name is longer than %u bytes",
                           image->path, TN_LAYOUT_SIZE - 1u);
        }
        memcpy(head->layout, options->layout, length);
    }
    return 0;
}

static bool
is_whole(const struct tn_superblock *head)
{
    return memcmp(head->magic, TN_IMAGE_MAGIC, sizeof head->magic) == 0 &&
           head->sum == tn_sum(head, offsetof(struct tn_superblock, sum));
}

/* Of the two the one that counts; 2: neither. */
static unsigned
which_counts(const struct tn_superblock copies[2])
{
    if (!is_whole(&copies[0])) {
        return is_whole(&copies[1]) ? 1 : 2;
    }
    return is_whole(&copies[1]) && copies[1].serial > copies[0].serial ? 1 : 0;
}

static int
read_copies(int file, struct tn_superblock copies[2])
{
    size_t got;
    memset(copies, 0, 2 * sizeof *copies);
    int failed = tn_file_read(file, &copies[0], sizeof copies[0], places[0], &got);
    return failed == 0 ? tn_file_read(file, &copies[1], sizeof copies[1], places[1], &got) : failed;
}

/* What it speaks for is durable before; then first over the copy that does not count, so that there
 * is a whole one at any time. */
int
tn_superblock_write(struct tn_image *image)
{
    struct tn_superblock *head = &image->head;
    struct tn_superblock copies[2];
    int failed = read_copies(image->file, copies);
    unsigned first = which_counts(copies) == 0 ? 1 : 0;
    head->sum = tn_sum(head, offsetof(struct tn_superblock, sum));
    failed = failed == 0 ? tn_image_sync_file(image) : failed;
    for (unsigned i = 0; i < 2 && failed == 0; i++) {
        failed = tn_file_write(image->file, head, sizeof *head, places[first ^ i]);
        failed = failed == 0 ? tn_image_sync_file(image) : failed;
    }
    if (failed != 0) {
        return tn_fail(failed, true, "%s: its superblock cannot be written", image->path);
    }
    return 0;
}

/* Whether all numbers are such that nothing is computed wrongly from them. */
static const char *
strange(const struct tn_superblock *head)
{
    uint64_t pages = head->capacity >> TN_PAGE_SHIFT;
    if (head->capacity < TN_SPACE_LEAST || head->capacity % TN_SLICE != 0 ||
        head->capacity > (uint64_t)UINT32_MAX << TN_SLICE_SHIFT) {
        return "capacity";
    }
    if (head->base == 0 || head->base % TN_SPACE_ALIGN != 0 ||
        head->base + head->capacity < head->base) {
        return "address";
    }
    if (head->sums_at != TN_IMAGE_HEAD ||
        head->space_at != TN_IMAGE_HEAD + tn_align_up(pages * 8, TN_SLICE)) {
        return "layout of the file";
    }
    if (head->layout[TN_LAYOUT_SIZE - 1] != 0) {
        return "layout's name";
    }
    return NULL;
}

static int
judge(const char *path, const struct tn_superblock *head)
{
    if (head->version != TN_IMAGE_VERSION) {
        return tn_fail(EINVAL, false, "%s: an image of format version %u; this library reads %u",
                       path, head->version, TN_IMAGE_VERSION);
    }
    if (head->engine != TN_ENGINE_VERSION) {
        return tn_fail(EINVAL, false,
                       "%s: made by an engine of version %u; this library has version %u", path,
                       head->engine, TN_ENGINE_VERSION);
    }
    if (head->page != TN_PAGE || head->slice != TN_SLICE) {
        return tn_fail(EINVAL, false,
                       "%s: made with pages of %u and slices of %u bytes; here they "
                       "are %u and %u",
                       path, head->page, head->slice, (unsigned)TN_PAGE, (unsigned)TN_SLICE);
    }
    if (head->pointer != sizeof(void *)) {
        return tn_fail(EINVAL, false, "%s: made where pointers have %u bytes; here they have %u",
                       path, head->pointer, (unsigned)sizeof(void *));
    }
    if (head->incompatible & ~TN_KNOWN_INCOMPATIBLE) {
        return tn_fail(EINVAL, false, "%s: has features that this version does not know", path);
    }
    const char *what = strange(head);
    if (what != NULL) {
        return tn_fail(EBADMSG, false, "%s: the %s in its superblock cannot be right", path, what);
    }
    return 0;
}

bool
tn_superblock_is_whole_twice(int file)
{
    struct tn_superblock copies[2];
    return read_copies(file, copies) == 0 && is_whole(&copies[0]) &&
           memcmp(&copies[0], &copies[1], sizeof copies[0]) == 0;
}

int
tn_superblock_read(const char *path, int file, struct tn_superblock *head)
{
    struct tn_superblock copies[2];
    struct tn_file_facts facts;
    int failed = tn_file_facts(file, &facts);
    failed = failed == 0 ? read_copies(file, copies) : failed;
    if (failed != 0) {
        return tn_fail(failed, true, "%s: cannot be read", path);
    }
    if (facts.size == 0) {
        return tn_fail(EINVAL, false, "%s: is empty, no image", path);
    }
    unsigned best = which_counts(copies);
    if (best == 2) {
        bool magic = memcmp(copies[0].magic, TN_IMAGE_MAGIC, sizeof copies[0].magic) == 0 ||
                     memcmp(copies[1].magic, TN_IMAGE_MAGIC, sizeof copies[1].magic) == 0;
        uint32_t order = copies[0].byte_order;
        if (magic && order == __builtin_bswap32(TN_BYTE_ORDER)) {
            return tn_fail(EINVAL, false, "%s: made on a machine of the other byte order", path);
        }
        if (magic && copies[0].sum == 0 && tn_is_zero(&copies[1], sizeof copies[1])) {
            return tn_fail(EINVAL, false, "%s: is no image yet, its making was not finished", path);
        }
        if (magic) {
            return tn_fail(EBADMSG, false, "%s: both copies of its superblock are damaged", path);
        }
        return tn_fail(EINVAL, false, "%s: is no image of Tarn's", path);
    }
    *head = copies[best];
    return judge(path, head);
}

static uint64_t
sum_of_mark(const struct tn_superblock *head, const struct tn_mark *mark)
{
    const uint64_t all[] = {head->id[0], head->id[1], mark->commit, mark->journal};
    return tn_sum(all, sizeof all);
}

bool
tn_mark_is_whole(const struct tn_superblock *head, const struct tn_mark *mark)
{
    static const struct tn_mark zero;
    return mark->sum == sum_of_mark(head, mark) &&
           memcmp(mark->zero, zero.zero, sizeof zero.zero) == 0;
}

int
tn_mark_read(const struct tn_image *image, struct tn_mark *mark)
{
    struct tn_mark marks[2];
    size_t got;
    int failed = tn_file_read(image->file, marks, sizeof marks, TN_MARK_AT, &got);
    if (failed != 0) {
        return tn_fail(failed, true, "%s: cannot be read", image->path);
    }
    const struct tn_mark *best = NULL;
    for (unsigned i = 0; i < 2; i++) {
        if (got < (i + 1) * sizeof *marks || !tn_mark_is_whole(&image->head, &marks[i])) {
            continue;
        }
        if (best == NULL || marks[i].commit > best->commit ||
            (marks[i].commit == best->commit && marks[i].journal == 0)) {
            best = &marks[i];
        }
    }
    if (best == NULL) {
        return tn_fail(EBADMSG, false, "%s: the number of its commit is damaged", image->path);
    }
    *mark = *best;
    return 0;
}

static int
write_marks(const struct tn_superblock *head, int file, struct tn_mark mark)
{
    mark.sum = sum_of_mark(head, &mark);
    const struct tn_mark marks[2] = {mark, mark};
    return tn_file_write(file, marks, sizeof marks, TN_MARK_AT);
}

int
tn_mark_write(const struct tn_superblock *head, int file, uint64_t commit)
{
    return write_marks(head, file, (struct tn_mark){.commit = commit});
}

int
tn_mark_bind(struct tn_image *image)
{
    struct tn_mark mark = {.commit = image->commit, .journal = image->journal.salt};
    int failed = write_marks(&image->head, image->file, mark);
    return failed == 0 ? tn_image_sync_file(image) : failed;
}
