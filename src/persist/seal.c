/*
 * Sealed journals: how closing and opening stay short with a journal of any length.
 *
 * When an image is closed and its journal has more than a little, the journal stays, under a seal:
 * a table of the runs of pages that are newer there than in the file. Opening takes the seal's word
 * for it that the records are whole, and maps these runs over the file's. Whoever appends a record
 * breaks the seal first; the table lies where the record goes.
 *
 * More runs than are worth a mapping each: the short ones are written to the file, unsynced, and
 * not in the table, after the file's mark says that it is not whole without this journal. A seal is
 * believed when it says that all was durable in the journal when it was made, or, what was not
 * synced being still in the system's memory, as long as the system has not been started anew. Else
 * the records are gone through as after a crash.
 */
#include "persist/image.h"

#include "base/bits.h"
#include "os/os.h"
#include "persist/sum.h"

#include <errno.h>
#include <string.h>

#define RUNS_MOST ((size_t)128) /* mappings made when opening */
#define RUNS_ROOM tn_align_up(RUNS_MOST * sizeof(struct tn_run), TN_PAGE)
#define RUN_SHORT ((size_t)64) /* pages: shorter ones go to the file if there are too many */

struct maker {
    struct tn_image *image;
    struct tn_run *runs;
    size_t count;
    bool all; /* every run, not only long ones */
    struct tn_page_set *rest;
};

static void
add_run(struct maker *maker, size_t page, size_t count)
{
    if (maker->count < RUNS_MOST && (maker->all || count >= RUN_SHORT)) {
        maker->runs[maker->count] =
            (struct tn_run){page, count, (uint64_t)maker->image->where[page] << TN_PAGE_SHIFT};
    } else if (!maker->all) {
        tn_page_set_add(maker->rest, page, count);
        return;
    }
    maker->count++;
}

/* The logged pages as runs that follow each other in the journal as well. */
static void
make_runs(struct maker *maker)
{
    size_t first = 0;
    size_t count;
    maker->count = 0;
    for (; tn_page_set_next(&maker->image->logged, &first, &count); first += count) {
        size_t from = first;
        for (size_t page = first + 1; page <= first + count; page++) {
            if (page == first + count ||
                maker->image->where[page] != maker->image->where[page - 1] + 1) {
                add_run(maker, from, page - from);
                from = page;
            }
        }
    }
}

static void
make_holes(struct maker *maker)
{
    size_t first = 0;
    size_t count;
    for (; tn_page_set_next(&maker->image->hollow, &first, &count); first += count) {
        if (maker->count < RUNS_MOST) {
            maker->runs[maker->count] = (struct tn_run){first, count, 0};
        }
        maker->count++;
    }
}

/* The file gets short runs and holes. Readers must not be there. */
static int
write_rest(struct maker *maker)
{
    struct tn_image *image = maker->image;
    int failed = tn_file_lock(image->file, TN_LOCK_READERS, TN_LOCK_ALONE, false);
    if (failed == 0) {
        failed = tn_mark_bind(image);
        failed = failed == 0 ? tn_write_pages(image, maker->rest, &image->hollow) : failed;
        tn_file_lock(image->file, TN_LOCK_READERS, TN_UNLOCK, false);
    }
    return failed;
}

static int
write_seal(struct maker *maker, bool rest)
{
    struct tn_image *image = maker->image;
    struct tn_journal *journal = &image->journal;
    size_t size = maker->count * sizeof *maker->runs;
    struct tn_seal seal = {
        .magic = TN_SEAL_MAGIC,
        .salt = journal->salt,
        .end = journal->end,
        .chain = journal->chain,
        .commit = image->commit,
        .durable = journal->durable && journal->in_folder && !rest && !journal->loose,
        .runs = maker->count,
        .runs_sum = tn_sum(maker->runs, size),
    };
    tn_boot_id(seal.boot);
    seal.sum = tn_sum(&seal, offsetof(struct tn_seal, sum));
    int failed = tn_file_write(journal->file, maker->runs, size, journal->end);
    return failed == 0 ? tn_file_write(journal->file, &seal, sizeof seal, TN_SEAL_AT) : failed;
}

static int
make_seal(struct maker *maker)
{
    int failed = 0;
    maker->all = true;
    make_runs(maker);
    make_holes(maker);
    bool rest = maker->count > RUNS_MOST;
    if (rest) {
        maker->all = false;
        make_runs(maker);
        failed = write_rest(maker);
    }
    return failed == 0 ? write_seal(maker, rest) : failed;
}

void
tn_seal_make(struct tn_image *image)
{
    struct tn_page_set rest;
    size_t pages = image->head.capacity >> TN_PAGE_SHIFT;
    if (tn_os_page_size() != TN_PAGE) { /* its runs are to be mapped, page by page */
        return;
    }
    if (tn_image_has_lost(image) || image->patched.count != 0 ||
        image->journal.end >> TN_PAGE_SHIFT > UINT32_MAX || !tn_page_set_init(&rest, pages)) {
        return;
    }
    struct tn_run *memory = tn_os_reserve(RUNS_ROOM, TN_PAGE);
    if (memory != NULL && tn_os_commit(memory, RUNS_ROOM)) {
        struct maker maker = {
            .image = image,
            .runs = memory,
            .rest = &rest,
        };
        make_seal(&maker);
    }
    if (memory != NULL) {
        tn_os_release(memory, RUNS_ROOM);
    }
    tn_page_set_release(&rest);
}

int
tn_seal_break(struct tn_image *image)
{
    static const struct tn_seal none;
    struct tn_journal *journal = &image->journal;
    int failed = 0;
    if (journal->sealed) {
        failed = tn_file_write(journal->file, &none, sizeof none, TN_SEAL_AT);
        journal->sealed = failed != 0;
    }
    return failed;
}

void
tn_seal_forget(struct tn_image *image)
{
    struct tn_journal *journal = &image->journal;
    if (journal->run != NULL) {
        tn_os_release(journal->run, RUNS_ROOM);
    }
    journal->run = NULL;
    journal->runs = 0;
    journal->sealed_end = 0;
}

static bool
is_sound(const struct tn_image *image, const struct tn_run *run, uint64_t end)
{
    uint64_t pages = image->head.capacity >> TN_PAGE_SHIFT;
    return run->count != 0 && run->page < pages && run->count <= pages - run->page &&
           run->at % TN_PAGE == 0 && run->at < end &&
           (run->at == 0 || run->count <= (end - run->at) >> TN_PAGE_SHIFT);
}

bool
tn_seal_read(struct tn_image *image, uint64_t size, struct tn_seal *seal)
{
    size_t got;
    uint64_t boot[2];
    int failed = tn_file_read(image->journal.file, seal, sizeof *seal, TN_SEAL_AT, &got);
    if (tn_os_page_size() != TN_PAGE || failed != 0 || got < sizeof *seal ||
        seal->magic != TN_SEAL_MAGIC || seal->sum != tn_sum(seal, offsetof(struct tn_seal, sum)) ||
        seal->salt != image->journal.salt || seal->end > size || seal->end % TN_GRAIN != 0 ||
        seal->runs > RUNS_MOST || seal->commit < image->commit) {
        return false;
    }
    return seal->durable ||
           (tn_boot_id(boot) && boot[0] == seal->boot[0] && boot[1] == seal->boot[1]);
}

int
tn_seal_use(struct tn_image *image, const struct tn_seal *seal, bool *used)
{
    struct tn_journal *journal = &image->journal;
    size_t size = (size_t)seal->runs * sizeof(struct tn_run);
    size_t got = 0;
    *used = false;
    struct tn_run *runs = tn_os_reserve(RUNS_ROOM, TN_PAGE);
    if (runs == NULL || !tn_os_commit(runs, RUNS_ROOM)) {
        if (runs != NULL) {
            tn_os_release(runs, RUNS_ROOM);
        }
        return ENOMEM;
    }
    int failed = tn_file_read(journal->file, runs, size, seal->end, &got);
    bool sound = failed == 0 && got == size && tn_sum(runs, size) == seal->runs_sum;
    for (size_t i = 0; i < seal->runs && sound; i++) {
        sound = is_sound(image, &runs[i], seal->end);
    }
    if (!sound) {
        tn_os_release(runs, RUNS_ROOM);
        return failed;
    }
    tn_seal_forget(image);
    journal->run = runs;
    journal->runs = (size_t)seal->runs;
    journal->sealed = true;
    journal->sealed_end = seal->end;
    journal->end = seal->end;
    journal->chain = seal->chain;
    journal->durable = seal->durable != 0;
    journal->kept = journal->durable ? seal->end : 0;
    journal->in_folder = journal->durable;
    journal->loose = !journal->durable;
    image->commit = seal->commit;
    *used = true;
    return 0;
}
