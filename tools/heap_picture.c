#include "heap_picture.h"

#include "base/bits.h"
#include "heap/size_class.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Sizes go from blue to yellow, as in maps of height; what is not blocks stands apart. */
const struct heap_band_look heap_bands[BANDS] = {
    [BAND_64] = {"to 64 bytes", "#3b4cc0", 62, 'a'},
    [BAND_256] = {"to 256 bytes", "#2f7fb8", 32, 'b'},
    [BAND_1K] = {"to 1 KiB", "#1fa187", 36, 'c'},
    [BAND_8K] = {"to 8 KiB", "#6ec04a", 70, 'd'},
    [BAND_64K] = {"to 64 KiB", "#e3b505", 178, 'e'},
    [BAND_LARGE] = {"larger", "#e8743b", 208, 'l'},
    [BAND_POOL] = {"pools", "#a05fb4", 134, 'p'},
    [BAND_OWN] = {"Tarn's own", "#5b6770", 243, 't'},
    [BAND_STRANGE] = {"damaged", "#d00030", 160, 'x'},
    [BAND_FREE] = {"free, not given back", "#c9ced3", 250, '-'},
};

const char *
heap_band_unit(unsigned band, uint64_t count)
{
    static const char *const units[2][2] = {{"blocks", "block"}, {"objects", "object"}};
    return units[band == BAND_POOL][count == 1];
}

static enum heap_band
band_of(uint64_t size)
{
    return size <= 64      ? BAND_64
           : size <= 256   ? BAND_256
           : size <= 1024  ? BAND_1K
           : size <= 8192  ? BAND_8K
           : size <= 65536 ? BAND_64K
                           : BAND_LARGE;
}

static void
add_bytes(struct heap_picture *picture, enum heap_band band, uint64_t at, uint64_t size)
{
    picture->bytes[band] += size;
    while (size > 0) {
        uint64_t cell = at / picture->unit;
        uint64_t part = tn_min(size, picture->unit - at % picture->unit);
        if (cell >= picture->count) {
            return;
        }
        picture->cells[cell].bytes[band] += part;
        at += part;
        size -= part;
    }
}

static void
add_blocks(struct heap_picture *picture, const struct heap_part *part, enum heap_band band)
{
    picture->blocks[band] += part->live;
    picture->live_blocks += part->live;
    picture->live_bytes += part->live * part->block_size;
    if (picture->unit >= part->size) { /* no need to know which */
        add_bytes(picture, band, part->at, part->live * part->block_size);
        return;
    }
    for (unsigned i = 0; i < part->blocks; i++) {
        if (heap_is_live(part, i)) {
            add_bytes(picture, band, part->at + part->lead + i * part->block_size,
                      part->block_size);
        }
    }
}

static void
add_part(struct heap_picture *picture, const struct heap_part *part)
{
    uint64_t live = part->live * part->block_size;
    switch (part->kind) {
    case HEAP_SLAB: {
        unsigned class = tn_class_of((size_t)part->block_size);
        picture->class_live[class] += part->live;
        picture->class_room[class] += part->blocks;
        add_blocks(picture, part, band_of(part->block_size));
        add_bytes(picture, BAND_FREE, part->at, part->size - live);
        break;
    }
    case HEAP_LARGE:
        add_blocks(picture, part, BAND_LARGE);
        break;
    case HEAP_POOL:
        add_blocks(picture, part, BAND_POOL);
        add_bytes(picture, BAND_FREE, part->at, part->size - live);
        break;
    case HEAP_OWN:
        add_bytes(picture, BAND_OWN, part->at, part->size);
        break;
    case HEAP_STRANGE:
        add_bytes(picture, BAND_STRANGE, part->at, part->size);
        break;
    case HEAP_FREE:
        if (!part->zero) {
            add_bytes(picture, BAND_FREE, part->at, part->size);
        }
        break;
    }
}

static void
mark_pages(struct heap_picture *picture, const struct tn_page_set *set)
{
    size_t first = 0;
    size_t count;
    for (; tn_page_set_next(set, &first, &count); first += count) {
        for (size_t page = first; page < first + count; page++) {
            uint64_t cell = ((uint64_t)page << TN_PAGE_SHIFT) / picture->unit;
            if (cell < picture->count) {
                picture->cells[cell].journalled++;
                picture->journalled++;
            }
        }
    }
}

static void
mark_changed(void *context, uint64_t page)
{
    struct heap_picture *picture = context;
    uint64_t cell = (page << TN_PAGE_SHIFT) / picture->unit;
    if (cell < picture->count) {
        picture->cells[cell].changed++;
    }
    picture->changed++;
}

/* What lies between the ranges that the file has. */
static void
mark_holes(struct heap_picture *picture)
{
    const struct tn_image *image = picture->view->image;
    uint64_t from = image->head.space_at;
    uint64_t stop = from + picture->view->size;
    while (from < stop) {
        uint64_t start = from;
        uint64_t end = stop;
        if (tn_file_next_data(image->file, &start, &end) != 0 || start > stop) {
            start = stop;
            end = stop;
        }
        for (uint64_t at = from - image->head.space_at; from < start;) {
            uint64_t part = tn_min(start - from, picture->unit - at % picture->unit);
            picture->cells[at / picture->unit].hole += part;
            picture->hole += part;
            at += part;
            from += part;
        }
        from = end;
    }
}

/* What neither the file nor the journal has is not free memory of theirs, and no table of Tarn's:
 * that for the largest size an image may have is long, and hardly any of it there. */
static void
take_holes_off(struct heap_picture *picture)
{
    picture->bytes[BAND_FREE] = 0;
    picture->bytes[BAND_OWN] = 0;
    for (uint64_t i = 0; i < picture->count; i++) {
        struct heap_cell *cell = &picture->cells[i];
        uint64_t there = picture->unit - cell->hole + ((uint64_t)cell->journalled << TN_PAGE_SHIFT);
        cell->bytes[BAND_OWN] = tn_min(cell->bytes[BAND_OWN], there);
        picture->bytes[BAND_OWN] += cell->bytes[BAND_OWN];
        uint64_t rest = picture->unit;
        for (unsigned band = 0; band < BAND_FREE; band++) {
            rest -= tn_min(rest, cell->bytes[band]);
        }
        rest -= tn_min(rest, cell->hole);
        cell->bytes[BAND_FREE] = tn_min(cell->bytes[BAND_FREE], rest);
        picture->bytes[BAND_FREE] += cell->bytes[BAND_FREE];
    }
}

bool
heap_picture_take(struct heap_picture *picture, const struct heap_view *view, uint64_t most,
                  uint64_t columns)
{
    memset(picture, 0, sizeof *picture);
    picture->view = view;
    picture->unit = TN_PAGE;
    while (view->size / picture->unit > most) {
        picture->unit *= 2;
    }
    picture->count = (view->size + picture->unit - 1) / picture->unit;
    picture->columns = columns;
    while (picture->columns > 16 && picture->columns * picture->columns > picture->count * 4) {
        picture->columns /= 2;
    }
    picture->cells = calloc(picture->count, sizeof *picture->cells);
    if (picture->cells == NULL) {
        tn_fail(ENOMEM, true, "%s", view->path);
        return false;
    }
    static char doing[] = "reading";
    struct heap_part part;
    for (uint32_t slice = 0; heap_next_part(view, &slice, &part);) {
        add_part(picture, &part);
        if (!heap_progress(doing, part.at, view->size)) {
            return false;
        }
    }
    mark_pages(picture, &view->image->logged);
    mark_pages(picture, &view->image->hollow);
    mark_holes(picture);
    take_holes_off(picture);
    picture->knows_changed = !view->has_writer || heap_each_changed(view, mark_changed, picture);
    heap_progress_end();
    return true;
}

void
heap_picture_release(struct heap_picture *picture)
{
    free(picture->cells);
    picture->cells = NULL;
}

void
heap_picture_subtitle(const struct heap_picture *picture, char *text, size_t room)
{
    const struct heap_view *view = picture->view;
    char state[64] = "closed";
    if (view->has_writer) {
        snprintf(state, sizeof state, "open for writing by process %u", view->writer);
    } else if (view->image->head.flags & TN_IMAGE_OPEN || view->state->closed != 1) {
        snprintf(state, sizeof state, "not closed by its last writer");
    }
    snprintf(text, room, "%s in use of %s at 0x%llx; %s on disk; commit %llu; %s",
             heap_bytes((uint64_t)view->image->space.map->used << TN_SLICE_SHIFT).text,
             heap_bytes(view->image->head.capacity).text, (unsigned long long)view->base,
             heap_bytes(view->facts.on_disk).text, (unsigned long long)view->image->commit, state);
}
