/* `tarn heap VERB`: heaps in files, by hand. */
#include "heap_verb.h"

#include <string.h>

static const struct heap_verb *const verbs[] = {
#define VERB(name) &heap_verb_##name,
    HEAP_VERBS(VERB)
#undef VERB
};

enum {
    VERBS = sizeof verbs / sizeof *verbs
};

static int
unknown(const char *name)
{
    const char *names[VERBS + 1] = {NULL};
    for (int i = 0; i < VERBS; i++) {
        names[i] = verbs[i]->name;
    }
    const char *near = command_nearest(name, names);
    if (near != NULL) {
        return command_misused("heap", "there is no '%s'; is '%s' meant?", name, near);
    }
    return command_misused("heap", "there is no '%s'", name);
}

static int
help(const struct heap_verb *verb)
{
    printf("usage: tarn heap %s %s\n\n%s.\n", verb->name, verb->synopsis, verb->summary);
    if (*verb->help != 0) {
        printf("\n%s", verb->help);
    }
    return COMMAND_DONE;
}

static bool
is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

static int
heap(int argc, char **argv)
{
    char name[64];
    if (argc < 2) {
        return command_misused(argv[0], "what is to be done is missing: create, info, check, ...");
    }
    bool for_help = strcmp(argv[1], "help") == 0 && argc > 2;
    const char *word = argv[for_help ? 2 : 1];
    for (int i = 0; i < VERBS; i++) {
        if (strcmp(verbs[i]->name, word) == 0) {
            if (for_help || (argc > 2 && is_help(argv[2]))) {
                return help(verbs[i]);
            }
            snprintf(name, sizeof name, "heap %s", word);
            argv[1] = name;
            return verbs[i]->main(argc - 1, argv + 1);
        }
    }
    return unknown(word);
}

const struct command command_heap = {
    .name = "heap",
    .summary = "Heaps that live in files: make, look into, check, draw, compare, copy them",
    .synopsis = "VERB [OPTIONS] FILE",
    .help =
        "  create    make a new image\n"
        "  info      what the image says about itself, also while it is in use\n"
        "  check     every sum and invariant; names what is broken and where\n"
        "  map       a picture of the file, for the terminal or as SVG or PNG\n"
        "  roots     its named roots\n"
        "  snapshot  copy the last commit to another file\n"
        "  diff      what is different between two images\n"
        "  compact   give back what the file need not have\n"
        "  export    all of it as lines of JSON\n"
        "  import    make an image from those\n"
        "\n"
        "`tarn heap VERB --help` tells more. All but create, import and compact only read, and see "
        "the\nlast commit while another process works on the image. Exit status: 0 done, 1 failed, "
        "2 wrong\ncommand line, 3 damage or differences found, 130 interrupted.\n",
    .main = heap,
};
