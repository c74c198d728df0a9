/* `tarn heap import`: an image from the lines that export wrote. */
#include "heap_lines.h"
#include "heap_view.h"

#include "base/bits.h"
#include "os/os.h"
#include "persist/sum.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct import {
    const char *from;
    FILE *in;
    int to;
    struct tn_superblock head;
    uint64_t length; /* of the space */
    uint64_t commit;
    uint64_t number; /* of the line */
    uint64_t pieces;
    uint64_t sum;
    bool new_id;
    char *line;
    size_t room;
    unsigned char bytes[HEAP_PIECE_MOST];
};

static int
wrong(const struct import *import, const char *what)
{
    return tn_fail(EINVAL, false, "%s, line %zu: %s", import->from, (size_t)import->number, what);
}

static json_t *
next_line(struct import *import)
{
    ssize_t got = getline(&import->line, &import->room, import->in);
    json_error_t error;
    import->number++;
    if (got <= 0) {
        wrong(import, "the end of the export is missing");
        return NULL;
    }
    json_t *line = json_loadb(import->line, (size_t)got, 0, &error);
    if (!json_is_object(line)) {
        json_decref(line);
        wrong(import, "is no line of an export");
        return NULL;
    }
    return line;
}

static uint64_t
number_of(const json_t *line, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(line, key));
}

static bool
address_of(const json_t *line, const char *key, uint64_t *address)
{
    const char *text = json_string_value(json_object_get(line, key));
    char *end = NULL;
    if (text == NULL) {
        return false;
    }
    *address = strtoull(text, &end, 16);
    return *text != 0 && *end == 0;
}

static bool
bytes_of(const char *hex, unsigned char *bytes, size_t most, size_t *size)
{
    static const char digits[] = "0123456789abcdef";
    size_t length = hex != NULL ? strlen(hex) : 1;
    if (length % 2 != 0 || length / 2 > most) {
        return false;
    }
    for (size_t i = 0; i < length; i += 2) {
        const char *high = strchr(digits, hex[i]);
        const char *low = strchr(digits, hex[i + 1]);
        if (high == NULL || low == NULL) {
            return false;
        }
        bytes[i / 2] = (unsigned char)((high - digits) << 4 | (low - digits));
    }
    *size = length / 2;
    return true;
}

/* ---- the first line ---- */

static int
read_layout(struct import *import, const json_t *line)
{
    const char *text = json_string_value(json_object_get(line, "layout"));
    const char *hex = json_string_value(json_object_get(line, "layout_hex"));
    size_t size = 0;
    if (text != NULL && strlen(text) < TN_LAYOUT_SIZE) {
        memcpy(import->head.layout, text, strlen(text));
    } else if (!bytes_of(hex, (unsigned char *)import->head.layout, TN_LAYOUT_SIZE - 1, &size)) {
        return wrong(import, "its layout's name cannot be read");
    }
    return 0;
}

static int
read_head(struct import *import, const json_t *line)
{
    struct tn_superblock *head = &import->head;
    const char *id = json_string_value(json_object_get(line, "id"));
    const char *order = json_string_value(json_object_get(line, "byte_order"));
    if (number_of(line, "tarn_export") != HEAP_LINES_VERSION) {
        return wrong(import, json_object_get(line, "tarn_export") == NULL
                                 ? "is no export of tarn's"
                                 : "an export of another version");
    }
    if (number_of(line, "version") != TN_IMAGE_VERSION ||
        number_of(line, "engine") != TN_ENGINE_VERSION) {
        return wrong(import, "of an image of another format version than this tarn's");
    }
    if (number_of(line, "page") != TN_PAGE || number_of(line, "slice") != TN_SLICE ||
        number_of(line, "pointer") != sizeof(void *) || order == NULL ||
        strcmp(order, "little") != 0) {
        return wrong(import, "of an image of another kind of machine");
    }
    memcpy(head->magic, TN_IMAGE_MAGIC, sizeof head->magic);
    head->byte_order = TN_BYTE_ORDER;
    head->version = TN_IMAGE_VERSION;
    head->engine = TN_ENGINE_VERSION;
    head->page = TN_PAGE;
    head->slice = TN_SLICE;
    head->pointer = sizeof(void *);
    head->compatible = number_of(line, "compatible");
    head->incompatible = number_of(line, "incompatible");
    head->read_only = number_of(line, "read_only");
    head->capacity = number_of(line, "capacity");
    head->sums_at = TN_IMAGE_HEAD;
    head->space_at = TN_IMAGE_HEAD + tn_align_up((head->capacity >> TN_PAGE_SHIFT) * 8, TN_SLICE);
    head->serial = number_of(line, "serial");
    head->flags = (uint32_t)number_of(line, "flags");
    import->length = number_of(line, "length");
    import->commit = number_of(line, "commit");
    if (id == NULL || sscanf(id, "%16" SCNx64 "%16" SCNx64, &head->id[0], &head->id[1]) != 2 ||
        !address_of(line, "base", &head->base) || head->capacity % TN_SLICE != 0 ||
        import->length > head->capacity || import->length % TN_SLICE != 0) {
        return wrong(import, "its numbers cannot be right");
    }
    if (import->new_id) {
        head->id[0] = tn_os_random();
        head->id[1] = tn_os_random();
    }
    return read_layout(import, line);
}

/* ---- the others ---- */

static int
take_zero(struct import *import, const json_t *line, uint64_t at)
{
    uint64_t count = number_of(line, "pages");
    static const char zero[TN_PAGE];
    if (at % TN_PAGE != 0 || at > import->length ||
        count > (import->length - at) >> TN_PAGE_SHIFT) {
        return wrong(import, "lies outside the image");
    }
    import->sum = heap_lines_sum(import->sum, at, &count, sizeof count);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t page = (at >> TN_PAGE_SHIFT) + i;
        uint64_t sum = tn_sum(zero, sizeof zero);
        int failed = tn_file_write(import->to, zero, sizeof zero,
                                   import->head.space_at + (page << TN_PAGE_SHIFT));
        if (failed == 0) {
            failed = tn_file_write(import->to, &sum, sizeof sum,
                                   import->head.sums_at + page * sizeof sum);
        }
        if (failed != 0) {
            return tn_fail(failed, true, "the image cannot be written");
        }
    }
    return 0;
}

static int
take_piece(struct import *import, const json_t *line, const char *kind, uint64_t at)
{
    size_t size;
    uint64_t all = number_of(line, "size");
    (void)kind;
    if (!bytes_of(json_string_value(json_object_get(line, "hex")), import->bytes,
                  sizeof import->bytes, &size)) {
        return wrong(import, "its contents cannot be read");
    }
    if (at > import->length || size > import->length - at || all > import->length - at) {
        return wrong(import, "lies outside the image");
    }
    import->sum = heap_lines_sum(import->sum, at, import->bytes, size);
    int failed = tn_file_write(import->to, import->bytes, size, import->head.space_at + at);
    return failed != 0 ? tn_fail(failed, true, "the image cannot be written") : 0;
}

/* 1: that was the last one. */
static int
take_line(struct import *import, const json_t *line)
{
    static const char *const kinds[] = {"block", "object", "more", "own", "free"};
    uint64_t address;
    if (json_object_get(line, "end") != NULL) {
        char sum[17];
        const char *said = json_string_value(json_object_get(line, "sum"));
        snprintf(sum, sizeof sum, "%016" PRIx64, import->sum);
        if (number_of(line, "end") != import->pieces || said == NULL || strcmp(said, sum) != 0) {
            return wrong(import, "the export is not whole: its sum is another");
        }
        return 1;
    }
    import->pieces++;
    if (address_of(line, "zero", &address)) {
        return take_zero(import, line, address - import->head.base);
    }
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (address_of(line, kinds[i], &address)) {
            return take_piece(import, line, kinds[i], address - import->head.base);
        }
    }
    return wrong(import, "is nothing that an export has");
}

static int
take_lines(struct import *import)
{
    static char doing[] = "importing";
    struct stat status = {0};
    int result = 0;
    fstat(fileno(import->in), &status);
    for (uint64_t done = 0; result == 0; done += strlen(import->line)) {
        json_t *line = next_line(import);
        if (line == NULL) {
            return -1;
        }
        result = take_line(import, line);
        json_decref(line);
        if (result == 0 && !heap_progress(doing, done, (uint64_t)status.st_size)) {
            return tn_fail(ECANCELED, false, "interrupted");
        }
    }
    return result < 0 ? -1 : 0;
}

/* ---- the image ---- */

/* Every page that is not zero has its sum. */
static int
write_sums(struct import *import)
{
    char page[TN_PAGE];
    static const char zero[TN_PAGE];
    uint64_t start = import->head.space_at;
    uint64_t end = 0;
    uint64_t stop = start + import->length;
    if (!(import->head.flags & TN_IMAGE_SUMS)) {
        return 0;
    }
    for (uint64_t at = start; at < stop; at += TN_PAGE) {
        size_t got;
        if (at >= end) {
            start = at;
            if (tn_file_next_data(import->to, &start, &end) != 0) {
                return 0;
            }
            at = start & ~(uint64_t)(TN_PAGE - 1);
        }
        memset(page, 0, sizeof page);
        int failed = tn_file_read(import->to, page, sizeof page, at, &got);
        if (failed == 0 && at < stop && memcmp(page, zero, sizeof page) != 0) {
            uint64_t sum = tn_sum(page, sizeof page);
            uint64_t number = (at - import->head.space_at) >> TN_PAGE_SHIFT;
            failed = tn_file_write(import->to, &sum, sizeof sum,
                                   import->head.sums_at + number * sizeof sum);
        }
        if (failed != 0) {
            return failed;
        }
    }
    return 0;
}

static int
write_image(struct import *import, const char *path)
{
    json_t *line = next_line(import);
    int result = line != NULL ? read_head(import, line) : -1;
    json_decref(line);
    if (result != 0) {
        return -1;
    }
    int failed = tn_file_resize(import->to, import->head.space_at + import->length);
    if (failed == 0 && take_lines(import) != 0) {
        return -1;
    }
    import->head.sum = tn_sum(&import->head, offsetof(struct tn_superblock, sum));
    failed = failed == 0 ? write_sums(import) : failed;
    failed = failed == 0 ? tn_mark_write(&import->head, import->to, import->commit) : failed;
    failed = failed == 0 ? tn_file_sync(import->to) : failed;
    if (failed == 0) {
        failed = tn_file_write(import->to, &import->head, sizeof import->head, 0);
    }
    if (failed == 0) {
        failed = tn_file_write(import->to, &import->head, sizeof import->head, TN_COPY_AT);
    }
    failed = failed == 0 ? tn_file_sync(import->to) : failed;
    return failed == 0 ? 0 : tn_fail(failed, true, "%s: cannot be written", path);
}

/* Under another name until it is whole. */
static int
make_image(struct import *import, const char *path)
{
    char name[4096];
    int length = snprintf(name, sizeof name, "%s-%016" PRIx64, path, tn_os_random());
    if (length >= (int)sizeof name) {
        return tn_fail(ENAMETOOLONG, true, "%s", path);
    }
    if (tn_journal_absent(path) != 0) {
        return -1;
    }
    int failed = tn_file_open(name, TN_FILE_WRITE | TN_FILE_NEW, 0666, &import->to);
    if (failed != 0) {
        return tn_fail(failed, true, "%s: cannot be made", path);
    }
    int result = write_image(import, path);
    tn_file_close(import->to);
    if (result == 0) {
        failed = tn_file_rename_new(name, path);
        result = failed != 0 ? tn_fail(failed, true, "%s: cannot be made", path)
                             : (tn_file_sync_folder(path), 0);
    }
    if (result != 0) {
        tn_file_remove(name);
    }
    return result;
}

static int
import_main(int argc, char **argv)
{
    const char *path;
    const char *input = NULL;
    bool new_id = false;
    const struct heap_option known[] = {
        {"--input", NULL, &input}, {"--new-id", &new_id, NULL}, {NULL, NULL, NULL}};
    int code = heap_arguments(argc, argv, known, &path, 1, "one new file");
    if (code != 0) {
        return code;
    }
    struct import *import = calloc(1, sizeof *import);
    if (import == NULL) {
        return command_fail(argv[0], "no memory");
    }
    import->from = input != NULL ? input : "standard input";
    import->in = input != NULL ? fopen(input, "r") : stdin;
    import->new_id = new_id;
    if (import->in == NULL) {
        code = command_fail(argv[0], "%s: cannot be opened: %s", input, strerror(errno));
    } else {
        heap_catch_interrupts();
        code = make_image(import, path) != 0 ? heap_failed(argv[0]) : COMMAND_DONE;
        heap_progress_end();
        if (code == COMMAND_DONE) {
            printf("%s: made from %s pieces\n", path, heap_count(import->pieces).text);
        }
    }
    free(import->line);
    free(import);
    return code;
}

const struct heap_verb heap_verb_import = {
    .name = "import",
    .summary = "Makes an image from the lines that export wrote",
    .synopsis = "[--input FROM] [--new-id] TO",
    .help =
        "The image is the exported one byte for byte, at the same address; with --new-id it is\n"
        "one of its own. From standard input or a file. A file that is there already is left\n"
        "alone; TO appears when it is whole, and an interrupted import leaves nothing.\n",
    .main = import_main,
};
