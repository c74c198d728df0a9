/* `tarn heap info`: what an image says about itself. */
#include "heap_json.h"
#include "heap_view.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

struct info {
    struct tn_superblock head;
    struct tn_file_facts facts;
    uint64_t journal_space; /* of the journal's file, 0: there is none */
    unsigned writer;
    bool has_writer;
    struct heap_view view; /* without an image when it is being written in shared mode */
    unsigned named;
    bool root;
};

static bool
count_name(void *context, const struct heap_name *name)
{
    struct info *info = context;
    if (*name->name == 0) {
        info->root = true;
    } else {
        info->named++;
    }
    return true;
}

/* What is told of an image whose contents are not to be seen: a process has it open in shared mode,
 * and may have come since its lock was looked for. */
static int
read_shared(struct info *info, int file)
{
    heap_writer_of(file, &info->writer);
    info->has_writer = true;
    return 0;
}

static int
read_contents(struct info *info, int file, const char *path)
{
    info->has_writer = heap_writer_of(file, &info->writer);
    if (tn_superblock_read(path, file, &info->head) != 0) {
        return -1;
    }
    if (heap_view_open(&info->view, path) != 0) {
        return errno == EBUSY ? read_shared(info, file) : -1;
    }
    const struct tn_image *image = info->view.image;
    info->head = image->head;
    if (image->journal.file >= 0) {
        struct tn_file_facts facts = {0};
        tn_file_facts(image->journal.file, &facts);
        info->journal_space = facts.size;
    }
    heap_each_name(&info->view, count_name, info);
    return 0;
}

static int
read_info(struct info *info, const char *path)
{
    struct tn_opened opened;
    if (tn_open_regular(path, TN_FILE_READ, 0, &opened) != 0) {
        return -1;
    }
    info->facts = opened.facts;
    int result = read_contents(info, opened.file, path);
    tn_file_close(opened.file);
    return result;
}

static uint64_t
journal_bytes(const struct info *info)
{
    uint64_t end = info->view.image->journal.end;
    return end > TN_PAGE ? end - TN_PAGE : 0;
}

/* clean: closed properly, or a commit apart from that; open: another process writes. */
static const char *
state_of(const struct info *info)
{
    if (info->has_writer) {
        return "open";
    }
    if (info->head.flags & TN_IMAGE_OPEN) {
        return "unclean";
    }
    return info->view.state->closed == 1 ? "closed" : "crashed";
}

static void
print_journal(const struct info *info)
{
    const struct tn_image *image = info->view.image;
    uint64_t bytes = journal_bytes(info);
    if (info->journal_space == 0) {
        puts("  journal       none");
    } else if (bytes == 0) {
        puts("  journal       nothing that is not in the file");
    } else {
        printf("  journal       %s of commits that are not all in the file yet\n",
               heap_bytes(bytes).text);
    }
    if (image->dropped && !info->has_writer) {
        puts("                then an incomplete commit, which opening drops");
    }
}

static void
print_state(const struct info *info)
{
    const char *state = state_of(info);
    if (info->has_writer) {
        printf("  state         open for writing by process %u\n", info->writer);
    } else if (*state == 'u') {
        puts("  state         not closed in shared mode: check it, then open it with TARN_UNCLEAN");
    } else if (*state == 'c' && state[1] == 'l') {
        puts("  state         closed");
    } else {
        puts("  state         not closed by its last writer; it opens at the last commit");
    }
}

static void
print_info(const struct info *info, const char *path)
{
    const struct tn_superblock *head = &info->head;
    const struct tn_image *image = info->view.image;
    printf("%s: image of format version %u, engine %u\n", path, head->version, head->engine);
    printf("  id            %016" PRIx64 "%016" PRIx64 "\n", head->id[0], head->id[1]);
    if (*head->layout != 0) {
        printf("  layout        \"%s\"\n", head->layout);
    }
    printf("  address       0x%" PRIx64 "\n", head->base);
    printf("  capacity      %s\n", heap_bytes(head->capacity).text);
    printf("  sums          %s\n", head->flags & TN_IMAGE_SUMS ? "of every page" : "none");
    printf("  file          %s long, %s on disk\n", heap_bytes(info->facts.size).text,
           heap_bytes(info->facts.on_disk).text);
    if (image != NULL) {
        uint64_t used = (uint64_t)image->space.map->used << TN_SLICE_SHIFT;
        printf("  used          %s\n", heap_bytes(used).text);
        printf("  resident      %s in memory, the system's file cache included\n",
               heap_bytes(tn_map_resident(image->space.base, info->view.size)).text);
        print_journal(info);
        printf("  last commit   number %" PRIu64 "\n", info->view.image->commit);
        printf("  roots         %s, %u named\n", info->root ? "one pointer" : "no pointer",
               info->named);
    }
    print_state(info);
}

static int
print_json(const struct info *info, const char *path, const char *name)
{
    const struct tn_superblock *head = &info->head;
    const struct tn_image *image = info->view.image;
    char id[33];
    char base[24];
    snprintf(id, sizeof id, "%016" PRIx64 "%016" PRIx64, head->id[0], head->id[1]);
    snprintf(base, sizeof base, "0x%" PRIx64, head->base);
    json_t *object = json_pack(
        "{s:o, s:i, s:i, s:s, s:o, s:s, s:I, s:b, s:I, s:I, s:s}", "file", heap_json_text(path),
        "version", (int)head->version, "engine", (int)head->engine, "id", id, "layout",
        heap_json_text(head->layout), "base", base, "capacity", (json_int_t)head->capacity, "sums",
        (head->flags & TN_IMAGE_SUMS) != 0, "file_size", (json_int_t)info->facts.size, "file_space",
        (json_int_t)info->facts.on_disk, "state", state_of(info));
    if (info->has_writer) {
        json_object_set_new(object, "writer", json_integer(info->writer));
    }
    if (image != NULL) {
        uint64_t used = (uint64_t)image->space.map->used << TN_SLICE_SHIFT;
        json_t *more = json_pack(
            "{s:I, s:I, s:I, s:I, s:b, s:I, s:b, s:i}", "used", (json_int_t)used, "resident",
            (json_int_t)tn_map_resident(image->space.base, info->view.size), "journal_size",
            (json_int_t)journal_bytes(info), "journal_commits", (json_int_t)image->redone,
            "incomplete_commit", image->dropped && !info->has_writer, "last_commit",
            (json_int_t)info->view.image->commit, "root", info->root, "named_roots",
            (int)info->named);
        if (json_object_update(object, more) != 0) {
            json_decref(object);
            object = NULL;
        }
        json_decref(more);
    }
    return heap_json_print(name, object);
}

static int
info_main(int argc, char **argv)
{
    bool json = false;
    const char *path;
    struct info info = {0};
    const struct heap_option known[] = {{"--json", &json, NULL}, {NULL, NULL, NULL}};
    int wrong = heap_arguments(argc, argv, known, &path, 1, "one file");
    if (wrong != 0) {
        return wrong;
    }
    if (read_info(&info, path) != 0) {
        return heap_failed(argv[0]);
    }
    int code = COMMAND_DONE;
    if (json) {
        code = print_json(&info, path, argv[0]);
    } else {
        print_info(&info, path);
    }
    heap_view_close(&info.view);
    return code;
}

const struct heap_verb heap_verb_info = {
    .name = "info",
    .summary = "What an image says about itself",
    .synopsis = "[--json] FILE",
    .help = "The figures are those of the last commit, also while another process works on the\n"
            "image; while it does so in shared mode, only what stands in the superblock is told.\n"
            "state is closed, open (another process writes), crashed (its last writer ended\n"
            "without closing: it opens at the last commit) or unclean (the same in shared mode).\n",
    .main = info_main,
};

/* ---- roots ---- */

static bool
print_name(void *context, const struct heap_name *name)
{
    unsigned *count = context;
    char size[32] = "-";
    char type[24] = "-";
    if (name->size != 0) {
        snprintf(size, sizeof size, "%" PRIu64, name->size);
    }
    if (name->type != 0) {
        snprintf(type, sizeof type, "0x%" PRIx64, name->type);
    }
    if (++*count == 1) {
        printf("%-16s  %12s  %-18s  %s\n", "ADDRESS", "SIZE", "TYPE", "NAME");
    }
    printf("0x%-14" PRIx64 "  %12s  %-18s  %s\n", name->address, size, type,
           *name->name != 0 ? name->name : "(the root pointer)");
    return true;
}

static bool
add_name(void *context, const struct heap_name *name)
{
    char address[24];
    snprintf(address, sizeof address, "0x%" PRIx64, name->address);
    json_array_append_new(context, json_pack("{s:s, s:I, s:I, s:o}", "address", address, "size",
                                             (json_int_t)name->size, "type", (json_int_t)name->type,
                                             "name", heap_json_text(name->name)));
    return true;
}

static int
roots(int argc, char **argv)
{
    bool json = false;
    const char *path;
    struct heap_view view;
    unsigned count = 0;
    const struct heap_option known[] = {{"--json", &json, NULL}, {NULL, NULL, NULL}};
    int wrong = heap_arguments(argc, argv, known, &path, 1, "one file");
    if (wrong != 0) {
        return wrong;
    }
    if (heap_view_open(&view, path) != 0) {
        return heap_failed(argv[0]);
    }
    int code = COMMAND_DONE;
    if (json) {
        json_t *array = json_array();
        heap_each_name(&view, add_name, array);
        code = heap_json_print(argv[0], array);
    } else {
        heap_each_name(&view, print_name, &count);
        if (count == 0) {
            printf("%s: no roots\n", path);
        }
    }
    heap_view_close(&view);
    return code;
}

const struct heap_verb heap_verb_roots = {
    .name = "roots",
    .summary = "Lists an image's roots: addresses, sizes, type tags, names",
    .synopsis = "[--json] FILE",
    .help = "Sizes and types are what the program said of them, - where it said nothing. In JSON\n"
            "the root pointer is the entry whose name is empty.\n",
    .main = roots,
};
