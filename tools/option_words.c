#include "option_words.h"

#include "command.h"

#include "os/option.h"

#include <string.h>

int
option_words_setting(const char *command, const char *word, char setting[OPTION_WORDS_ROOM])
{
    struct tn_option_text text;
    char name[64];
    const char *equals = strchr(word, '=');
    int length = (int)(equals != NULL ? (size_t)(equals - word) : strlen(word));
    if (equals == NULL || length == 0) {
        return command_misused(command,
                               "--option takes NAME=VALUE, not '%s'; '--option help' lists "
                               "them",
                               word);
    }
    snprintf(name, sizeof name, "%.*s", length, word);
    unsigned i = tn_option_find(name);
    if (i == TN_NO_OPTION) {
        const char *near = tn_option_nearest(name);
        return command_misused(command, "there is no option '%s'%s%s%s", name,
                               near != NULL ? "; is " : "", near != NULL ? near : "",
                               near != NULL ? " meant?" : "");
    }
    tn_option_text(i, &text);
    if (!tn_option_fits(i, equals + 1)) {
        return command_misused(command, "%s: must be %s, not '%s'", text.name, text.values,
                               equals + 1);
    }
    snprintf(setting, OPTION_WORDS_ROOM, "%s=%s", text.name, equals + 1);
    return COMMAND_DONE;
}

bool
option_words_known(const char *name)
{
    return tn_option_find(name) != TN_NO_OPTION;
}

void
option_words_print(FILE *out)
{
    struct tn_option_text option;
    size_t wide = 0;
    for (unsigned i = 0; tn_option_text(i, &option); i++) {
        wide = strlen(option.name) > wide ? strlen(option.name) : wide;
    }
    for (unsigned i = 0; tn_option_text(i, &option); i++) {
        fprintf(out, "%-*s  %s (%s; %s%s)\n", (int)wide, option.name, option.meaning, option.values,
                option.standard, option.running ? "; may change while the program runs" : "");
    }
}
