/* The file that a journal is, and its name. */
#include "persist/image.h"

#include "base/bits.h"
#include "base/text.h"

#include <errno.h>
#include <string.h>

/* There was none when it was looked for. Whoever may use the image may use its journal. */
int
tn_journal_make(struct tn_image *image)
{
    struct tn_journal *journal = &image->journal;
    struct tn_file_facts facts;
    int failed = tn_file_facts(image->file, &facts);
    if (failed == 0) {
        failed = tn_file_open(image->journal_path, TN_FILE_WRITE | TN_FILE_NEW, facts.mode,
                              &journal->file);
    }
    if (failed != 0) {
        journal->file = -1;
        return tn_fail(failed, true, "%s: cannot be made", image->journal_path);
    }
    tn_file_liken(journal->file, &facts);
    journal->in_folder = false;
    journal->size = 0;
    journal->written = 0;
    return 0;
}

int
tn_journal_remove(struct tn_image *image)
{
    struct tn_journal *journal = &image->journal;
    if (journal->file < 0) {
        return 0;
    }
    bool ours; /* not another image's, that was made when this one had been renamed */
    int failed = tn_file_is_at(journal->file, image->journal_path, &ours);
    if (failed == 0 && ours) {
        failed = tn_file_remove(image->journal_path);
    }
    if (failed == 0) {
        tn_seal_forget(image);
        tn_file_close(journal->file);
        journal->file = -1;
        journal->end = 0;
        failed = tn_file_sync_folder(image->journal_path);
    }
    if (failed != 0) {
        return tn_fail(failed, true, "%s: cannot be removed", image->journal_path);
    }
    return 0;
}

bool
tn_journal_may_begin(const struct tn_journal_head *head, size_t size)
{
    return tn_is_zero(head, size) ||
           memcmp(head->magic, TN_JOURNAL_MAGIC, tn_min(size, sizeof head->magic)) == 0;
}

/* Whether what is at a journal's place is one, or the beginning of one. */
static int
is_journal(int file, bool *is)
{
    struct tn_file_facts facts;
    struct tn_journal_head head;
    size_t got = 0;
    memset(&head, 0, sizeof head);
    *is = false;
    int failed = tn_file_facts(file, &facts);
    if (failed == 0 && facts.regular) {
        failed = tn_file_read(file, &head, sizeof head, 0, &got);
        *is = failed == 0 && tn_journal_may_begin(&head, got);
    }
    return failed;
}

int
tn_journal_clear(const char *path)
{
    int file;
    bool is;
    int failed = tn_file_open(path, TN_FILE_READ | TN_FILE_AT_ONCE | TN_FILE_NO_LINK, 0, &file);
    if (failed == ENOENT) {
        return 0;
    }
    if (failed == 0) {
        failed = is_journal(file, &is);
        tn_file_close(file);
    }
    if (failed == ELOOP || (failed == 0 && !is)) {
        return tn_fail(EEXIST, false, "%s: is there, and is no journal; move it away", path);
    }
    if (failed != 0) {
        return tn_fail(failed, true, "%s: cannot be opened", path);
    }
    failed = tn_file_remove(path);
    return failed == 0 ? 0 : tn_fail(failed, true, "%s: cannot be removed", path);
}

int
tn_journal_absent(const char *path)
{
    char name[4096];
    int file;
    if (tn_text(name, sizeof name, "%s-journal", path) >= sizeof name - 1) {
        return tn_fail(ENAMETOOLONG, true, "%s", path);
    }
    int failed = tn_file_open(name, TN_FILE_READ | TN_FILE_AT_ONCE | TN_FILE_NO_LINK, 0, &file);
    if (failed == 0) {
        tn_file_close(file);
    }
    if (failed == 0 || failed == ELOOP) {
        return tn_fail(EEXIST, false, "%s: is there already, where %s would have its journal", name,
                       path);
    }
    return failed == ENOENT || failed == ENOTDIR
               ? 0
               : tn_fail(failed, true, "%s: cannot be opened", name);
}
