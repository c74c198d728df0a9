/* Making and opening images. */
#include "persist/image.h"

#include "base/bits.h"
#include "base/text.h"
#include "heap/first_class.h"
#include "os/os.h"
#include "os/wait.h"

#include <errno.h>
#include <string.h>

#define CAPACITY_USUAL ((size_t)64 << 30)
#define CAPACITY_LEAST ((size_t)1 << 20)
#define PAUSE_MOST     10u /* milliseconds */

static const tarn_options no_options;

/* ---- locks ---- */

/* Who says that it has the image open for writing. */
static unsigned
writer(const struct tn_image *image)
{
    struct tn_notice notice = {0};
    size_t got;
    tn_file_read(image->file, &notice, sizeof notice, TN_NOTICE_AT, &got);
    return (unsigned)notice.process;
}

static int
lock_to_write(struct tn_image *image)
{
    int failed = tn_file_lock(image->file, TN_LOCK_WRITER, TN_LOCK_ALONE, false);
    if (failed == EAGAIN) {
        return tn_fail(EBUSY, false, "%s: process %u has it open for writing", image->path,
                       writer(image));
    }
    if (failed != 0) {
        return tn_fail(failed, true, "%s: cannot be locked", image->path);
    }
    return 0;
}

static void
leave_notice(struct tn_image *image)
{
    struct tn_notice notice = {tn_process_id()};
    tn_file_write(image->file, &notice, sizeof notice, TN_NOTICE_AT);
}

/* A writer that has this lock has it for a checkpoint, which ends, or for all the time it is open
 * in shared mode. Which of them can change while one waits. */
int
tn_image_lock_to_read(struct tn_image *image)
{
    int failed;
    unsigned pause = 0;
    while ((failed = tn_file_lock(image->file, TN_LOCK_READERS, TN_LOCK_SHARED, false)) == EAGAIN) {
        struct tn_superblock head;
        if (tn_superblock_read(image->path, image->file, &head) != 0) {
            return -1;
        }
        if (head.flags & TN_IMAGE_OPEN) {
            return tn_fail(EBUSY, false, "%s: process %u has it open for writing in shared mode",
                           image->path, writer(image));
        }
        tn_os_pause(pause);
        pause += pause < PAUSE_MOST;
    }
    if (failed != 0) {
        return tn_fail(failed, true, "%s: cannot be locked", image->path);
    }
    return 0;
}

/* ---- parts of both ---- */

static int
make_sets(struct tn_image *image)
{
    size_t pages = image->head.capacity >> TN_PAGE_SHIFT;
    if (image->flags & (TARN_READ_ONLY | TARN_SHARED)) {
        return 0;
    }
    if (!tn_page_set_init(&image->changed, pages) || !tn_page_set_init(&image->emptied, pages) ||
        !tn_page_set_init(&image->armed, pages) || !tn_page_set_init(&image->doubtful, pages) ||
        !tn_page_set_init(&image->told, pages) || !tn_page_set_init(&image->logged, pages) ||
        !tn_page_set_init(&image->hollow, pages) || !tn_page_set_init(&image->patched, pages)) {
        return tn_fail(ENOMEM, true, "%s: no memory for its page sets", image->path);
    }
    size_t size = tn_where_size(image);
    image->where = tn_os_reserve(size, TN_PAGE);
    if (image->where == NULL || !tn_os_commit(image->where, size)) {
        return tn_fail(ENOMEM, true, "%s: no memory for its page sets", image->path);
    }
    enum tn_dirty_kind wanted = image->flags & TARN_PAGE_MAP ? TN_DIRTY_PAGE_MAP : TN_DIRTY_NONE;
    int failed = tn_dirty_open(&image->dirty, wanted);
    if (failed != 0) {
        return tn_fail(failed, true, "%s: no way to find changed pages", image->path);
    }
    return 0;
}

/* All the blocks that the file may come to need, when that was asked for. */
static int
reserve(const struct tn_image *image)
{
    return image->flags & TARN_RESERVE
               ? tn_file_reserve(image->file, 0, image->head.space_at + image->head.capacity)
               : 0;
}

static void
attach_heap(struct tn_image *image)
{
    struct tn_heap *heap = &image->heap;
    tn_space_attach(&image->space, image->space.base, &tn_image_backing, image);
    tn_heap_attach(heap, &image->space);
    heap->no_stash = true;
    heap->read_only = (image->flags & TARN_READ_ONLY) != 0;
    tn_shared_hints(heap);
}

/* A new generation of caches; what the old one left is stale. */
void
tn_image_begin_generation(struct tn_image *image)
{
    struct tn_image_state *state = image->state;
    struct tn_heap *heap = &image->heap;
    const struct tn_map *map = image->space.map;
    uint64_t last = tn_max(state->generation, heap->generation);
    heap->generation = last + 1;
    state->generation = last + 1;
    heap->stale_next = state->closed ? state->stale_next : map->first;
    heap->stale_end = state->closed ? state->stale_end : map->frontier;
    image->closed = state->closed != 0;
    state->closed = 0;
}

static int
enroll(struct tn_image *image)
{
    if (!tn_registry_add(&image->space)) {
        return tn_fail(ENOMEM, false, "%s: too many heaps in this process", image->path);
    }
    tn_registry_add_heap(&image->heap);
    tn_guard_add(image);
    return 0;
}

static struct tn_heap *
give_up(struct tn_image *image)
{
    if (image != NULL) {
        tn_image_free(image);
    }
    return NULL;
}

/* ---- making ---- */

static int
make_heap(struct tn_image *image)
{
    size_t capacity = image->head.capacity;
    char *base = image->space.base;
    size_t own = tn_align_up(TN_SPACE_HEAD + (capacity >> TN_SLICE_SHIFT) * sizeof(struct tn_slab),
                             TN_SLICE);
    if (!tn_map_grow(image, base, own) ||
        !tn_space_init(&image->space, base, capacity, &tn_image_backing, image)) {
        return tn_fail(ENOMEM, true, "%s: no memory for its map", image->path);
    }
    image->space.map->committed = image->space.map->first;
    ((struct tn_root *)image->space.map->root)->secret = tn_os_random();
    image->state = (struct tn_image_state *)(base + TN_STATE_AT);
    image->state->magic = TN_STATE_MAGIC;
    attach_heap(image);
    image->state->closed = 1;
    tn_image_begin_generation(image);
    image->closed = true;
    return 0;
}

/* An opening in shared mode failed behind its mark: nothing was changed, and if it can be written
 * the file says so. -1, with errno and message as they are. */
static int
take_mark_back(struct tn_image *image)
{
    int saved = errno;
    if (image->head.flags & TN_IMAGE_OPEN) {
        image->head.flags &= ~(uint32_t)TN_IMAGE_OPEN;
        image->head.serial++;
        tn_superblock_write(image);
    }
    errno = saved;
    return -1;
}

/* The empty heap goes to the file, then, when that is durable, the superblock. */
static int
write_new(struct tn_image *image)
{
    struct tn_page_set pages;
    int failed = 0;
    if (!(image->flags & TARN_SHARED)) {
        if (!tn_page_set_init(&pages, image->head.capacity >> TN_PAGE_SHIFT)) {
            return tn_fail(ENOMEM, true, "%s", image->path);
        }
        tn_page_set_add(&pages, 0, (TN_SPACE_HEAD >> TN_PAGE_SHIFT) + 1);
        failed = tn_write_pages(image, &pages, &image->emptied);
        tn_page_set_release(&pages);
    } else {
        failed = tn_map_sync(image->space.base, image->mapped);
        image->head.flags |= TN_IMAGE_OPEN;
    }
    if (failed == 0 && !(image->flags & TARN_SHARED)) {
        failed = tn_file_resize(image->file, tn_file_size_needed(image));
    }
    failed = failed == 0 ? tn_mark_write(&image->head, image->file, 0) : failed;
    failed = failed == 0 ? tn_file_sync(image->file) : failed;
    if (failed != 0) {
        return tn_fail(failed, true, "%s: cannot be written", image->path);
    }
    if (tn_superblock_write(image) != 0) {
        return take_mark_back(image);
    }
    failed = tn_file_sync_folder(image->journal_path);
    if (failed != 0) {
        tn_fail(failed, true, "%s: its folder cannot be synced", image->path);
        return take_mark_back(image);
    }
    return 0;
}

/* All that can be refused before anything is written. */
static int
prepare(struct tn_image *image, const tarn_options *options)
{
    size_t capacity = options->capacity != 0 ? options->capacity : CAPACITY_USUAL;
    capacity = tn_align_down(capacity, TN_SLICE);
    if (capacity < CAPACITY_LEAST) {
        return tn_fail(EINVAL, false, "%s: a capacity below 1 MiB is too little", image->path);
    }
    if (tn_superblock_make(image, options, capacity) != 0 ||
        tn_place_choose(image, options->base) != 0 || make_sets(image) != 0) {
        return -1;
    }
    return tn_journal_clear(image->journal_path);
}

static int
write_all(struct tn_image *image)
{
    int failed = tn_blank_begin(image);
    if (failed == 0 && image->flags & TARN_SHARED) {
        failed = tn_file_resize(image->file, image->head.space_at);
    }
    failed = failed == 0 ? reserve(image) : failed;
    if (failed == 0 && image->flags & TARN_SHARED) {
        failed = tn_file_lock(image->file, TN_LOCK_READERS, TN_LOCK_ALONE, false);
    }
    failed = failed == ENOENT ? 0 : failed;
    if (failed != 0) {
        return tn_fail(failed, true, "%s: cannot be made", image->path);
    }
    if (make_heap(image) != 0 || write_new(image) != 0) {
        return -1;
    }
    leave_notice(image);
    return enroll(image);
}

static int
make(struct tn_image *image, const tarn_options *options, const struct tn_opened *opened)
{
    bool begun = prepare(image, options) == 0;
    if (begun && write_all(image) == 0) {
        return 0;
    }
    tn_blank_restore(image, opened, begun);
    return -1;
}

/* Whether a new image is to be made; then the lock is had. */
static int
is_to_be_made(struct tn_image *image, bool *blank)
{
    struct tn_file_facts facts;
    if (tn_blank_find(image, blank) != 0) {
        return -1;
    }
    if (!*blank) {
        return 0;
    }
    if (lock_to_write(image) != 0 || tn_blank_find(image, blank) != 0) {
        return -1;
    }
    int failed = tn_file_facts(image->file, &facts);
    failed = failed == 0 && facts.links == 0 ? ENOENT : failed; /* by a making that failed */
    return failed == 0 ? 0 : tn_fail(failed, true, "%s: cannot be opened", image->path);
}

/* ---- opening ---- */

static int
check_layout(const struct tn_image *image, const tarn_options *options)
{
    if (options->layout != NULL && strcmp(options->layout, image->head.layout) != 0) {
        return tn_fail(EINVAL, false, "%s: its layout is \"%s\", not \"%s\"", image->path,
                       image->head.layout, options->layout);
    }
    bool write = !(image->flags & TARN_READ_ONLY);
    if (write && (image->head.read_only & ~TN_KNOWN_READ_ONLY) != 0) {
        return tn_fail(EROFS, false, "%s: has features that this version can only read",
                       image->path);
    }
    if (image->head.flags & TN_IMAGE_OPEN && !(image->flags & TARN_UNCLEAN)) {
        return tn_fail(EUCLEAN, false,
                       "%s: was open in shared mode and not closed; check it, then open it with "
                       "TARN_UNCLEAN",
                       image->path);
    }
    return 0;
}

/* From private to shared: what the journal has goes to the file first. */
static int
become_shared(struct tn_image *image)
{
    int failed = tn_file_lock(image->file, TN_LOCK_READERS, TN_LOCK_ALONE, false);
    if (failed == EAGAIN) {
        return tn_fail(EBUSY, false, "%s: readers use it; no shared mode now", image->path);
    }
    if (failed != 0) {
        return tn_fail(failed, true, "%s: cannot be locked", image->path);
    }
    if (tn_checkpoint(image, false) != 0 || tn_journal_remove(image) != 0) {
        return -1;
    }
    failed = reserve(image);
    if (failed != 0) {
        return tn_fail(failed, true, "%s: no space for all that it may hold", image->path);
    }
    failed = tn_file_sync_folder(image->path); /* as commits with a new journal do */
    if (failed != 0) {
        return tn_fail(failed, true, "%s: its folder cannot be synced", image->path);
    }
    failed = tn_file_lock(image->file, TN_LOCK_READERS, TN_LOCK_ALONE, false);
    if (failed != 0) {
        return tn_fail(failed == EAGAIN ? EBUSY : failed, true, "%s: cannot be locked",
                       image->path);
    }
    image->flags |= TARN_SHARED;
    image->head.flags |= TN_IMAGE_OPEN;
    image->head.flags &= ~(uint32_t)TN_IMAGE_SUMS;
    image->head.serial++;
    if (tn_superblock_write(image) != 0 || tn_map_anew(image) != 0) {
        return take_mark_back(image);
    }
    return 0;
}

static int
take(struct tn_image *image, const tarn_options *options)
{
    bool write = !(image->flags & TARN_READ_ONLY);
    bool shared = (image->flags & TARN_SHARED) != 0;
    if ((write ? lock_to_write(image) : tn_image_lock_to_read(image)) != 0 ||
        tn_superblock_read(image->path, image->file, &image->head) != 0 ||
        check_layout(image, options) != 0 || tn_image_check_size(image) != 0 ||
        tn_journal_find(image, false) != 0 || tn_place_reserve(image) != 0) {
        return -1;
    }
    image->flags &= ~(unsigned)TARN_SHARED;
    if (make_sets(image) != 0 || tn_image_take_up(image) != 0 ||
        (shared && write && become_shared(image) != 0)) {
        return -1;
    }
    if (write && !tn_superblock_is_whole_twice(image->file) && tn_superblock_write(image) != 0) {
        return -1;
    }
    attach_heap(image);
    image->closed = image->state->closed != 0;
    if (write) {
        tn_image_begin_generation(image);
        leave_notice(image);
    }
    if (enroll(image) != 0) {
        return -1;
    }
    tn_heap_tell(&image->heap);
    if (write) {
        tn_image_hold_rooms(true);
        tn_heap_hooks.back(&image->heap, NULL);
        tn_image_hold_rooms(false);
    }
    return 0;
}

/* ---- both ---- */

struct verdict {
    uint64_t offset;
    char text[640];
};

static bool
note_first(void *context, const char *what, uint64_t offset)
{
    struct verdict *verdict = context;
    tn_text(verdict->text, sizeof verdict->text, "%s", what);
    verdict->offset = offset;
    return false;
}

static int
verify(const struct tn_image *image)
{
    struct tn_superblock head;
    struct verdict verdict = {.offset = 0};
    if (tn_superblock_read(image->path, image->file, &head) != 0) {
        return -1;
    }
    int found = tarn_check(image->path, note_first, &verdict);
    if (found <= 0) {
        return found;
    }
    if (strncmp(verdict.text, image->path, strlen(image->path)) == 0 ||
        strncmp(verdict.text, image->journal_path, strlen(image->journal_path)) == 0) {
        return tn_fail(EBADMSG, false, "%s", verdict.text); /* it could not be opened to check */
    }
    return tn_fail(EBADMSG, false, "%s: %s, at %zu", image->path, verdict.text,
                   (size_t)verdict.offset);
}

static struct tn_heap *
open_or_make(const char *path, const tarn_options *options, unsigned how, bool only_make)
{
    if ((options->flags & (TARN_RESERVE | TARN_SHARED)) == TARN_RESERVE) {
        tn_fail(EINVAL, false, "%s: TARN_RESERVE goes only with TARN_SHARED", path);
        return NULL;
    }
    struct tn_opened opened;
    unsigned mode = options->mode != 0 ? options->mode : 0666;
    struct tn_image *image = tn_image_open(path, options->flags, how, mode, &opened);
    if (image == NULL) {
        return NULL;
    }
    image->journal_most = options->journal_most;
    if (tn_file_again(image->file, how & TN_FILE_WRITE, &image->to_map) != 0) {
        image->to_map = -1;
    }
    bool blank = false;
    if (options->flags & TARN_CREATE && is_to_be_made(image, &blank) != 0) {
        return give_up(image);
    }
    if (only_make && !blank) {
        tn_fail(EEXIST, false, "%s: is there already", path);
        return give_up(image);
    }
    if (!blank && options->flags & TARN_VERIFY && verify(image) != 0) {
        return give_up(image);
    }
    if ((blank ? make(image, options, &opened) : take(image, options)) != 0) {
        return give_up(image);
    }
    return &image->heap;
}

tarn_heap *
tarn_create(const char *path, const tarn_options *options)
{
    tarn_options made = options != NULL ? *options : no_options;
    made.flags = (made.flags | TARN_CREATE) & ~(unsigned)TARN_READ_ONLY;
    return open_or_make(path, &made, TN_FILE_WRITE | TN_FILE_CREATE, true);
}

tarn_heap *
tarn_open(const char *path, const tarn_options *options)
{
    const tarn_options *given = options != NULL ? options : &no_options;
    if (given->flags & TARN_READ_ONLY && given->flags & (TARN_CREATE | TARN_SHARED)) {
        tn_fail(EINVAL, false, "%s: TARN_READ_ONLY goes neither with TARN_CREATE nor TARN_SHARED",
                path);
        return NULL;
    }
    unsigned how = given->flags & TARN_READ_ONLY ? TN_FILE_READ : TN_FILE_WRITE;
    if (given->flags & TARN_CREATE) {
        how |= TN_FILE_CREATE;
    }
    return open_or_make(path, given, how, false);
}
