/* `tarn heap diff`: two images, or one and its snapshot: pages, blocks, roots. */
#include "heap_json.h"
#include "heap_view.h"

#include "base/bits.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

struct diff {
    struct heap_view a;
    struct heap_view b;
    bool list;
    json_t *json; /* NULL: print */
    json_t *lists[3];
    uint64_t pages; /* compared */
    uint64_t pages_differ;
    uint64_t same_blocks; /* in place and contents */
    uint64_t changed;     /* in both, with other contents */
    uint64_t changed_bytes;
    uint64_t only[2];
    uint64_t only_bytes[2];
    unsigned roots;
};

enum list {
    PAGES,
    BLOCKS,
    ROOTS
};

static void
found(struct diff *diff, enum list which, const char *how, const char *what, uint64_t at,
      uint64_t size)
{
    if (diff->json != NULL) {
        char address[24];
        snprintf(address, sizeof address, "0x%" PRIx64, at);
        json_array_append_new(diff->lists[which],
                              json_pack("{s:s, s:s, s:I}", "what", how, "address", address, "size",
                                        (json_int_t)size));
    } else {
        printf("  %-9s %-8s 0x%012" PRIx64 "  %" PRIu64 " bytes\n", what, how, at, size);
    }
}

/* ---- pages ---- */

static bool
same_bytes(const struct diff *diff, uint64_t at, uint64_t size)
{
    return memcmp(diff->a.memory + at, diff->b.memory + at, size) == 0;
}

static bool
compare_pages(struct diff *diff)
{
    static char doing[] = "comparing";
    uint64_t size = tn_max(diff->a.size, diff->b.size);
    size = tn_min(size, tn_min(diff->a.image->head.capacity, diff->b.image->head.capacity));
    uint64_t run = 0;
    diff->pages = size >> TN_PAGE_SHIFT;
    for (uint64_t at = 0; at < size; at += TN_PAGE) {
        bool differs = !same_bytes(diff, at, TN_PAGE);
        run += differs ? TN_PAGE : 0;
        diff->pages_differ += differs;
        if (diff->list && run != 0 && (!differs || at + TN_PAGE == size)) {
            uint64_t end = differs ? at + TN_PAGE : at;
            found(diff, PAGES, "differ", "pages", diff->a.base + end - run, run);
        }
        run = differs ? run : 0;
        if (at % TN_MIB == 0 && !heap_progress(doing, at, size)) {
            return false;
        }
    }
    return true;
}

/* ---- blocks ---- */

static void
only_in(struct diff *diff, unsigned which, const struct heap_blocks *blocks)
{
    diff->only[which]++;
    diff->only_bytes[which] += blocks->size;
    if (diff->list) {
        found(diff, BLOCKS, which == 0 ? "removed" : "added", "block",
              blocks->view->base + blocks->at, blocks->size);
    }
}

static void
in_both(struct diff *diff, const struct heap_blocks *blocks)
{
    if (same_bytes(diff, blocks->at, blocks->size)) {
        diff->same_blocks++;
        return;
    }
    diff->changed++;
    diff->changed_bytes += blocks->size;
    if (diff->list) {
        found(diff, BLOCKS, "changed", "block", diff->a.base + blocks->at, blocks->size);
    }
}

static void
compare_blocks(struct diff *diff)
{
    struct heap_blocks a = {.view = &diff->a};
    struct heap_blocks b = {.view = &diff->b};
    bool has_a = heap_next_block(&a);
    bool has_b = heap_next_block(&b);
    while ((has_a || has_b) && !heap_interrupted()) {
        if (has_a && has_b && a.at == b.at && a.size == b.size) {
            in_both(diff, &a);
            has_a = heap_next_block(&a);
            has_b = heap_next_block(&b);
        } else if (!has_b || (has_a && a.at <= b.at)) {
            only_in(diff, 0, &a);
            has_a = heap_next_block(&a);
        } else {
            only_in(diff, 1, &b);
            has_b = heap_next_block(&b);
        }
    }
}

/* ---- roots ---- */

struct wanted {
    struct diff *diff;
    const struct heap_name *name;
    struct heap_name match;
    bool there;
};

static bool
match_name(void *context, const struct heap_name *name)
{
    struct wanted *wanted = context;
    if (strcmp(name->name, wanted->name->name) != 0) {
        return true;
    }
    wanted->match = *name;
    wanted->there = true;
    return false;
}

static void
differs(struct diff *diff, const char *how, const struct heap_name *name)
{
    diff->roots++;
    if (diff->json != NULL) {
        json_array_append_new(diff->lists[ROOTS], json_pack("{s:s, s:o}", "what", how, "name",
                                                            heap_json_text(name->name)));
    } else if (diff->list) {
        printf("  %-9s %-8s %s\n", "root", how,
               *name->name != 0 ? name->name : "(the root pointer)");
    }
}

static bool
look_in_b(void *context, const struct heap_name *name)
{
    struct diff *diff = context;
    struct wanted wanted = {diff, name, {0}, false};
    heap_each_name(&diff->b, match_name, &wanted);
    if (!wanted.there) {
        differs(diff, "removed", name);
    } else if (wanted.match.address - diff->b.base != name->address - diff->a.base ||
               wanted.match.size != name->size || wanted.match.type != name->type) {
        differs(diff, "changed", name);
    }
    return true;
}

static bool
look_in_a(void *context, const struct heap_name *name)
{
    struct diff *diff = context;
    struct wanted wanted = {diff, name, {0}, false};
    heap_each_name(&diff->a, match_name, &wanted);
    if (!wanted.there) {
        differs(diff, "added", name);
    }
    return true;
}

/* ---- the whole ---- */

static bool
is_same(const struct diff *diff)
{
    const struct tn_superblock *a = &diff->a.image->head;
    const struct tn_superblock *b = &diff->b.image->head;
    return diff->pages_differ == 0 && diff->roots == 0 && a->base == b->base &&
           a->capacity == b->capacity && strcmp(a->layout, b->layout) == 0;
}

static void
print_summary(const struct diff *diff)
{
    const struct tn_superblock *a = &diff->a.image->head;
    const struct tn_superblock *b = &diff->b.image->head;
    if (is_same(diff)) {
        printf("%s and %s: the same (commit %" PRIu64 ")\n", diff->a.path, diff->b.path,
               diff->a.image->commit);
        return;
    }
    printf("%s (commit %" PRIu64 ") and %s (commit %" PRIu64 "):\n", diff->a.path,
           diff->a.image->commit, diff->b.path, diff->b.image->commit);
    if (a->base != b->base) {
        printf("  address   0x%" PRIx64 " and 0x%" PRIx64 ": compared by distance from it\n",
               a->base, b->base);
    }
    if (a->capacity != b->capacity) {
        printf("  capacity  %s and %s\n", heap_bytes(a->capacity).text,
               heap_bytes(b->capacity).text);
    }
    if (strcmp(a->layout, b->layout) != 0) {
        printf("  layout    \"%s\" and \"%s\"\n", a->layout, b->layout);
    }
    printf("  pages     %s of %s differ\n", heap_count(diff->pages_differ).text,
           heap_count(diff->pages).text);
    printf("  blocks    %s the same, %s changed (%s)\n", heap_count(diff->same_blocks).text,
           heap_count(diff->changed).text, heap_bytes(diff->changed_bytes).text);
    printf("            %s removed (%s), %s added (%s)\n", heap_count(diff->only[0]).text,
           heap_bytes(diff->only_bytes[0]).text, heap_count(diff->only[1]).text,
           heap_bytes(diff->only_bytes[1]).text);
    printf("  roots     %u differ\n", diff->roots);
}

static int
print_json(struct diff *diff, const char *name)
{
    json_t *object = diff->json;
    json_t *numbers = json_pack(
        "{s:o, s:o, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "a",
        heap_json_text(diff->a.path), "b", heap_json_text(diff->b.path), "same", is_same(diff),
        "commit_a", (json_int_t)diff->a.image->commit, "commit_b",
        (json_int_t)diff->b.image->commit, "pages", (json_int_t)diff->pages, "pages_differ",
        (json_int_t)diff->pages_differ, "blocks_same", (json_int_t)diff->same_blocks,
        "blocks_changed", (json_int_t)diff->changed, "blocks_removed", (json_int_t)diff->only[0],
        "bytes_removed", (json_int_t)diff->only_bytes[0], "blocks_added", (json_int_t)diff->only[1],
        "bytes_added", (json_int_t)diff->only_bytes[1]);
    bool complete = json_object_update(object, numbers) == 0;
    json_decref(numbers);
    json_object_set(object, "roots", diff->lists[ROOTS]);
    if (diff->list) {
        json_object_set(object, "page_list", diff->lists[PAGES]);
        json_object_set(object, "block_list", diff->lists[BLOCKS]);
    }
    return heap_json_print(name, complete ? json_incref(object) : NULL);
}

static int
compare(struct diff *diff, const char *name)
{
    bool done = compare_pages(diff);
    if (done && diff->pages_differ != 0) {
        compare_blocks(diff);
        heap_each_name(&diff->a, look_in_b, diff);
        heap_each_name(&diff->b, look_in_a, diff);
    }
    heap_progress_end();
    if (heap_interrupted()) {
        return heap_failed(name);
    }
    if (diff->json == NULL) {
        print_summary(diff);
    } else if (print_json(diff, name) != COMMAND_DONE) {
        return COMMAND_FAILED;
    }
    return is_same(diff) ? COMMAND_DONE : HEAP_FOUND;
}

static int
diff_main(int argc, char **argv)
{
    const char *paths[2];
    struct diff diff = {.list = false};
    bool json = false;
    const struct heap_option known[] = {
        {"--json", &json, NULL}, {"--list", &diff.list, NULL}, {NULL, NULL, NULL}};
    int code = heap_arguments(argc, argv, known, paths, 2, "two images");
    if (code != 0) {
        return code;
    }
    heap_catch_interrupts();
    if (heap_view_open(&diff.a, paths[0]) != 0 || heap_view_open(&diff.b, paths[1]) != 0) {
        code = heap_failed(argv[0]);
    } else {
        diff.json = json ? json_object() : NULL;
        for (unsigned i = 0; i < 3 && json; i++) {
            diff.lists[i] = json_array();
        }
        code = compare(&diff, argv[0]);
    }
    for (unsigned i = 0; i < 3; i++) {
        json_decref(diff.lists[i]);
    }
    json_decref(diff.json);
    heap_view_close(&diff.a);
    heap_view_close(&diff.b);
    return code;
}

const struct heap_verb heap_verb_diff = {
    .name = "diff",
    .summary = "What is different between two images, or an image and its snapshot",
    .synopsis = "[--list] [--json] A B",
    .help = "Compares last commits: pages by their bytes, blocks by address, size and contents,\n"
            "roots by name. --list names each. The images' ids are not compared.\n"
            "Exit status: 0 the same, 3 different, 1 one cannot be read, 130 interrupted.\n",
    .main = diff_main,
};
