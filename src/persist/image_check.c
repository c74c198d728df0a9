/* tarn_check: a file from its first byte to its last. */
#include "persist/check.h"

#include "base/bits.h"
#include "os/os.h"
#include "persist/sum.h"

#include <errno.h>
#include <string.h>

#define BLOCK (TN_PAGE / sizeof(uint64_t))

void
tn_check_say(struct tn_checker *checker, const char *what, uint64_t offset)
{
    if (checker->stopped) {
        return;
    }
    checker->count++;
    if (checker->report != NULL && !checker->report(checker->context, what, offset)) {
        checker->stopped = true;
    }
}

bool
tn_check_goes_on(struct tn_checker *checker, uint64_t done)
{
    if (!checker->stopped && checker->progress != NULL &&
        !checker->progress(checker->context, checker->done + done, checker->total)) {
        checker->stopped = true;
        checker->cancelled = true;
    }
    return !checker->stopped;
}

static void
check_superblock(struct tn_checker *checker, const struct tn_superblock *best,
                 const struct tn_superblock *copy, uint64_t at)
{
    if (tn_is_zero(copy, sizeof *copy)) {
        return; /* a making that did not get to the second one */
    }
    if (memcmp(copy->magic, TN_IMAGE_MAGIC, sizeof copy->magic) != 0 ||
        copy->sum != tn_sum(copy, offsetof(struct tn_superblock, sum))) {
        tn_check_say(checker, "a copy of the superblock is damaged", at);
    } else if (copy->serial != best->serial) {
        tn_check_say(checker, "a copy of the superblock is older than the other", at);
    }
}

/* Both superblocks, and that nothing is where nothing should be. */
static void
check_head(struct tn_checker *checker, struct tn_image *image)
{
    static const uint64_t used[][2] = {
        {0, sizeof(struct tn_superblock)},
        {TN_COPY_AT, sizeof(struct tn_superblock)},
        {TN_NOTICE_AT, sizeof(struct tn_notice)},
        {TN_MARK_AT, 2 * sizeof(struct tn_mark)},
    };
    static char head[TN_IMAGE_HEAD];
    static struct tn_lock lock = {.rank = TN_RANK_SPACE + 2};
    size_t got = 0;
    tn_lock(&lock);
    memset(head, 0, sizeof head);
    if (tn_file_read(image->file, head, sizeof head, 0, &got) == 0) {
        check_superblock(checker, &image->head, (const void *)head, 0);
        check_superblock(checker, &image->head, (const void *)(head + TN_COPY_AT), TN_COPY_AT);
        for (unsigned i = 0; i < 2; i++) {
            uint64_t at = TN_MARK_AT + i * sizeof(struct tn_mark);
            if (!tn_mark_is_whole(&image->head, (const void *)(head + at))) {
                tn_check_say(checker, "the number of its commit is damaged", at);
            }
        }
        for (unsigned i = 0; i < 4; i++) {
            size_t from = used[i][0] + used[i][1];
            size_t to = i < 3 ? used[i + 1][0] : sizeof head;
            if (!tn_is_zero(head + from, to - from)) {
                tn_check_say(checker, "there is something where nothing should be", from);
            }
        }
    }
    tn_unlock(&lock);
}

static bool
in_journal(const struct tn_image *image, size_t page)
{
    size_t first = page;
    size_t count;
    return (tn_page_set_next(&image->logged, &first, &count) && first == page) ||
           (first = page, tn_page_set_next(&image->hollow, &first, &count) && first == page);
}

static void
check_page(struct tn_checker *checker, struct tn_image *image, size_t page, uint64_t sum)
{
    const char *data = tn_page_start(image, page);
    bool right = sum != 0 ? tn_sum(data, TN_PAGE) == sum : tn_is_zero(data, TN_PAGE);
    if (!right && !in_journal(image, page)) {
        tn_check_say(checker, "a page is not what was written",
                     image->head.space_at + ((uint64_t)page << TN_PAGE_SHIFT));
    }
}

/* Pages with a sum are what they were; pages without are zero. Holes of the file are left out. */
static void
check_sums(struct tn_checker *checker, struct tn_image *image)
{
    uint64_t sums[BLOCK];
    size_t pages = image->mapped >> TN_PAGE_SHIFT;
    size_t blocks = (pages + BLOCK - 1) / BLOCK;
    uint64_t start = 0;
    uint64_t end = 0;
    for (size_t block = 0; block < blocks && !checker->stopped; block++) {
        uint64_t at = image->head.sums_at + block * TN_PAGE;
        uint64_t data = image->head.space_at + block * BLOCK * TN_PAGE;
        size_t got = 0;
        if (data >= end) {
            start = data;
            if (tn_file_next_data(image->file, &start, &end) == ENXIO) {
                start = UINT64_MAX;
                end = UINT64_MAX;
            }
        }
        memset(sums, 0, sizeof sums);
        if (tn_file_read(image->file, sums, sizeof sums, at, &got) != 0) {
            tn_check_say(checker, "sums cannot be read", at);
            return;
        }
        bool hole = start >= data + BLOCK * TN_PAGE;
        if (!tn_check_goes_on(checker, block * BLOCK * TN_PAGE)) {
            return;
        }
        for (size_t i = 0; i < BLOCK && block * BLOCK + i < pages; i++) {
            if (sums[i] != 0 || !hole) {
                check_page(checker, image, block * BLOCK + i, sums[i]);
            }
        }
    }
}

/* Behind the sums of the file's pages nothing should be. */
static void
check_rest_of_sums(struct tn_checker *checker, struct tn_image *image)
{
    char buffer[TN_PAGE];
    uint64_t at = image->head.sums_at + (image->mapped >> TN_PAGE_SHIFT) * sizeof(uint64_t);
    uint64_t end = 0;
    if (image->journal.end > TN_PAGE) {
        return; /* a checkpoint that was cut short may have got no further than the sums */
    }
    while (at < image->head.space_at && !checker->stopped) {
        size_t got = 0;
        if (at >= end && tn_file_next_data(image->file, &at, &end) == ENXIO) {
            return;
        }
        size_t part = at < image->head.space_at
                          ? tn_min(sizeof buffer - at % TN_PAGE, image->head.space_at - at)
                          : 0;
        if (part == 0 || tn_file_read(image->file, buffer, part, at, &got) != 0 || got == 0) {
            return;
        }
        if (!tn_is_zero(buffer, got)) {
            tn_check_say(checker, "there is a sum of a page that is not there", at);
        }
        at += got;
    }
}

static void
check_size(struct tn_checker *checker, struct tn_image *image)
{
    struct tn_file_facts facts = {0};
    tn_file_facts(image->file, &facts);
    if (image->journal.end <= TN_PAGE && image->space.map->frontier >= image->space.map->first &&
        image->space.map->frontier <= image->head.capacity >> TN_SLICE_SHIFT &&
        facts.size < tn_file_size_needed(image)) {
        tn_check_say(checker, "the file is truncated", facts.size);
    }
}

/* -1: what there is to check cannot be reached, for a reason that is no damage. */
static int
check_image(struct tn_checker *checker, struct tn_image *image)
{
    if (tn_image_lock_to_read(image) != 0) {
        return -1;
    }
    bool damaged = tn_superblock_read(image->path, image->file, &image->head) != 0;
    if (!damaged) {
        check_head(checker, image);
        damaged = tn_journal_find(image, true) != 0 || tn_map_anywhere(image) != 0;
    }
    if (damaged) {
        if (errno != EBADMSG && errno != EINVAL) {
            return -1;
        }
        tn_check_say(checker, tarn_error(), 0);
        return 0;
    }
    check_size(checker, image);
    tn_check_seal(checker, image);
    checker->total = 2 * (uint64_t)image->mapped;
    if (image->head.flags & TN_IMAGE_SUMS) {
        check_sums(checker, image);
        check_rest_of_sums(checker, image);
    }
    if (image->head.flags & TN_IMAGE_OPEN) {
        tn_check_say(checker, "was not closed in shared mode",
                     offsetof(struct tn_superblock, flags));
    }
    checker->done = image->mapped;
    tn_check_space(checker, image->space.base, image->head.capacity, &image->head,
                   image->head.space_at);
    if (checker->no_memory) {
        return tn_fail(ENOMEM, false, "%s: no memory for the check of its pools", image->path);
    }
    return checker->cancelled ? tn_fail(ECANCELED, false, "%s: the check was stopped", image->path)
                              : 0;
}

int
tarn_check(const char *path, bool (*report)(void *context, const char *what, uint64_t offset),
           void *context)
{
    return tarn_check_told(path, report, NULL, context);
}

int
tarn_check_told(const char *path, bool (*report)(void *context, const char *what, uint64_t offset),
                tarn_progress progress, void *context)
{
    struct tn_checker checker = {.report = report, .progress = progress, .context = context};
    struct tn_image *image = tn_image_open(path, TARN_READ_ONLY, TN_FILE_READ, 0, NULL);
    if (image == NULL) {
        return -1;
    }
    int result = check_image(&checker, image);
    tn_image_free(image);
    return result != 0 ? -1 : checker.count;
}

int
tarn_check_heap(tarn_heap *heap, bool (*report)(void *context, const char *what, uint64_t offset),
                void *context)
{
    struct tn_image *image = tn_image_of(heap);
    if (image == NULL) {
        return -1;
    }
    struct tn_checker checker = {.report = report, .context = context};
    TN_LOOK_AWAY;
    tn_check_space(&checker, image->space.base, image->usable, &image->head, 0);
    if (checker.no_memory) {
        return tn_fail(ENOMEM, false, "%s: no memory for the check of its pools", image->path);
    }
    return checker.count;
}
