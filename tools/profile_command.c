/* `tarn profile`: what a profile says, other tools' forms of it, and orders to a process. */
#include "command.h"
#include "os/option.h"
#include "profile_live.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define NAME "profile"

enum {
    START = 1000,
    STOP,
    DUMP,
    WAIT,
    JSON
};

struct wishes {
    int format;
    enum profile_value value;
    const char *output;
    bool start;
    bool stop;
    const char *dump;
    size_t interval;
    double wait;
};

static const struct option options[] = {
    {"format", required_argument, NULL, 'f'},   {"value", required_argument, NULL, 'v'},
    {"output", required_argument, NULL, 'o'},   {"json", no_argument, NULL, JSON},
    {"start", no_argument, NULL, START},        {"stop", no_argument, NULL, STOP},
    {"dump", required_argument, NULL, DUMP},    {"wait", required_argument, NULL, WAIT},
    {"interval", required_argument, NULL, 'i'}, {NULL, 0, NULL, 0},
};

static const char *const formats[] = {"text", "leaks", "collapsed", "heaptrack", "json", NULL};
static const char *const values[] = {"alloc_objects", "alloc_space", "inuse_objects", "inuse_space",
                                     NULL};

/* Which of the words it is; -1, and said so: none. */
static int
find(const char *what, const char *word, const char *const *words)
{
    for (int i = 0; words[i] != NULL; i++) {
        if (strcmp(word, words[i]) == 0) {
            return i;
        }
    }
    const char *near = command_nearest(word, words);
    command_misused(NAME, "there is no %s '%s'%s%s%s", what, word, near != NULL ? "; is '" : "",
                    near != NULL ? near : "", near != NULL ? "' meant?" : "");
    return -1;
}

static void
write_form(struct profile_file *profile, FILE *out, const struct wishes *wishes)
{
    switch (wishes->format) {
    case 1:
        profile_leaks(profile, out);
        break;
    case 2:
        profile_collapsed(profile, out, wishes->value);
        break;
    case 3:
        profile_heaptrack(profile, out);
        break;
    case 4:
        profile_json(profile, out);
        break;
    default:
        profile_text(profile, out, wishes->value);
        break;
    }
}

/* A loaded profile, in the form that is wished for. */
static int
show(struct profile_file *profile, const struct wishes *wishes)
{
    profile_name(profile);
    FILE *out = wishes->output != NULL ? fopen(wishes->output, "w") : stdout;
    bool written = out != NULL;
    if (written) {
        write_form(profile, out, wishes);
        written = fflush(out) == 0 && !ferror(out);
    }
    int why = errno;
    if (out != NULL && out != stdout) {
        fclose(out);
    }
    return written
               ? COMMAND_DONE
               : command_fail(NAME, "%s: %s", wishes->output != NULL ? wishes->output : "stdout",
                              strerror(why));
}

static int
show_file(const char *path, const struct wishes *wishes)
{
    struct profile_file profile;
    int code = profile_load(&profile, path) ? show(&profile, wishes)
                                            : command_fail(NAME, "%s", profile.error);
    profile_drop(&profile);
    return code;
}

static bool
obey(struct top_target *target, const struct wishes *wishes)
{
    if (wishes->start && !live_order(target, TN_ORDER_START, wishes->interval, wishes->wait)) {
        return false;
    }
    if (wishes->stop && !live_order(target, TN_ORDER_STOP, 0, wishes->wait)) {
        return false;
    }
    return wishes->dump == NULL || live_dump(target, wishes->dump);
}

static int
process(const char *word, const struct wishes *wishes)
{
    struct top_target target;
    struct profile_file profile;
    unsigned long pid = strtoul(word, NULL, 10);
    int code = COMMAND_DONE;
    if (pid == 0 || pid > INT32_MAX) {
        return command_misused(NAME, "'%s' is no process's number", word);
    }
    if (!top_open(&target, (pid_t)pid)) {
        code = command_fail(NAME, "%s", target.error);
    } else if (wishes->start || wishes->stop || wishes->dump != NULL) {
        code = obey(&target, wishes) ? COMMAND_DONE : command_fail(NAME, "%s", target.error);
    } else {
        code = live_load(&target, &profile) ? show(&profile, wishes)
                                            : command_fail(NAME, "%s", target.error);
        profile_drop(&profile);
    }
    top_close(&target);
    return code;
}

/* One option; COMMAND_DONE, or what is wrong with it. */
static int
read_wish(int option, struct wishes *wishes)
{
    char *end;
    int found;
    switch (option) {
    case 'f':
        wishes->format = find("format", optarg, formats);
        return wishes->format >= 0 ? COMMAND_DONE : COMMAND_MISUSED;
    case 'v':
        found = find("value", optarg, values);
        wishes->value = (enum profile_value)found;
        return found >= 0 ? COMMAND_DONE : COMMAND_MISUSED;
    case 'o':
        wishes->output = optarg;
        return COMMAND_DONE;
    case JSON:
        wishes->format = 4;
        return COMMAND_DONE;
    case START:
        wishes->start = true;
        return COMMAND_DONE;
    case STOP:
        wishes->stop = true;
        return COMMAND_DONE;
    case DUMP:
        wishes->dump = optarg;
        return COMMAND_DONE;
    case 'i':
        if (!tn_option_set(tn_option_find("profile-interval"), optarg)) {
            return command_misused(NAME, "--interval takes bytes, 1 or more, not '%s'", optarg);
        }
        wishes->interval = tn_options.profile_interval;
        return COMMAND_DONE;
    case WAIT:
        wishes->wait = strtod(optarg, &end);
        return *end == 0 && end != optarg && wishes->wait >= 0 && wishes->wait <= 86400
                   ? COMMAND_DONE
                   : command_misused(NAME, "--wait takes seconds, not '%s'", optarg);
    default:
        return COMMAND_MISUSED;
    }
}

static int
profile_main(int argc, char **argv)
{
    struct wishes wishes = {.value = INUSE_SPACE, .wait = 5};
    int option;
    optind = 1;
    while ((option = command_option(NAME, argc, argv, ":f:v:o:i:", options)) != -1) {
        int code = read_wish(option, &wishes);
        if (code != COMMAND_DONE) {
            return code;
        }
    }
    if (optind + 1 != argc) {
        return command_misused(NAME, "takes one profile, or one process's number");
    }
    if (live_is_process(argv[optind])) {
        return process(argv[optind], &wishes);
    }
    if (wishes.start || wishes.stop || wishes.dump != NULL) {
        return command_misused(NAME, "'%s' is no process's number", argv[optind]);
    }
    return show_file(argv[optind], &wishes);
}

const struct command command_profile = {
    .name = "profile",
    .summary =
        "What a heap profile says, as a table or in other tools' forms; starts and stops one",
    .synopsis = "[--format FORMAT] [--value VALUE] [--output FILE] PROFILE | PID\n"
                "       tarn profile --start [--interval BYTES] PID\n"
                "       tarn profile [--stop] [--dump FILE] PID",
    .help =
        "PROFILE is what TARN_PROFILE=FILE or tarn_profile_write wrote in pprof's form (pprof "
        "reads\n"
        "it as it is); PID a process that runs on Tarn and is profiled, whose memory is read "
        "while\n"
        "it runs. Functions are named from the files that were mapped, and their debug\n"
        "information where it is installed.\n"
        "\n"
        "  -f, --format FORMAT   text: functions, the most first (the default)\n"
        "                        leaks: what is live, by stack\n"
        "                        collapsed: stacks for flame graphs\n"
        "                        heaptrack: for heaptrack_print and heaptrack_gui\n"
        "                        json\n"
        "  -v, --value VALUE     inuse_space (the default), inuse_objects, alloc_space,\n"
        "                        alloc_objects: for text and collapsed\n"
        "  -o, --output FILE     instead of stdout\n"
        "      --json            as --format json\n"
        "\n"
        "      --start           starts a profile in the process, and forgets an earlier one's\n"
        "      --interval BYTES  from one sample to the next (524288); 1: every block\n"
        "      --stop            samples no more; what was found stays\n"
        "      --dump FILE       writes it to FILE: pprof's form, or as its name says .heap for\n"
        "                        google-pprof, .txt for people\n"
        "      --wait SECONDS    how long to wait until the process takes notice (5)\n"
        "\n"
        "The process looks for orders when it asks for memory, and does nothing for this before\n"
        "there is one. Whom the system lets trace it may give one: its user or root, as\n"
        "/proc/sys/kernel/yama/ptrace_scope says.\n",
    .main = profile_main,
};
