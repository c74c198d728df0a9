/* A seal is a word that opening takes without a look: here it is looked at. What opens by it must
 * be what the journal's records say. */
#include "persist/check.h"

#include <string.h>

static void
say_page(struct tn_checker *checker, const struct tn_image *image, size_t page)
{
    tn_check_say(checker, "the journal's seal leads to another page",
                 image->head.space_at + ((uint64_t)page << TN_PAGE_SHIFT));
}

/* Whether what a file has at a place, or zeros behind its end, is the committed page. */
static bool
is_page(const struct tn_image *image, int file, uint64_t at, size_t page)
{
    char found[TN_PAGE];
    size_t got = 0;
    memset(found, 0, sizeof found);
    return tn_file_read(file, found, sizeof found, at, &got) == 0 &&
           memcmp(found, tn_page_start(image, page), TN_PAGE) == 0;
}

static void
check_runs(struct tn_checker *checker, const struct tn_image *image, struct tn_page_set *covered)
{
    static const char zero[TN_PAGE];
    for (size_t i = 0; i < image->journal.runs && !checker->stopped; i++) {
        const struct tn_run *run = &image->journal.run[i];
        tn_page_set_add(covered, (size_t)run->page, (size_t)run->count);
        for (size_t k = 0; k < run->count && !checker->stopped; k++) {
            size_t page = (size_t)run->page + k;
            bool same = run->at != 0
                            ? is_page(image, image->journal.file, run->at + k * TN_PAGE, page)
                            : memcmp(tn_page_start(image, page), zero, TN_PAGE) == 0;
            if (!same) {
                say_page(checker, image, page);
            }
        }
    }
}

/* Pages of the records that no run has come from the file. */
static void
check_rest(struct tn_checker *checker, const struct tn_image *image,
           const struct tn_page_set *pages, const struct tn_page_set *covered)
{
    size_t first = 0;
    size_t count;
    for (; tn_page_set_next(pages, &first, &count); first += count) {
        for (size_t page = first; page < first + count && !checker->stopped; page++) {
            bool in_run;
            uint64_t at = image->head.space_at + ((uint64_t)page << TN_PAGE_SHIFT);
            tn_page_set_stretch(covered, page, 1, &in_run);
            if (!in_run && !is_page(image, image->file, at, page)) {
                say_page(checker, image, page);
            }
        }
    }
}

/* As an opening reads it, which knows no more than the file's own commit. */
static bool
read_seal(struct tn_image *image, struct tn_seal *seal)
{
    struct tn_mark mark;
    if (tn_mark_read(image, &mark) != 0) {
        return false;
    }
    uint64_t commit = image->commit;
    image->commit = mark.commit;
    bool is_there = tn_seal_read(image, image->journal.size, seal);
    image->commit = commit;
    return is_there;
}

void
tn_check_seal(struct tn_checker *checker, struct tn_image *image)
{
    struct tn_journal *journal = &image->journal;
    uint64_t end = journal->end;
    uint64_t chain = journal->chain;
    uint64_t commit = image->commit;
    struct tn_page_set covered;
    struct tn_seal seal;
    bool used;
    if (journal->file < 0 || end == 0 || !read_seal(image, &seal) ||
        tn_seal_use(image, &seal, &used) != 0 || !used) {
        return; /* what a crash may leave: the records count */
    }
    if (seal.commit > commit && seal.end != end) {
        return; /* of a writer that went on and closed it meanwhile */
    }
    if (seal.end != end || seal.chain != chain || seal.commit != commit) {
        tn_check_say(checker, "the journal's seal is of other records", 0);
        return;
    }
    if (!tn_page_set_init(&covered, image->head.capacity >> TN_PAGE_SHIFT)) {
        return;
    }
    check_runs(checker, image, &covered);
    check_rest(checker, image, &image->logged, &covered);
    check_rest(checker, image, &image->hollow, &covered);
    tn_page_set_release(&covered);
}
