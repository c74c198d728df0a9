/* Reading a journal that was left behind, or that another process is writing. */
#include "persist/image.h"

#include "base/bits.h"
#include "os/os.h"
#include "persist/sum.h"

#include <errno.h>
#include <string.h>

#define CHUNK ((size_t)64 * TN_PAGE)

static bool
read_all(int file, void *data, size_t size, uint64_t at, int *failed)
{
    size_t got = 0;
    *failed = tn_file_read(file, data, size, at, &got);
    return *failed == 0 && got == size;
}

static uint64_t
entries_of(const struct tn_record *record)
{
    return record->pages + record->holes + record->changes;
}

/* Whether a header at this place could be that of a record in a file of this size. */
static bool
is_header(const struct tn_image *image, const struct tn_record *record, uint64_t at, uint64_t size)
{
    if (record->magic != TN_RECORD_MAGIC || record->salt != image->journal.salt ||
        record->sum != tn_sum(record, offsetof(struct tn_record, sum))) {
        return false;
    }
    uint64_t most = size / sizeof(struct tn_entry);
    if (record->pages > size >> TN_PAGE_SHIFT || record->holes > most || record->changes > most ||
        record->index > size || entries_of(record) * sizeof(struct tn_entry) > record->index ||
        record->size > size - at || record->size % TN_GRAIN != 0) {
        return false;
    }
    uint64_t used = sizeof *record + record->index;
    uint64_t pages = record->pages << TN_PAGE_SHIFT;
    return record->size >= used + pages && record->size - used - pages < TN_PAGE &&
           (pages == 0 || (at + record->size) % TN_PAGE == 0);
}

/* An entry's place, and of a change the contents too. */
static bool
is_sound(const struct tn_record *record, uint64_t i, const struct tn_entry *entry, uint64_t pages,
         uint64_t *contents)
{
    if (i < record->pages + record->holes) {
        uint64_t count = i < record->pages ? 1 : entry->value;
        return entry->page < pages && count <= pages - entry->page;
    }
    uint64_t at = entry->value & UINT32_MAX;
    uint64_t size = entry->value >> 32;
    *contents += size;
    return entry->page < pages && at <= TN_PAGE && size <= TN_PAGE - at;
}

/* The index and the contents, checked; NULL: not whole, or *failed. To be released. */
static struct tn_entry *
read_index(struct tn_image *image, const struct tn_record *record, uint64_t at, int *failed)
{
    size_t bytes = (size_t)record->index;
    size_t room = tn_align_up(bytes + 1, TN_PAGE);
    uint64_t pages = image->head.capacity >> TN_PAGE_SHIFT;
    uint64_t contents = 0;
    struct tn_entry *entries = tn_os_reserve(room, TN_PAGE);
    if (entries == NULL || !tn_os_commit(entries, room)) {
        *failed = ENOMEM;
        return NULL;
    }
    bool whole = read_all(image->journal.file, entries, bytes, at + sizeof *record, failed) &&
                 tn_sum(entries, bytes) == record->index_sum;
    for (uint64_t i = 0; i < entries_of(record) && whole; i++) {
        whole = is_sound(record, i, &entries[i], pages, &contents);
    }
    if (!whole || contents != bytes - entries_of(record) * sizeof *entries) {
        tn_os_release(entries, room);
        return NULL;
    }
    return entries;
}

static void
release_index(struct tn_entry *entries, const struct tn_record *record)
{
    tn_os_release(entries, tn_align_up((size_t)record->index + 1, TN_PAGE));
}

static bool
pages_are_whole(struct tn_image *image, const struct tn_record *record,
                const struct tn_entry *entries, uint64_t at, char *buffer, int *failed)
{
    at = tn_record_data(record, at);
    for (uint64_t i = 0; i < record->pages;) {
        size_t bytes = tn_min(CHUNK, (size_t)(record->pages - i) << TN_PAGE_SHIFT);
        if (!read_all(image->journal.file, buffer, bytes, at, failed)) {
            return false;
        }
        for (size_t k = 0; k < bytes; k += TN_PAGE, i++) {
            if (tn_sum(buffer + k, TN_PAGE) != entries[i].value) {
                return false;
            }
        }
        at += bytes;
    }
    return true;
}

/* Whether the journal's next record is there in full. */
static bool
next_is_whole(struct tn_image *image, struct tn_record *record, uint64_t commit, uint64_t size,
              char *buffer, int *failed)
{
    uint64_t at = image->journal.end;
    *failed = 0;
    if (at + sizeof *record > size ||
        !read_all(image->journal.file, record, sizeof *record, at, failed)) {
        memset(record, 0, sizeof *record);
        return false;
    }
    if (!is_header(image, record, at, size) || record->commit != commit ||
        record->chain != image->journal.chain) {
        return false;
    }
    struct tn_entry *entries = read_index(image, record, at, failed);
    if (entries == NULL) {
        return false;
    }
    bool whole = pages_are_whole(image, record, entries, at, buffer, failed);
    release_index(entries, record);
    return whole;
}

/* A record behind an incomplete one that was begun when all before it were durable: the incomplete
 * one was complete once. */
static bool
one_is_lost(struct tn_image *image, uint64_t commit, uint64_t size, char *buffer)
{
    uint64_t at = image->journal.end;
    int failed = 0;
    size_t step = CHUNK - TN_PAGE; /* the last headers may begin behind it */
    while (at < size && failed == 0) {
        struct tn_record record;
        size_t got;
        size_t part = tn_min(CHUNK, size - at);
        failed = tn_file_read(image->journal.file, buffer, part, at, &got);
        for (size_t k = 0; k < step && k + sizeof record <= got && failed == 0; k += TN_GRAIN) {
            memcpy(&record, buffer + k, sizeof record);
            if (is_header(image, &record, at + k, size) && record.commit > commit &&
                record.flags & TN_RECORD_DURABLE) {
                return true;
            }
        }
        at += step;
    }
    return false;
}

/* Goes on to the last complete record; *commit is the next one's number, record what is there. An
 * incomplete record may be one that another process is writing: when a later one is found behind it
 * it is complete by then, unless it is damaged, and a second look tells. */
static int
find_last(struct tn_image *image, struct tn_record *record, uint64_t *commit, bool *lost,
          char *buffer)
{
    struct tn_journal *journal = &image->journal;
    uint64_t missing = 0;
    uint64_t missed;
    do {
        struct tn_file_facts facts;
        int failed = tn_file_facts(journal->file, &facts);
        while (failed == 0 && next_is_whole(image, record, *commit, facts.size, buffer, &failed)) {
            journal->end += record->size;
            journal->chain = record->sum;
            ++*commit;
        }
        if (failed != 0) {
            return failed;
        }
        *lost = one_is_lost(image, *commit, facts.size, buffer);
        missed = missing;
        missing = *commit;
    } while (*lost && missing != missed);
    return 0;
}

int
tn_journal_reread(struct tn_image *image)
{
    struct tn_journal *journal = &image->journal;
    const uint64_t end = journal->end;
    const uint64_t chain = journal->chain;
    struct tn_record record;
    uint64_t commit = journal->first;
    char *buffer = tn_os_reserve(CHUNK, TN_PAGE);
    if (buffer == NULL || !tn_os_commit(buffer, CHUNK)) {
        return ENOMEM;
    }
    int failed = 0;
    journal->end = TN_PAGE;
    journal->chain = 0;
    while (journal->end < end && next_is_whole(image, &record, commit, end, buffer, &failed)) {
        journal->end += record.size;
        journal->chain = record.sum;
        commit++;
    }
    bool whole = journal->end == end && journal->chain == chain;
    journal->end = end;
    journal->chain = chain;
    tn_os_release(buffer, CHUNK);
    return failed == 0 && !whole ? EIO : failed;
}

/* What can be done with an image whose journal is damaged. */
static const char *
without_it(const struct tn_mark *mark)
{
    return mark->journal != 0 ? "the image is not whole without this journal"
                              : "without this journal the image opens at an earlier commit";
}

static int
find_records(struct tn_image *image, const struct tn_mark *mark)
{
    struct tn_journal *journal = &image->journal;
    char *buffer = tn_os_reserve(CHUNK, TN_PAGE);
    if (buffer == NULL || !tn_os_commit(buffer, CHUNK)) {
        return tn_fail(ENOMEM, true, "%s", image->path);
    }
    struct tn_record record;
    uint64_t commit = journal->first;
    bool lost = false;
    journal->end = TN_PAGE;
    journal->chain = 0;
    int failed = find_last(image, &record, &commit, &lost, buffer);
    tn_os_release(buffer, CHUNK);
    if (failed != 0) {
        return tn_fail(failed, true, "%s: cannot be read", image->journal_path);
    }
    if (lost) {
        return tn_fail(EBADMSG, false, "%s: damaged at %zu, behind which are later commits; %s",
                       image->journal_path, (size_t)journal->end, without_it(mark));
    }
    if (commit - 1 < mark->commit) {
        return tn_fail(EBADMSG, false,
                       "%s: ends at commit %zu, but the image is at %zu: it was written for an "
                       "earlier state of the file",
                       image->journal_path, (size_t)commit - 1, (size_t)mark->commit);
    }
    image->commit = commit - 1;
    image->redone = commit - 1 - mark->commit;
    image->dropped = record.magic == TN_RECORD_MAGIC && record.salt == journal->salt;
    if (journal->end == TN_PAGE) {
        journal->end = 0; /* its header may not be durable, and that of older records may be */
    }
    return 0;
}

/* No journal, or one with nothing in it. */
static int
find_none(const struct tn_image *image, const struct tn_mark *mark)
{
    if (mark->journal != 0) {
        return tn_fail(EBADMSG, false, "%s: is not whole without its journal, and %s is missing",
                       image->path, image->journal_path);
    }
    return 0;
}

int
tn_journal_find(struct tn_image *image, bool thorough)
{
    struct tn_journal *journal = &image->journal;
    bool write = !(image->flags & TARN_READ_ONLY);
    tn_file_close(journal->file);
    tn_seal_forget(image);
    journal->sealed = false;
    journal->loose = false;
    image->redone = 0;
    image->dropped = false;
    journal->end = 0;
    struct tn_mark mark;
    if (tn_mark_read(image, &mark) != 0) {
        return -1;
    }
    image->commit = mark.commit;
    unsigned how = (write ? TN_FILE_WRITE : TN_FILE_READ) | TN_FILE_AT_ONCE | TN_FILE_NO_LINK;
    int failed = tn_file_open(image->journal_path, how, 0, &journal->file);
    if (failed == ELOOP) {
        journal->file = -1;
        return tn_fail(EBADMSG, false, "%s: is a symbolic link, and no journal; move it away",
                       image->journal_path);
    }
    if (failed != 0) {
        journal->file = -1;
        return failed == ENOENT
                   ? find_none(image, &mark)
                   : tn_fail(failed, true, "%s: cannot be opened", image->journal_path);
    }
    struct tn_file_facts facts;
    struct tn_journal_head head;
    size_t got = 0;
    memset(&head, 0, sizeof head);
    failed = tn_file_facts(journal->file, &facts);
    if (failed == 0 && !facts.regular) {
        return tn_fail(EBADMSG, false, "%s: is no journal, nor a file; move it away",
                       image->journal_path);
    }
    if (failed == 0) {
        failed = tn_file_read(journal->file, &head, sizeof head, 0, &got);
    }
    if (failed != 0) {
        return tn_fail(failed, true, "%s: cannot be read", image->journal_path);
    }
    if (got < sizeof head && !tn_journal_may_begin(&head, got)) {
        return tn_fail(EBADMSG, false, "%s: is there, and is no journal; move it away",
                       image->journal_path);
    }
    if (got < sizeof head || tn_is_zero(&head, sizeof head)) {
        return find_none(image, &mark); /* begun, and nothing committed with it */
    }
    if (memcmp(head.magic, TN_JOURNAL_MAGIC, sizeof head.magic) != 0 ||
        head.sum != tn_sum(&head, offsetof(struct tn_journal_head, sum))) {
        return tn_fail(EBADMSG, false, "%s: its header is damaged; %s", image->journal_path,
                       without_it(&mark));
    }
    if (head.byte_order != TN_BYTE_ORDER || head.version != TN_IMAGE_VERSION) {
        return tn_fail(EINVAL, false, "%s: a journal of another version", image->journal_path);
    }
    if (head.id[0] != image->head.id[0] || head.id[1] != image->head.id[1]) {
        return tn_fail(EBADMSG, false, "%s: belongs to another image; move it away",
                       image->journal_path);
    }
    if (mark.journal != 0 && mark.journal != head.salt) {
        return tn_fail(EBADMSG, false, "%s: is not whole without its journal, and %s is another",
                       image->path, image->journal_path);
    }
    journal->salt = head.salt;
    journal->size = facts.size;
    journal->first = head.first;
    if (head.first > mark.commit + 1) {
        return tn_fail(EBADMSG, false,
                       "%s: begins at commit %zu, but the image is at %zu: it was written for a "
                       "later state of the file",
                       image->journal_path, (size_t)head.first, (size_t)mark.commit);
    }
    journal->in_folder = false; /* as far as this process knows */
    journal->durable = false;
    journal->kept = 0;
    journal->doubtful = false;
    struct tn_seal seal;
    bool sealed = tn_seal_read(image, facts.size, &seal);
    bool used = false;
    if (sealed && !thorough) {
        failed = tn_seal_use(image, &seal, &used);
        if (failed != 0) {
            return tn_fail(failed, true, "%s: cannot be read", image->journal_path);
        }
    }
    if (used) {
        return 0;
    }
    journal->sealed = true; /* or may be: what is there does not hold for records to come */
    if (find_records(image, &mark) != 0) {
        return -1;
    }
    if (sealed && journal->end < seal.end) {
        return tn_fail(EBADMSG, false, "%s: damaged at %zu, before its end when it was closed",
                       image->journal_path, (size_t)journal->end);
    }
    return 0;
}

static int
replay_one(const struct tn_record *record, const struct tn_entry *entry, uint64_t data,
           const struct tn_replay *replay, void *context)
{
    const char *contents = (const char *)(entry + entries_of(record));
    int failed = 0;
    for (uint64_t i = 0; i < record->pages && failed == 0; i++, entry++) {
        failed = replay->page(context, entry->page, entry->value, data + (i << TN_PAGE_SHIFT));
    }
    for (uint64_t i = 0; i < record->holes && failed == 0; i++, entry++) {
        failed = replay->hole(context, entry->page, entry->value);
    }
    for (uint64_t i = 0; i < record->changes && failed == 0; i++, entry++) {
        size_t at = (size_t)(entry->value & UINT32_MAX);
        size_t size = (size_t)(entry->value >> 32);
        failed = replay->change(context, entry->page, at, contents, size);
        contents += size;
    }
    return failed;
}

int
tn_journal_replay(struct tn_image *image, uint64_t from, const struct tn_replay *replay,
                  void *context)
{
    int failed = 0;
    for (uint64_t at = from; at < image->journal.end && failed == 0;) {
        struct tn_record record;
        if (!read_all(image->journal.file, &record, sizeof record, at, &failed)) {
            return failed != 0 ? failed : EIO;
        }
        if (!is_header(image, &record, at, image->journal.end)) {
            return EIO; /* it was whole before */
        }
        struct tn_entry *entries = read_index(image, &record, at, &failed);
        if (entries == NULL) {
            return failed != 0 ? failed : EIO;
        }
        failed = replay_one(&record, entries, tn_record_data(&record, at), replay, context);
        release_index(entries, &record);
        at += record.size;
    }
    return failed;
}
