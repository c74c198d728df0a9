/* `tarn profile`: what a profile says, and other tools' forms of it. */
#include "command.h"
#include "profile_read.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>

static const struct option options[] = {
    {"format", required_argument, NULL, 'f'},
    {"value", required_argument, NULL, 'v'},
    {"output", required_argument, NULL, 'o'},
    {"json", no_argument, NULL, 'j'},
    {NULL, 0, NULL, 0},
};

static const char *const formats[] = {"text", "collapsed", "heaptrack", "json", NULL};
static const char *const values[] = {"alloc_objects", "alloc_space", "inuse_objects", "inuse_space",
                                     NULL};

/* Which of the words it is; -1: none. */
static int
find(const char *word, const char *const *words)
{
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(word, words[i]) == 0) {
            return i;
        }
    }
    return -1;
}

static void
write_form(struct profile_file *profile, FILE *out, int format, int value)
{
    switch (format) {
    case 1:
        profile_collapsed(profile, out, (enum profile_value)value);
        break;
    case 2:
        profile_heaptrack(profile, out);
        break;
    case 3:
        profile_json(profile, out);
        break;
    default:
        profile_text(profile, out, (enum profile_value)value);
        break;
    }
}

static int
profile_main(int argc, char **argv)
{
    struct profile_file profile;
    const char *output = NULL;
    int format = 0;
    int value = INUSE_SPACE;
    optind = 1;
    for (int option; (option = getopt_long(argc, argv, "f:v:o:", options, NULL)) != -1;) {
        switch (option) {
        case 'f':
            format = find(optarg, formats);
            if (format < 0) {
                return command_misused(argv[0], "there is no format '%s'", optarg);
            }
            break;
        case 'v':
            value = find(optarg, values);
            if (value < 0) {
                return command_misused(argv[0], "there is no value '%s'", optarg);
            }
            break;
        case 'o':
            output = optarg;
            break;
        case 'j':
            format = find("json", formats);
            break;
        default:
            return command_misused(argv[0], "the options are wrong");
        }
    }
    if (optind + 1 != argc) {
        return command_misused(argv[0], "takes one profile");
    }
    if (!profile_load(&profile, argv[optind])) {
        int code = command_fail(argv[0], "%s", profile.error);
        profile_drop(&profile);
        return code;
    }
    profile_name(&profile);
    FILE *out = output != NULL ? fopen(output, "w") : stdout;
    bool written = out != NULL;
    if (written) {
        write_form(&profile, out, format, value);
        written = fflush(out) == 0 && !ferror(out);
    }
    int why = errno;
    if (out != NULL && out != stdout) {
        fclose(out);
    }
    profile_drop(&profile);
    return written
               ? COMMAND_DONE
               : command_fail(argv[0], "%s: %s", output != NULL ? output : "stdout", strerror(why));
}

const struct command command_profile = {
    .name = "profile",
    .summary = "What a heap profile says, as a table or in other tools' forms",
    .synopsis = "[--format FORMAT] [--value VALUE] [--output FILE] PROFILE",
    .help = "PROFILE is what TARN_PROFILE=FILE or tarn_profile_write wrote in pprof's form (pprof "
            "reads\n"
            "it as it is). Functions are named from the files that were mapped, and their debug\n"
            "information where it is installed.\n"
            "\n"
            "  -f, --format FORMAT  text: functions, the most first (the default)\n"
            "                       collapsed: stacks for flame graphs\n"
            "                       heaptrack: for heaptrack_print and heaptrack_gui\n"
            "                       json\n"
            "  -v, --value VALUE    inuse_space (the default), inuse_objects, alloc_space,\n"
            "                       alloc_objects: for text and collapsed\n"
            "  -o, --output FILE    instead of stdout\n"
            "      --json           as --format json\n",
    .main = profile_main,
};
