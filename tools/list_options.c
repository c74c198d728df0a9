/* `tarn options`: the table of the TARN_* variables, as the library holds it. */
#include "command.h"

#include "json_text.h"
#include "option_words.h"

#include "os/option.h"

#include <stdbool.h>
#include <string.h>

static void
print_json(void)
{
    struct tn_option_text option;
    const char *between = "[";
    for (unsigned i = 0; tn_option_text(i, &option); i++) {
        printf("%s\n  {\"name\": ", between);
        json_string(stdout, option.name);
        printf(", \"values\": ");
        json_string(stdout, option.values);
        printf(", \"default\": ");
        json_string(stdout, option.standard);
        printf(", \"meaning\": ");
        json_string(stdout, option.meaning);
        printf(", \"running\": %s}", option.running ? "true" : "false");
        between = ",";
    }
    puts("\n]");
}

static int
list_options(int argc, char **argv)
{
    bool json = argc == 2 && strcmp(argv[1], "--json") == 0;
    if (argc > 1 && !json) {
        return command_misused(argv[0], "takes no argument but --json, not '%s'", argv[1]);
    }
    if (json) {
        print_json();
    } else {
        option_words_print(stdout);
    }
    return COMMAND_DONE;
}

const struct command command_options = {
    .name = "options",
    .summary = "The TARN_* variables that a program on Tarn reads",
    .synopsis = "[--json]",
    .help =
        "Each line: the variable, what it sets, its values, the one it has when it is not set,\n"
        "and whether a program may change it while it runs (tarn/option.h).\n"
        "\n"
        "options:\n"
        "  --json  the table as JSON\n",
    .main = list_options,
};
