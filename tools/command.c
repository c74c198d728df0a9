#include "command.h"

#include "base/spelling.h"

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

const char *
command_nearest(const char *word, const char *const *words)
{
    const char *nearest = NULL;
    unsigned least = TN_SPELLING_NEAR + 1;
    size_t length = strlen(word);
    for (; length <= TN_SPELLING_MOST && *words != NULL; words++) {
        unsigned apart = tn_spelling_distance(word, length, *words);
        if (apart < least) {
            least = apart;
            nearest = *words;
        }
    }
    return nearest;
}
