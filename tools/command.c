#include "command.h"

#include "base/spelling.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void
say(const char *name, const char *format, va_list arguments)
{
    fflush(stdout);
    fprintf(stderr, "tarn %s: ", name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
}

int
command_fail(const char *name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(name, format, arguments);
    va_end(arguments);
    return COMMAND_FAILED;
}

int
command_misused(const char *name, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say(name, format, arguments);
    va_end(arguments);
    fprintf(stderr, "'tarn %s --help' tells how it is used\n", name);
    return COMMAND_MISUSED;
}

int
command_unknown_option(const char *name, const char *word, const char *const *names)
{
    char plain[64];
    snprintf(plain, sizeof plain, "%.*s", (int)strcspn(word, "="), word);
    const char *near = strncmp(word, "--", 2) == 0 ? command_nearest(plain + 2, names) : NULL;
    return command_misused(name,
                           near != NULL ? "there is no option '%s'; is '--%s' meant?"
                                        : "there is no option '%s'",
                           plain, near);
}

int
command_option(const char *name, int argc, char **argv, const char *letters,
               const struct option *options)
{
    opterr = 0;
    int option = getopt_long(argc, argv, letters, options, NULL);
    if (option != '?' && option != ':') {
        return option;
    }
    char letter[3] = {'-', (char)optopt, 0};
    const char *word = argv[optind - 1];
    if (strncmp(word, "--", 2) != 0 && optopt != 0) {
        word = letter;
    }
    if (option == ':') {
        command_misused(name, "%s needs a value", word);
    } else if (optopt != 0 && strchr(word, '=') != NULL) {
        command_misused(name, "%.*s takes no value", (int)strcspn(word, "="), word);
    } else {
        const char *names[COMMAND_OPTIONS + 1] = {NULL};
        for (int i = 0; i < COMMAND_OPTIONS && options[i].name != NULL; i++) {
            names[i] = options[i].name;
        }
        command_unknown_option(name, word, names);
    }
    return 0;
}

const char *
command_nearest(const char *word, const char *const *words)
{
    const char *nearest = NULL;
    unsigned least = TN_SPELLING_NEAR + 1;
    size_t length = strlen(word);
    for (; length <= TN_SPELLING_MOST && *words != NULL; words++) {
        unsigned apart = tn_spelling_distance(word, length, *words);
        if (apart < least && 2 * apart <= length) {
            least = apart;
            nearest = *words;
        }
    }
    return nearest;
}
