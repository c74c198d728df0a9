/* `tarn options`: the table of the TARN_* variables, as the library holds it. */
#include "command.h"

#include "os/option.h"

#include <stdio.h>

static int
list_options(int argc, char **argv)
{
    struct tn_option_text option;
    if (argc > 1) {
        return command_misused(argv[0], "takes no argument, not '%s'", argv[1]);
    }
    for (unsigned i = 0; tn_option_text(i, &option); i++) {
        printf("%-16s %s (%s; %s)\n", option.name, option.meaning, option.values, option.standard);
    }
    return COMMAND_DONE;
}

const struct command command_options = {
    .name = "options",
    .summary = "The TARN_* variables that a program on Tarn reads",
    .synopsis = "",
    .help = "Each line: the variable, what it sets, its values, and the one it has when it is not "
            "set.\n",
    .main = list_options,
};
