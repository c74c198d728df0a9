/*
 * The journal: what was committed and is not in the file yet.
 *
 * A record is one commit: header, index, contents of changes, pages. It counts iff its header, its
 * index with the contents and all its pages bear the sums they should, it has the journal's salt
 * and its number follows, and its chain names the record before it: so an incomplete record at the
 * end, and whatever an earlier use of the journal left behind it, count for nothing.
 *
 * Changes of parts of pages may be applied to any mixture of the older states of a page, as a
 * checkpoint that was cut short leaves one: every byte in which they differ is in a later change.
 *
 * The journal is begun anew (another salt) only after the file has all that its records have, and
 * that is durable, in its mark too; and records are overwritten only after the new header is
 * durable. A crash in between finds records that the file has already, in full, and replaying them
 * changes nothing.
 */
#include "persist/image.h"

#include "base/bits.h"
#include "os/os.h"
#include "persist/sum.h"

#include <errno.h>
#include <string.h>

#define PARTS_MOST 1000u
#define PIECE_MOST                                                                                 \
    TN_MIB /* of a large record, for the disk to begin with: each costs a request                  \
            */
#define PIECES_LEAST 4u
#define CHUNK        ((size_t)64) /* pages summed, then written, while they are in the cache */
#define AHEAD        2u           /* pages: while one is summed the processor fetches */
#define AHEAD_BYTES  512u         /* the beginning of this one; then it sees what comes */
#define KEPT         ((size_t)64 << 10)    /* bytes of an index whose memory is kept */
#define STEP_LEAST   ((uint64_t)256 << 10) /* the file grows by half, within these bounds */
#define STEP_MOST    ((uint64_t)16 << 20)
#define ZEROS        ((size_t)256 << 10) /* written ahead of small records */

struct writer {
    struct tn_image *image;
    struct iovec parts[PARTS_MOST];
    unsigned count;
    size_t bytes;
    uint64_t at;
    uint64_t begun; /* up to here the disk works on it */
    uint64_t piece; /* bytes for it to begin with */
};

static int
flush(struct writer *writer)
{
    int failed = 0;
    if (writer->count > 0) {
        failed = tn_file_write_parts(writer->image->journal.file, writer->parts, writer->count,
                                     writer->at);
        writer->at += writer->bytes;
        writer->count = 0;
        writer->bytes = 0;
    }
    return failed;
}

static int
put(struct writer *writer, void *data, size_t size)
{
    struct iovec *last = writer->count > 0 ? &writer->parts[writer->count - 1] : NULL;
    if (last != NULL && (char *)last->iov_base + last->iov_len == (char *)data) {
        last->iov_len += size;
    } else {
        int failed = writer->count == PARTS_MOST ? flush(writer) : 0;
        if (failed != 0) {
            return failed;
        }
        writer->parts[writer->count++] = (struct iovec){data, size};
    }
    writer->bytes += size;
    return 0;
}

int
tn_journal_write_head(const struct tn_image *image, uint64_t salt, uint64_t first)
{
    struct tn_journal_head head = {
        .byte_order = TN_BYTE_ORDER,
        .version = TN_IMAGE_VERSION,
        .id = {image->head.id[0], image->head.id[1]},
        .salt = salt,
        .first = first,
    };
    memcpy(head.magic, TN_JOURNAL_MAGIC, sizeof head.magic);
    head.sum = tn_sum(&head, offsetof(struct tn_journal_head, sum));
    return tn_file_write(image->journal.file, &head, sizeof head, 0);
}

int
tn_journal_restart(struct tn_image *image)
{
    struct tn_journal *journal = &image->journal;
    uint64_t salt = tn_os_random() | 1;
    uint64_t first = image->commit + 1;
    if (journal->file < 0 && tn_journal_make(image) != 0) {
        return -1;
    }
    journal->end = 0;
    int failed = tn_journal_write_head(image, salt, first);
    if (failed == 0) {
        failed = tn_file_sync(journal->file);
    }
    if (failed != 0) {
        return tn_fail(failed, true, "%s: cannot be written", image->journal_path);
    }
    journal->salt = salt;
    journal->first = first;
    journal->end = TN_PAGE;
    journal->chain = 0;
    journal->durable = true;
    journal->kept = TN_PAGE;
    journal->doubtful = false;
    journal->sealed = false;
    journal->loose = false;
    return 0;
}

/* Fills the index for a set; the sums of pages come later. */
static size_t
fill_index(const struct tn_page_set *set, struct tn_entry *entries, bool runs)
{
    size_t filled = 0;
    size_t first = 0;
    size_t count;
    for (; tn_page_set_next(set, &first, &count); first += count) {
        if (runs) {
            entries[filled++] = (struct tn_entry){first, count};
            continue;
        }
        for (size_t i = 0; i < count; i++) {
            entries[filled++] = (struct tn_entry){first + i, 0};
        }
    }
    return filled;
}

/* The entries of changes, and their contents behind them. */
static void
fill_changes(const struct tn_image *image, struct tn_entry *entries)
{
    const struct tn_hot *hot = &image->hot;
    char *contents = (char *)(entries + hot->changes);
    for (unsigned i = 0; i < hot->changes; i++) {
        const struct tn_change *change = &hot->change[i];
        entries[i] = (struct tn_entry){change->page, change->at | (uint64_t)change->size << 32};
        memcpy(contents, tn_hot_contents(image, change->page) + change->at, change->size);
        contents += change->size;
    }
}

static size_t
count_runs(const struct tn_page_set *set)
{
    size_t runs = 0;
    size_t first = 0;
    size_t count;
    for (; tn_page_set_next(set, &first, &count); first += count) {
        runs++;
    }
    return runs;
}

/* Writes what there is and, if a sync will wait for it, has the disk begin with a piece at once: it
 * works while the next ones are summed and copied. */
static int
flush_early(struct writer *writer)
{
    int failed = flush(writer);
    uint64_t size = writer->at - writer->begun;
    if (failed == 0 && size >= writer->piece && !(writer->image->flags & TARN_PROCESS)) {
        tn_file_begin_sync(writer->image->journal.file, writer->begun, size);
        writer->begun = writer->at;
    }
    return failed;
}

/* The system reads ahead within a page at best, and changed pages lie anywhere. */
static void
fetch_ahead(const struct tn_image *image, const struct tn_record *record, size_t i)
{
    const struct tn_entry *entries = (const struct tn_entry *)(record + 1);
    if (i + AHEAD < record->pages) {
        const char *start = tn_page_start(image, (size_t)entries[i + AHEAD].page);
        for (size_t at = 0; at < AHEAD_BYTES; at += TN_GRAIN) {
            __builtin_prefetch(start + at);
        }
    }
}

/* Sums and writes the pages; what is small goes out together with the header. */
static int
write_record(struct tn_image *image, struct tn_record *record, size_t head_size)
{
    struct tn_entry *entries = (struct tn_entry *)(record + 1);
    struct writer writer = {.image = image, .at = image->journal.end};
    bool together = record->pages <= CHUNK;
    int failed = 0;
    if (together) {
        failed = put(&writer, record, head_size);
    } else {
        writer.at += head_size;
        writer.begun = writer.at;
        uint64_t chunks = record->pages / PIECES_LEAST / CHUNK; /* it is looked at behind each */
        writer.piece = tn_min(chunks * CHUNK << TN_PAGE_SHIFT, PIECE_MOST);
    }
    for (size_t i = 0; i < record->pages && failed == 0; i++) {
        char *start = tn_hot_contents(image, (size_t)entries[i].page);
        fetch_ahead(image, record, i);
        entries[i].value = tn_sum(start, TN_PAGE);
        failed = put(&writer, start, TN_PAGE);
        if (failed == 0 && !together && writer.bytes >= CHUNK * TN_PAGE) {
            failed = flush_early(&writer);
        }
    }
    if (failed != 0) {
        return failed;
    }
    record->index_sum = tn_sum(entries, (size_t)record->index);
    record->sum = tn_sum(record, offsetof(struct tn_record, sum));
    failed = flush(&writer);
    if (failed == 0 && !together) {
        failed = tn_file_write(image->journal.file, record, head_size, image->journal.end);
    }
    return failed;
}

/* What may have been written of a record that failed must not be taken for a commit later. */
static void
void_record(struct tn_image *image)
{
    static const struct tn_record nothing;
    tn_file_write(image->journal.file, &nothing, sizeof nothing, image->journal.end);
}

static bool
is_small_and_synced(const struct tn_image *image, uint64_t bytes)
{
    return bytes < ZEROS && !(image->flags & TARN_PROCESS);
}

/* Room for the record and some to come. Where none can be had ahead, the write asks for its own. */
static void
make_room(struct tn_image *image, uint64_t bytes)
{
    struct tn_journal *journal = &image->journal;
    uint64_t end = journal->end + bytes;
    if (end <= journal->size || is_small_and_synced(image, bytes)) {
        return;
    }
    uint64_t more = tn_max(tn_min(journal->size / 2, STEP_MOST), STEP_LEAST);
    if (tn_file_reserve(journal->file, journal->size, end - journal->size + more) == 0) {
        journal->size = end + more;
    }
}

/* Zeros where records will be, made durable with this one: the sync of those then has but data to
 * write. Blocks that are merely reserved have to be marked as written to, at each sync. */
static void
write_ahead(struct tn_image *image, uint64_t bytes)
{
    static const char zeros[ZEROS];
    struct tn_journal *journal = &image->journal;
    uint64_t end = journal->end + bytes;
    if (end <= journal->written || !is_small_and_synced(image, bytes)) {
        return;
    }
    if (tn_file_write(journal->file, zeros, sizeof zeros, end) == 0) {
        journal->written = end + sizeof zeros;
        journal->size = tn_max(journal->size, journal->written);
    }
}

static struct tn_record *
record_memory(struct tn_journal *journal, size_t size)
{
    if (size <= journal->room) {
        return journal->record;
    }
    size_t room = size <= KEPT ? KEPT : size;
    void *memory = tn_os_reserve(room, TN_PAGE);
    if (memory == NULL || !tn_os_commit(memory, room)) {
        if (memory != NULL) {
            tn_os_release(memory, room);
        }
        return NULL;
    }
    if (journal->record != NULL) {
        tn_os_release(journal->record, journal->room);
    }
    journal->record = memory;
    journal->room = room;
    return memory;
}

static void
keep_little_memory(struct tn_journal *journal)
{
    if (journal->room > KEPT) {
        tn_os_release(journal->record, journal->room);
        journal->record = NULL;
        journal->room = 0;
    }
}

void
tn_journal_release(struct tn_image *image)
{
    struct tn_journal *journal = &image->journal;
    if (journal->record != NULL) {
        tn_os_release(journal->record, journal->room);
        journal->record = NULL;
        journal->room = 0;
    }
    tn_seal_forget(image);
    tn_file_close(journal->file);
    journal->file = -1;
}

int
tn_journal_append(struct tn_image *image)
{
    struct tn_journal *journal = &image->journal;
    if ((journal->file < 0 || journal->end == 0) && tn_journal_restart(image) != 0) {
        return -1;
    }
    uint64_t pages = image->changed.count;
    uint64_t holes = count_runs(&image->emptied);
    uint64_t changes = image->hot.changes;
    uint64_t index = (pages + holes + changes) * sizeof(struct tn_entry) + image->hot.bytes;
    size_t used = sizeof(struct tn_record) + (size_t)index;
    /* With syncs a sector that has something acknowledged is not written to again. */
    size_t grain = pages != 0 || !(image->flags & TARN_PROCESS) ? TN_PAGE : TN_GRAIN;
    size_t head_size = tn_align_up((size_t)journal->end + used, grain) - (size_t)journal->end;
    struct tn_record *record = record_memory(journal, head_size);
    if (record == NULL) {
        return tn_fail(ENOMEM, true, "%s: no memory for the index of a commit", image->path);
    }
    struct tn_entry *entries = (struct tn_entry *)(record + 1);
    fill_index(&image->changed, entries, false);
    fill_index(&image->emptied, entries + pages, true);
    fill_changes(image, entries + pages + holes);
    memset((char *)record + used, 0, head_size - used);
    record->magic = TN_RECORD_MAGIC;
    record->salt = journal->salt;
    record->commit = image->commit + 1;
    record->chain = journal->chain;
    record->size = head_size + (pages << TN_PAGE_SHIFT);
    record->index = index;
    record->pages = pages;
    record->holes = holes;
    record->changes = changes;
    record->flags = journal->durable ? TN_RECORD_DURABLE : 0;
    int failed = tn_seal_break(image);
    if (failed == 0) {
        make_room(image, record->size);
        failed = write_record(image, record, head_size);
    }
    if (failed == 0) {
        write_ahead(image, record->size);
        journal->durable = false; /* all of it, until that is said */
        if (!(image->flags & TARN_PROCESS)) {
            failed = tn_journal_sync(image, record->size);
        }
    }
    if (failed == 0) {
        uint64_t at = tn_record_data(record, journal->end) >> TN_PAGE_SHIFT;
        for (size_t i = 0; i < pages; i++) {
            image->where[entries[i].page] = (uint32_t)(at + i);
        }
        journal->end += record->size;
        journal->written = tn_max(journal->written, journal->end);
        journal->chain = record->sum;
    } else {
        void_record(image);
    }
    keep_little_memory(journal);
    if (failed != 0) {
        return tn_fail(failed, true, "%s: the commit cannot be written", image->journal_path);
    }
    return 0;
}
