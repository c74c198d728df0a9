/* `tarn heap create`: a new image; `snapshot`: a copy; `compact`: less file for the same heap. */
#include "heap_verb.h"

#include "base/byte_count.h"

#include <tarn/persist.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int
read_options(const char *name, tarn_options *options, const char *capacity, const char *base,
             const char *mode, const char *durability)
{
    uint64_t bytes = 0;
    if (capacity != NULL) {
        if (!tn_byte_count(capacity, 1, &bytes) || bytes == 0) {
            return command_misused(name, "'%s' is no capacity; 1G is one", capacity);
        }
        options->capacity = (size_t)bytes;
    }
    if (base != NULL) {
        if (!tn_byte_count(base, 1, &bytes) || bytes == 0) {
            return command_misused(name, "'%s' is no address; 0x300000000000 is one", base);
        }
        options->base = (void *)(uintptr_t)bytes;
    }
    if (mode != NULL) {
        char *end;
        unsigned long bits = strtoul(mode, &end, 8);
        if (end == mode || *end != 0 || bits == 0 || bits > 0777) {
            return command_misused(name, "'%s' are no permissions; 0640 are some", mode);
        }
        options->mode = (unsigned)bits;
    }
    if (durability != NULL && strcmp(durability, "process") == 0) {
        options->flags |= TARN_PROCESS;
    } else if (durability != NULL && strcmp(durability, "power") != 0) {
        return command_misused(name, "durability is 'power' or 'process', not '%s'", durability);
    }
    return COMMAND_DONE;
}

static int
create(int argc, char **argv)
{
    const char *capacity = NULL;
    const char *base = NULL;
    const char *mode = NULL;
    const char *durability = NULL;
    const char *path;
    bool shared = false;
    tarn_options options = {0};
    const struct heap_option known[] = {
        {"--capacity", NULL, &capacity},
        {"--base", NULL, &base},
        {"--mode", NULL, &mode},
        {"--layout", NULL, &options.layout},
        {"--durability", NULL, &durability},
        {"--shared", &shared, NULL},
        {NULL, NULL, NULL},
    };
    int wrong = heap_arguments(argc, argv, known, &path, 1, "one file");
    if (wrong == 0) {
        wrong = read_options(argv[0], &options, capacity, base, mode, durability);
    }
    if (wrong != 0) {
        return wrong;
    }
    options.flags |= shared ? TARN_SHARED : 0;
    tarn_heap *heap = tarn_create(path, &options);
    tarn_image_figures figures;
    if (heap == NULL) {
        return heap_failed(argv[0]);
    }
    tarn_image_info(heap, &figures);
    if (tarn_close(heap) != 0) {
        return heap_failed(argv[0]);
    }
    printf("%s: made, %s of addresses from %p\n", path, heap_bytes(figures.capacity).text,
           figures.base);
    return COMMAND_DONE;
}

const struct heap_verb heap_verb_create = {
    .name = "create",
    .summary = "Makes a new, empty image",
    .synopsis = "[OPTIONS] FILE",
    .help =
        "  --capacity BYTES    what it can grow to (64G); K, M, G and T may follow the number.\n"
        "                      The file is sparse: capacity costs no space\n"
        "  --layout NAME       what will be in it; programs may insist on it\n"
        "  --mode BITS         permissions, octal (0666 less the umask)\n"
        "  --base ADDRESS      where it is to lie, a multiple of 2M (chosen)\n"
        "  --durability WORD   power: it is on the disk when this is done (the rule);\n"
        "                      process: it survives the process, not the system\n"
        "  --shared            to be used in shared mode, without sums of its pages\n"
        "\n"
        "A file that is there already is left alone.\n",
    .main = create,
};

/* ---- snapshot ---- */

static int
snapshot(int argc, char **argv)
{
    static char doing[] = "copying";
    static const struct heap_option none[] = {{NULL, NULL, NULL}};
    const char *paths[2];
    int wrong = heap_arguments(argc, argv, none, paths, 2, "an image and a new file");
    if (wrong != 0) {
        return wrong;
    }
    heap_catch_interrupts();
    tarn_heap *heap = tarn_open(paths[0], &(tarn_options){.flags = TARN_READ_ONLY});
    tarn_image_figures figures;
    if (heap == NULL) {
        return heap_failed(argv[0]);
    }
    tarn_image_info(heap, &figures);
    if (tarn_snapshot_told(heap, paths[1], heap_progress, doing) != 0) {
        tarn_close_without_commit(heap);
        return heap_failed(argv[0]);
    }
    heap_progress_end();
    tarn_close(heap);
    printf("%s: commit %llu of %s\n", paths[1], (unsigned long long)figures.commits, paths[0]);
    return COMMAND_DONE;
}

const struct heap_verb heap_verb_snapshot = {
    .name = "snapshot",
    .summary = "Copies an image's last commit to a new file, an image of its own",
    .synopsis = "FILE TO",
    .help = "Another process may be working on FILE. Where the file system can, the copy shares\n"
            "FILE's blocks. TO appears when it is whole; an interrupted copy leaves nothing.\n",
    .main = snapshot,
};

/* ---- compact ---- */

static void
say_less(const char *what, uint64_t before, uint64_t after)
{
    printf("  %-9s %10s -> %s\n", what, heap_bytes(before).text, heap_bytes(after).text);
}

static int
compact(int argc, char **argv)
{
    static const struct heap_option none[] = {{NULL, NULL, NULL}};
    const char *path;
    int wrong = heap_arguments(argc, argv, none, &path, 1, "one file");
    if (wrong != 0) {
        return wrong;
    }
    tarn_image_figures before;
    tarn_image_figures after;
    heap_catch_interrupts();
    tarn_heap *heap = tarn_open(path, NULL);
    if (heap == NULL) {
        return heap_failed(argv[0]);
    }
    tarn_image_info(heap, &before);
    tarn_heap_trim(heap);
    if (heap_interrupted() || tarn_checkpoint(heap) != 0) {
        int code = heap_failed(argv[0]);
        tarn_close_without_commit(heap);
        return code;
    }
    if (tarn_close(heap) != 0) {
        return heap_failed(argv[0]);
    }
    heap = tarn_open(path, &(tarn_options){.flags = TARN_READ_ONLY});
    if (heap == NULL) {
        return heap_failed(argv[0]);
    }
    tarn_image_info(heap, &after);
    tarn_close(heap);
    uint64_t had = before.file_space + before.journal_size;
    printf("%s: %s given back\n", path,
           heap_bytes(had > after.file_space ? had - after.file_space : 0).text);
    say_less("on disk", before.file_space, after.file_space);
    say_less("length", before.file_size, after.file_size);
    say_less("journal", before.journal_size, after.journal_size);
    return COMMAND_DONE;
}

const struct heap_verb heap_verb_compact = {
    .name = "compact",
    .summary = "Gives back what the file need not have: free pages, its tail, its journal",
    .synopsis = "FILE",
    .help = "The image must not be in use. Blocks stay where they are, so pointers stay good.\n"
            "It may be interrupted at any moment, as any work on an image may: what was there is\n"
            "still there.\n",
    .main = compact,
};
