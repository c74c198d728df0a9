/* `tarn heap export`: an image's last commit as text. */
#include "heap_lines.h"
#include "heap_view.h"

#include "base/bits.h"
#include "persist/sum.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct export
{
    const struct heap_view *view;
    FILE *out;
    uint64_t length; /* of the space in the file once the journal is in it */
    uint64_t lines;
    uint64_t sum;
    char hex[HEAP_PIECE_MOST * 2 + 1];
};

uint64_t
heap_lines_sum(uint64_t before, uint64_t at, const void *bytes, size_t size)
{
    uint64_t words[4] = {before, at, size, tn_sum(bytes, size)};
    return tn_sum(words, sizeof words);
}

/* Bytes up to the last that is not zero. */
static size_t
significant(const char *bytes, size_t size)
{
    while (size > 0 && bytes[size - 1] == 0) {
        size--;
    }
    return size;
}

static void
write_hex(struct export *export, uint64_t at, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    const unsigned char *bytes = (const unsigned char *)export->view->memory + at;
    for (size_t i = 0; i < size; i++) {
        export->hex[2 * i] = digits[bytes[i] >> 4];
        export->hex[2 * i + 1] = digits[bytes[i] & 15];
    }
    export->hex[2 * size] = 0;
    export->sum = heap_lines_sum(export->sum, at, bytes, size);
    fprintf(export->out, "\"hex\":\"%s\"}\n", export->hex);
    export->lines++;
}

/* A piece of a kind; a block also where it is all zero. */
static void
write_piece(struct export *export, const char *kind, uint64_t at, uint64_t size, bool block)
{
    const char *memory = export->view->memory;
    uint64_t base = export->view->base;
    size = tn_min(size, export->length - tn_min(at, export->length));
    for (uint64_t done = 0; done < size;) {
        size_t part = (size_t)tn_min(size - done, HEAP_PIECE_MOST);
        size_t used = significant(memory + at + done, part);
        if (block && done == 0) {
            fprintf(export->out, "{\"%s\":\"0x%" PRIx64 "\",\"size\":%" PRIu64 ",", kind, base + at,
                    size);
            write_hex(export, at, used);
        } else if (used != 0) {
            fprintf(export->out, "{\"%s\":\"0x%" PRIx64 "\",", block ? "more" : kind,
                    base + at + done);
            write_hex(export, at + done, used);
        }
        done += part;
    }
}

static void
write_blocks(struct export *export, const struct heap_part *part, const char *kind)
{
    uint64_t from = part->at; /* of what is free and not written yet */
    for (unsigned i = 0; i < part->blocks; i++) {
        uint64_t at = part->at + part->lead + i * part->block_size;
        if (heap_is_live(part, i)) {
            write_piece(export, "free", from, at - from, false);
            write_piece(export, kind, at, part->block_size, true);
            from = at + part->block_size;
        }
    }
    write_piece(export, "free", from, part->at + part->size - from, false);
}

static void
write_part(struct export *export, const struct heap_part *part)
{
    switch (part->kind) {
    case HEAP_SLAB:
    case HEAP_LARGE:
        write_blocks(export, part, "block");
        break;
    case HEAP_POOL:
        write_blocks(export, part, "object");
        break;
    case HEAP_OWN:
        write_piece(export, "own", part->at, part->size, false);
        break;
    case HEAP_FREE:
        write_piece(export, "free", part->at, part->zero ? 0 : part->size, false);
        break;
    case HEAP_STRANGE:
        write_piece(export, "own", part->at, part->size, false);
        break;
    }
}

static bool
in_set(const struct tn_page_set *set, size_t page)
{
    size_t first = page;
    size_t count;
    return tn_page_set_next(set, &first, &count) && first == page;
}

/* Pages that are zero but not holes: their sums are part of the file. */
static void
write_zero_pages(struct export *export)
{
    const struct tn_image *image = export->view->image;
    static const char zero[TN_PAGE];
    uint64_t pages = export->length >> TN_PAGE_SHIFT;
    uint64_t run = 0;
    for (uint64_t page = 0; page <= pages && image->head.flags & TN_IMAGE_SUMS; page++) {
        uint64_t sum = 0;
        size_t got;
        bool there = false;
        if (page < pages &&
            memcmp(export->view->memory + (page << TN_PAGE_SHIFT), zero, sizeof zero) == 0) {
            tn_file_read(image->file, &sum, sizeof sum, image->head.sums_at + page * sizeof sum,
                         &got);
            there = in_set(&image->logged, page) || (sum != 0 && !in_set(&image->hollow, page));
        }
        if (there) {
            run++;
        } else if (run != 0) {
            uint64_t at = (page - run) << TN_PAGE_SHIFT;
            fprintf(export->out, "{\"zero\":\"0x%" PRIx64 "\",\"pages\":%" PRIu64 "}\n",
                    export->view->base + at, run);
            export->sum = heap_lines_sum(export->sum, at, &run, sizeof run);
            export->lines++;
            run = 0;
        }
    }
}

static void
write_head(struct export *export)
{
    const struct tn_superblock *head = &export->view->image->head;
    char id[33];
    char base[24];
    char layout[2 * TN_LAYOUT_SIZE + 1] = "";
    snprintf(id, sizeof id, "%016" PRIx64 "%016" PRIx64, head->id[0], head->id[1]);
    snprintf(base, sizeof base, "0x%" PRIx64, head->base);
    json_t *line = json_pack(
        "{s:i, s:i, s:i, s:i, s:i, s:i, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
        "tarn_export", HEAP_LINES_VERSION, "version", (int)head->version, "engine",
        (int)head->engine, "page", (int)head->page, "slice", (int)head->slice, "pointer",
        (int)head->pointer, "byte_order", "little", "id", id, "base", base, "capacity",
        (json_int_t)head->capacity, "compatible", (json_int_t)head->compatible, "incompatible",
        (json_int_t)head->incompatible, "read_only", (json_int_t)head->read_only, "flags",
        (json_int_t)head->flags, "serial", (json_int_t)head->serial, "length",
        (json_int_t) export->view->size, "commit", (json_int_t) export->view->image->commit);
    json_t *text = json_string(head->layout);
    if (text != NULL) {
        json_object_set_new(line, "layout", text);
    } else {
        for (size_t i = 0; head->layout[i] != 0; i++) {
            snprintf(layout + 2 * i, 3, "%02x", (unsigned)(unsigned char)head->layout[i]);
        }
        json_object_set_new(line, "layout_hex", json_string(layout));
    }
    json_dumpf(line, export->out, JSON_COMPACT);
    fputc('\n', export->out);
    json_decref(line);
}

/* Free slices at the end are left out of the file. */
static uint64_t
length_of(const struct heap_view *view)
{
    if (view->image->space.map->frontier != view->frontier || view->frontier == view->first) {
        return view->size;
    }
    return tn_min(view->size, tn_file_size_needed(view->image) - view->image->head.space_at);
}

static bool
write_all(struct export *export)
{
    static char doing[] = "exporting";
    struct heap_part part;
    write_head(export);
    for (uint32_t slice = 0; heap_next_part(export->view, &slice, &part);) {
        write_part(export, &part);
        if (ferror(export->out) || !heap_progress(doing, part.at, export->view->size)) {
            return false;
        }
    }
    write_zero_pages(export);
    fprintf(export->out, "{\"end\":%" PRIu64 ",\"sum\":\"%016" PRIx64 "\"}\n", export->lines,
            export->sum);
    return fflush(export->out) == 0;
}

static int
write_to(const char *name, struct export *export, const char *path)
{
    export->out = path != NULL ? fopen(path, "wx") : stdout;
    if (export->out == NULL) {
        return command_fail(name, "%s: cannot be made: %s", path, strerror(errno));
    }
    bool done = write_all(export);
    int failed = done ? 0 : errno;
    if (path != NULL && fclose(export->out) != 0 && done) {
        failed = errno;
        done = false;
    }
    heap_progress_end();
    if (done) {
        return COMMAND_DONE;
    }
    if (path != NULL) {
        unlink(path);
    }
    if (heap_interrupted()) {
        return heap_failed(name);
    }
    return command_fail(name, "%s: cannot be written: %s", path != NULL ? path : "standard output",
                        strerror(failed));
}

static int
export_main(int argc, char **argv)
{
    const char *path;
    const char *output = NULL;
    struct heap_view view;
    const struct heap_option known[] = {{"--output", NULL, &output}, {NULL, NULL, NULL}};
    int code = heap_arguments(argc, argv, known, &path, 1, "one file");
    if (code != 0) {
        return code;
    }
    struct export *export = calloc(1, sizeof *export);
    if (export == NULL) {
        return command_fail(argv[0], "no memory");
    }
    heap_catch_interrupts();
    if (heap_view_open(&view, path) != 0) {
        free(export);
        return heap_failed(argv[0]);
    }
    export->view = &view;
    export->length = length_of(&view);
    code = write_to(argv[0], export, output);
    heap_view_close(&view);
    free(export);
    return code;
}

const struct heap_verb heap_verb_export = {
    .name = "export",
    .summary = "Writes an image's last commit as lines of JSON, from which import makes it again",
    .synopsis = "[--output TO] FILE",
    .help = "Every block with its address, its size and its contents, and all else that is in the\n"
            "image. To standard output, or to a new file, which is removed when interrupted.\n",
    .main = export_main,
};
