/* `tarn trace`: a program's allocations written down, looked at and done again. */
#include "trace_command.h"

#include "command.h"
#include "find_library.h"
#include "launch.h"
#include "program_kind.h"
#include "record_file.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#define NAME "trace"

int
trace_record(int argc, char **argv)
{
    enum {
        CHILDREN = 1000
    };
    static const struct option flags[] = {{"output", required_argument, NULL, 'o'},
                                          {"children", no_argument, NULL, CHILDREN},
                                          {NULL, 0, NULL, 0}};
    const char *path = "tarn.trace";
    bool children = false;
    int flag;
    optind = 1;
    while ((flag = command_option(NAME " record", argc, argv, "+:o:", flags)) != -1) {
        if (flag == 'o') {
            path = optarg;
        } else if (flag == CHILDREN) {
            children = true;
        } else {
            return COMMAND_MISUSED;
        }
    }
    char **words = argv + optind;
    if (*words == NULL) {
        return command_misused(NAME, "record: which program?");
    }
    struct program program;
    if (!program_look(words[0], &program)) {
        int reason = errno;
        command_fail(NAME, "%s: %s", words[0],
                     reason == ENOENT ? "no such program" : strerror(reason));
        return launch_status(reason);
    }
    char tarn[PATH_MAX];
    char recorder[PATH_MAX];
    static char preload[2 * PATH_MAX + 2];
    static char setting[PATH_MAX + 32];
    struct record_file file;
    if (!find_tarn(NAME, tarn) || !find_companion(NAME, "libtarn-record.so", recorder)) {
        return COMMAND_FAILED;
    }
    int failed = record_file_begin(NAME, &file, path);
    if (failed != 0) {
        return failed;
    }
    snprintf(preload, sizeof preload, "%s:%s", recorder, tarn);
    snprintf(setting, sizeof setting, "TARN_TOOL_TRACE=%s", file.part);
    const char *settings[] = {setting, children ? "TARN_TOOL_TRACE_CHILDREN=1" : NULL, NULL};
    struct launch how = {.words = words,
                         .preload = preload,
                         .settings = settings,
                         .identified = true,
                         .input = -1,
                         .output = -1,
                         .errors = -1};
    struct launched what;
    if (!launch(&how, &what)) {
        int reason = errno;
        record_file_drop(&file);
        command_fail(NAME, "%s: %s", words[0], strerror(reason));
        return launch_status(reason);
    }
    if (!record_file_end(NAME, &file)) {
        return what.status != 0 ? what.status : COMMAND_FAILED;
    }
    if (what.signal != 0) {
        fprintf(stderr,
                "tarn trace: %s was ended by signal %d (%s); what it did until then is in "
                "%s\n",
                words[0], what.signal, strsignal(what.signal), path);
    }
    return what.status;
}

extern const struct command command_trace;

static int
trace_main(int argc, char **argv)
{
    static const char *const verbs[] = {"record", "replay", "show", NULL};
    static int (*const mains[])(int argc, char **argv) = {trace_record, trace_replay, trace_show};
    if (argc < 2) {
        return command_misused(NAME, "record, replay or show?");
    }
    bool for_help = argc > 2 && (strcmp(argv[2], "--help") == 0 || strcmp(argv[2], "-h") == 0);
    for (int i = 0; verbs[i] != NULL; i++) {
        if (strcmp(argv[1], verbs[i]) == 0 && for_help) {
            printf("usage: tarn trace %s\n\n%s", command_trace.synopsis, command_trace.help);
            return COMMAND_DONE;
        }
        if (strcmp(argv[1], verbs[i]) == 0) {
            return mains[i](argc - 1, argv + 1);
        }
    }
    const char *near = command_nearest(argv[1], verbs);
    return command_misused(NAME, "there is no '%s'%s%s%s", argv[1], near != NULL ? "; is '" : "",
                           near != NULL ? near : "", near != NULL ? "' meant?" : "");
}

const struct command command_trace = {
    .name = "trace",
    .summary = "Records a program's allocations, and replays them on any allocator",
    .synopsis = "record [-o FILE] [--children] [--] PROGRAM [ARGUMENTS]\n"
                "       tarn trace show [--json] FILE\n"
                "       tarn trace replay [OPTIONS] FILE",
    .help =
        "record runs the program on Tarn and writes down each malloc, calloc, realloc, aligned\n"
        "allocation and free of all its threads, with the time; the exit status is the program's.\n"
        "  -o, --output FILE   the trace (tarn.trace); with xz when the name ends in .xz\n"
        "      --children      processes it starts, too: FILE.PID for each\n"
        "\n"
        "show tells what is in a trace: calls, sizes, lifetimes, the peak, threads.\n"
        "      --json          as JSON\n"
        "\n"
        "replay does the same allocations again, in the order they were made and by one thread, "
        "and\n"
        "writes to each page of each block. It tells nanoseconds of processor time and "
        "instructions\n"
        "for each call, the peak of resident memory, and how many times the live bytes that is.\n"
        "      --threads       by as many threads as the program had: each waits only for blocks "
        "that\n"
        "                      another had before\n"
        "      --on LIST       with commas, of: tarn (the process heap), heap (one of the "
        "program's\n"
        "                      own), image (in a file), quick (the freestanding heap), system,\n"
        "                      jemalloc, mimalloc, tcmalloc, or paths of libraries; without it "
        "all\n"
        "                      of these that are here\n"
        "      --runs N        runs of each, the median counts (5)\n"
        "      --count         count instructions with valgrind where the processor's own counter\n"
        "                      cannot be had (slow)\n"
        "      --svg FILE      draw memory over time\n"
        "      --json          as JSON\n"
        "\n"
        "Both read what record wrote and traces of the MTRACE01 format, packed with xz or not.\n",
    .main = trace_main,
};
