/*
 * Making a journal, or a file, durable; and what follows when that fails.
 *
 * A sync that failed is not made good by one that succeeds: the system may have dropped what it
 * could not write, and have said so once. So what the failed one was to make durable is written
 * again: of the journal what is behind the last sync that succeeded, read back and checked, at
 * once, since the next sync may be that of another process, or else before any other sync; of the
 * file all that the journal has, which the next checkpoint writes anyway.
 *
 * In shared mode nobody knows what the failed sync was to write, nor whether memory, which is the
 * system's copy of the file, still has it. No commit and no closing succeeds from then on, so that
 * the file says that it was not closed.
 */
#include "persist/image.h"

#include "base/bits.h"
#include "os/os.h"

#include <errno.h>

#define PART ((size_t)64 * TN_PAGE)

/* From the system's memory to where it is. */
static int
copy_in_place(int file, uint64_t from, uint64_t to)
{
    size_t got;
    int failed = 0;
    char *buffer = tn_os_reserve(PART, TN_PAGE);
    if (buffer == NULL || !tn_os_commit(buffer, PART)) {
        failed = ENOMEM;
    }
    while (from < to && failed == 0) {
        size_t size = tn_min(PART, to - from);
        failed = tn_file_read(file, buffer, size, from, &got);
        failed = failed == 0 && got != size ? EIO : failed;
        failed = failed == 0 ? tn_file_write(file, buffer, size, from) : failed;
        from += size;
    }
    if (buffer != NULL) {
        tn_os_release(buffer, PART);
    }
    return failed;
}

/* The breaking of the seal, lest this system reads the old one back, and the records behind the
 * last one that is durable. The header was durable before there were records. */
static int
write_again(struct tn_image *image)
{
    static const struct tn_seal none;
    struct tn_journal *journal = &image->journal;
    uint64_t from = tn_max(journal->kept, TN_PAGE);
    int failed = 0;
    if (!journal->sealed) {
        failed = tn_file_write(journal->file, &none, sizeof none, TN_SEAL_AT);
    }
    if (failed == 0 && from < journal->end) {
        failed = tn_journal_reread(image);
        failed = failed == 0 ? copy_in_place(journal->file, from, journal->end) : failed;
    }
    return failed;
}

int
tn_journal_sync(struct tn_image *image, uint64_t more)
{
    struct tn_journal *journal = &image->journal;
    int failed = journal->doubtful ? write_again(image) : 0;
    if (failed == 0) {
        failed = tn_file_sync(journal->file);
        journal->doubtful = failed != 0 && write_again(image) != 0;
    }
    if (failed == 0) {
        journal->kept = journal->end + more;
    }
    if (failed == 0 && !journal->in_folder) {
        failed = tn_file_sync_folder(image->journal_path);
        journal->in_folder = failed == 0;
    }
    journal->durable = failed == 0;
    return failed;
}

int
tn_image_sync_memory(struct tn_image *image)
{
    int failed = image->mapped != 0 ? tn_map_sync(image->space.base, image->mapped) : 0;
    image->unsure = image->unsure || failed != 0;
    return failed;
}

int
tn_image_sync_file(struct tn_image *image)
{
    int failed = tn_file_sync(image->file);
    image->unsure = image->unsure || failed != 0;
    return failed;
}
