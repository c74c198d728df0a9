/* `tarn heap check`: every sum and every invariant. */
#include "heap_json.h"
#include "heap_view.h"

#include <tarn/persist.h>

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

struct findings {
    const char *path;
    json_t *list; /* NULL: print */
    unsigned most;
    unsigned count;
    bool more;
};

static bool
note_finding(void *context, const char *what, uint64_t offset)
{
    struct findings *findings = context;
    if (findings->count == findings->most) {
        findings->more = true;
        return false;
    }
    findings->count++;
    if (findings->list != NULL) {
        json_array_append_new(findings->list, json_pack("{s:I, s:o}", "offset", (json_int_t)offset,
                                                        "what", heap_json_text(what)));
        return true;
    }
    heap_progress_end();
    if (strncmp(what, findings->path, strlen(findings->path)) == 0) {
        printf("%s\n", what); /* a sentence about the whole file names it itself */
    } else {
        printf("%s: at %" PRIu64 ": %s\n", findings->path, offset, what);
    }
    return true;
}

static bool
tell(void *context, uint64_t done, uint64_t total)
{
    static char doing[] = "checking";
    (void)context;
    return heap_progress(doing, done, total);
}

static int
report(const struct findings *findings, const char *name)
{
    if (findings->list != NULL) {
        int code = heap_json_print(name, json_pack("{s:o, s:b, s:O, s:b}", "file",
                                                   heap_json_text(findings->path), "whole",
                                                   findings->count == 0, "findings", findings->list,
                                                   "more", findings->more));
        if (code != COMMAND_DONE) {
            return code;
        }
    } else if (findings->count == 0) {
        printf("%s: whole\n", findings->path);
    } else if (findings->more) {
        puts("and more; --all lists them");
    }
    return findings->count == 0 ? COMMAND_DONE : HEAP_FOUND;
}

/* A file of another kind or version is no damage: then there is nothing to check. */
static bool
is_an_image(const char *path)
{
    struct tn_superblock head;
    struct tn_opened opened;
    if (tn_open_regular(path, TN_FILE_READ, 0, &opened) != 0) {
        return false;
    }
    bool known = tn_superblock_read(path, opened.file, &head) == 0 || errno == EBADMSG;
    tn_file_close(opened.file);
    return known;
}

static int
check(int argc, char **argv)
{
    bool json = false;
    bool all = false;
    struct findings findings = {.most = 1};
    const struct heap_option known[] = {
        {"--json", &json, NULL}, {"--all", &all, NULL}, {NULL, NULL, NULL}};
    int wrong = heap_arguments(argc, argv, known, &findings.path, 1, "one file");
    if (wrong != 0) {
        return wrong;
    }
    if (!is_an_image(findings.path)) {
        return heap_failed(argv[0]);
    }
    findings.most = all ? UINT32_MAX : 1;
    findings.list = json ? json_array() : NULL;
    heap_catch_interrupts();
    int count = tarn_check_told(findings.path, note_finding, tell, &findings);
    heap_progress_end();
    int code = count < 0 ? heap_failed(argv[0]) : report(&findings, argv[0]);
    json_decref(findings.list);
    return code;
}

const struct heap_verb heap_verb_check = {
    .name = "check",
    .summary = "Checks every sum and every invariant of an image's last commit",
    .synopsis = "[--all] [--json] FILE",
    .help = "Names the first thing that is broken and its offset in the file, or with --all every\n"
            "one. Reads all of the file, changes nothing, and may be interrupted.\n"
            "Exit status: 0 whole, 3 damaged, 1 not to be checked (no image, another version, in\n"
            "use in shared mode), 130 interrupted.\n",
    .main = check,
};
