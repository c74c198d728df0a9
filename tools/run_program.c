/* `tarn run`: any program on Tarn, and what it used. */
#include "run_program.h"

#include "command.h"
#include "find_library.h"
#include "json_text.h"
#include "launch.h"
#include "option_words.h"
#include "record_file.h"
#include "terminal.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME "run"

enum {
    PROFILE = 1000,
    TRACE,
    OPTION,
    LEAKS,
    JSON,
    COMPARE,
    RUNS,
    STATS,
    ONLY,
    REPORT,
    QUIET
};

static const struct option flags[] = {
    {"stats", no_argument, NULL, STATS},           {"profile", required_argument, NULL, PROFILE},
    {"trace", required_argument, NULL, TRACE},     {"option", required_argument, NULL, OPTION},
    {"leaks", no_argument, NULL, LEAKS},           {"json", no_argument, NULL, JSON},
    {"compare", no_argument, NULL, COMPARE},       {"runs", required_argument, NULL, RUNS},
    {"allocators", required_argument, NULL, ONLY}, {"report", required_argument, NULL, REPORT},
    {"quiet", no_argument, NULL, QUIET},           {NULL, 0, NULL, 0},
};

FILE *
run_open_report(const struct run *run, FILE *standard)
{
    if (run->report == NULL) {
        return standard;
    }
    FILE *report = fopen(run->report, "w");
    if (report == NULL) {
        command_fail(NAME, "%s: %s", run->report, strerror(errno));
    }
    return report;
}

void
run_close_report(FILE *report)
{
    if (report != stdout && report != stderr) {
        fclose(report);
    } else {
        fflush(report);
    }
}

static int
add_setting(struct run *run, const char *name, const char *value)
{
    char *setting = NULL;
    if (run->settings_count == RUN_MOST_SETTINGS) {
        return command_misused(NAME, "more than %d options", RUN_MOST_SETTINGS);
    }
    if (asprintf(&setting, "%s=%s", name, value) < 0) {
        return command_fail(NAME, "no memory");
    }
    run->settings[run->settings_count++] = setting;
    return COMMAND_DONE;
}

/* --option k=v */
static int
add_option(struct run *run, const char *word)
{
    char setting[OPTION_WORDS_ROOM];
    int failed = option_words_setting(NAME, word, setting);
    if (failed != 0) {
        return failed;
    }
    char *value = strchr(setting, '=');
    *value = 0;
    return add_setting(run, setting, value + 1);
}

/* An option of the library that not every build has. */
static int
add_feature(struct run *run, const char *flag, const char *name, const char *value)
{
    if (!option_words_known(name)) {
        return command_fail(NAME, "%s: this build of Tarn has no option %s", flag, name);
    }
    return add_setting(run, name, value);
}

static char *
absolute(const char *path)
{
    char folder[PATH_MAX];
    char *whole = NULL;
    if (*path == '/' || getcwd(folder, sizeof folder) == NULL) {
        return strdup(path);
    }
    return asprintf(&whole, "%s/%s", folder, path) < 0 ? NULL : whole;
}

static int
read_words(struct run *run, int argc, char **argv)
{
    int failed = 0;
    int flag;
    optind = 1;
    while (failed == 0 && (flag = command_option(NAME, argc, argv, "+:o:q", flags)) != -1) {
        switch (flag) {
        case STATS:
            failed = add_setting(run, "TARN_STATS", "1");
            break;
        case PROFILE:
            failed = add_feature(run, "--profile", "TARN_PROFILE", absolute(optarg));
            break;
        case LEAKS:
            failed = add_feature(run, "--leaks", "TARN_LEAKS", "1");
            break;
        case TRACE:
            run->trace = optarg;
            break;
        case 'o':
        case OPTION:
            if (strcmp(optarg, "help") == 0) {
                option_words_print(stdout);
                exit(COMMAND_DONE);
            }
            failed = add_option(run, optarg);
            break;
        case JSON:
            run->json = true;
            break;
        case COMPARE:
            run->compare = true;
            break;
        case RUNS:
            run->runs = (unsigned)strtoul(optarg, NULL, 10);
            if (run->runs < 1 || run->runs > 1000 ||
                strspn(optarg, "0123456789") != strlen(optarg)) {
                failed =
                    command_misused(NAME, "--runs takes a number from 1 to 1000, not '%s'", optarg);
            }
            break;
        case ONLY:
            run->only = optarg;
            break;
        case REPORT:
            run->report = optarg;
            break;
        case 'q':
        case QUIET:
            run->quiet = true;
            break;
        default:
            failed = COMMAND_MISUSED;
        }
    }
    run->words = argv + optind;
    if (failed == 0 && *run->words == NULL) {
        failed = command_misused(NAME, "which program?");
    }
    if (failed == 0 && run->compare && run->trace != NULL) {
        failed = command_misused(NAME, "--trace is for one run, not for --compare");
    }
    return failed;
}

static const char *
why_not_preloaded(enum program_kind kind)
{
    switch (kind) {
    case PROGRAM_STATIC:
        return "is statically linked: no library can be preloaded into it, and it ran on the "
               "allocator built into it";
    case PROGRAM_PRIVILEGED:
        return "runs with more rights than yours (set-user-ID): the dynamic linker preloads "
               "nothing "
               "into it, and it ran on its own allocator";
    case PROGRAM_FOREIGN:
        return "is built for another machine: libtarn.so cannot be preloaded into it";
    default:
        return NULL;
    }
}

static const char *
judged(const struct run *run)
{
    return run->program.interpreter[0] != 0 ? run->program.interpreter : run->program.path;
}

static void
say_json(const struct run *run, FILE *out, const struct launched *what, const char *preload)
{
    const struct heap_at_end *heap = &what->heap;
    fprintf(out, "{\"program\": ");
    json_string(out, run->program.path);
    fprintf(out, ", \"allocator\": ");
    json_string(out, why_not_preloaded(run->program.kind) == NULL ? "tarn" : "its own");
    fprintf(out, ", \"library\": ");
    json_string(out, preload);
    fprintf(out,
            ", \"status\": %d, \"signal\": %d, \"wall_seconds\": %.6f, \"user_seconds\": %.6f, "
            "\"system_seconds\": %.6f, \"peak_bytes\": %zu, \"page_faults\": %zu, "
            "\"page_faults_io\": %zu, \"heap_at_end\": ",
            what->status, what->signal, what->wall, what->user, what->system, what->peak,
            what->faults, what->faults_io);
    if (heap->known) {
        fprintf(out,
                "{\"live_blocks\": %zu, \"live_bytes\": %zu, \"large_blocks\": %zu, "
                "\"large_bytes\": %zu, \"slab_free_bytes\": %zu, \"cached_bytes\": %zu, "
                "\"dirty_bytes\": %zu, \"own_bytes\": %zu, \"committed_bytes\": %zu, "
                "\"threads\": %zu}",
                heap->live_blocks, heap->live_bytes, heap->large_blocks, heap->large_bytes,
                heap->slab_free, heap->cached, heap->dirty, heap->own, heap->committed,
                heap->threads);
    } else {
        fputs("null", out);
    }
    fputs("}\n", out);
}

static void
say(const struct run *run, FILE *out, const struct launched *what)
{
    const struct heap_at_end *heap = &what->heap;
    char room[3][TERMINAL_SIZE_ROOM];
    const char *bold = terminal_bold(out);
    const char *plain = terminal_plain(out);
    const char *why = why_not_preloaded(run->program.kind);
    fprintf(out, "%star%s: %s on %s\n", bold, "n", run->words[0],
            why == NULL ? "Tarn" : "its own allocator");
    fprintf(out, "  %stime%s         %.3f s (processor: %.3f s user, %.3f s system)\n", bold, plain,
            what->wall, what->user, what->system);
    fprintf(out, "  %speak memory%s  %s\n", bold, plain,
            terminal_size(room[0], (double)what->peak));
    fprintf(out, "  %spage faults%s  %zu, %zu of them read from a device\n", bold, plain,
            what->faults + what->faults_io, what->faults_io);
    if (heap->known) {
        fprintf(out,
                "  %sallocations%s  %zu blocks of %s live at the end, %zu of them large (%s)\n",
                bold, plain, heap->live_blocks, terminal_size(room[0], (double)heap->live_bytes),
                heap->large_blocks, terminal_size(room[1], (double)heap->large_bytes));
        fprintf(out, "  %sheap%s         %s committed, %s of it free in slabs, %s free in slices\n",
                bold, plain, terminal_size(room[0], (double)heap->committed),
                terminal_size(room[1], (double)heap->slab_free),
                terminal_size(room[2], (double)(heap->cached + heap->dirty)));
    } else if (why == NULL) {
        fprintf(out, "  %sallocations%s  not known: %s\n", bold, plain,
                what->signal != 0 ? "the program did not come to its end"
                                  : "the program's last stage did not run on Tarn");
    }
    if (what->signal != 0) {
        fprintf(out, "  %sended%s        by signal %d (%s%s), status %d\n", bold, plain,
                what->signal, strsignal(what->signal), terminal_plain(out), what->status);
    } else if (what->status != 0) {
        fprintf(out, "  %sended%s        with status %d\n", bold, plain, what->status);
    }
}

/* The libraries to preload. */
static int
find_libraries(const struct run *run, const char *tarn, char *preload, size_t room)
{
    char recorder[PATH_MAX] = "";
    if (run->trace != NULL && !find_companion(NAME, "libtarn-record.so", recorder)) {
        return LAUNCH_FAILED;
    }
    snprintf(preload, room, "%s%s%s", recorder, *recorder != 0 ? ":" : "", tarn);
    return COMMAND_DONE;
}

/* What is to be said when the program has ended. False: it cannot be. */
static bool
report(const struct run *run, const struct launched *what, const char *tarn)
{
    FILE *out = run_open_report(run, stderr);
    const char *why = why_not_preloaded(run->program.kind);
    if (out == NULL) {
        return false;
    }
    if (why != NULL && !what->heap.known) {
        fprintf(stderr, "tarn run: %s %s\n", judged(run), why);
    }
    if (run->json) {
        say_json(run, out, what, tarn);
    } else if (!run->quiet || run->report != NULL) {
        say(run, out, what);
    }
    run_close_report(out);
    return true;
}

static int
run_once(struct run *run, const char *tarn)
{
    static char preload[2 * PATH_MAX + 2];
    struct launched what;
    struct record_file trace = {0};
    int failed = find_libraries(run, tarn, preload, sizeof preload);
    if (failed == 0 && run->trace != NULL) {
        failed = record_file_begin(NAME, &trace, run->trace);
        failed = failed != 0 ? failed : add_setting(run, "TARN_TOOL_TRACE", trace.part);
    }
    if (failed != 0) {
        return failed;
    }
    struct launch how = {.words = run->words,
                         .preload = preload,
                         .settings = run->settings,
                         .reporter = run->reporter,
                         .input = -1,
                         .output = -1,
                         .errors = -1};
    if (!launch(&how, &what)) {
        int reason = errno;
        record_file_drop(&trace);
        command_fail(NAME, "%s: %s", run->words[0], strerror(reason));
        return launch_status(reason);
    }
    bool said = report(run, &what, tarn);
    if (run->trace != NULL && !record_file_end(NAME, &trace)) {
        said = false;
    }
    return said || what.status != 0 ? what.status : LAUNCH_FAILED;
}

static int
run_what_is_asked(int argc, char **argv)
{
    char tarn[PATH_MAX];
    char reporter[PATH_MAX];
    struct run run = {.runs = 5, .reporter = reporter};
    if (read_words(&run, argc, argv) != 0) {
        return LAUNCH_FAILED;
    }
    if (!program_look(run.words[0], &run.program)) {
        int reason = errno;
        command_fail(NAME, "%s: %s", run.words[0],
                     reason == ENOENT ? "no such program" : strerror(reason));
        return launch_status(reason);
    }
    if (!find_tarn(NAME, tarn) || !find_companion(NAME, "libtarn-report.so", reporter)) {
        return LAUNCH_FAILED;
    }
    return run.compare ? run_compare(&run) : run_once(&run, tarn);
}

const struct command command_run = {
    .name = "run",
    .summary = "Runs any program on Tarn, or compares allocators by it",
    .synopsis = "[OPTIONS] [--] PROGRAM [ARGUMENTS]",
    .help =
        "Preloads libtarn.so into the program, which needs no change, and says afterwards on "
        "stderr\n"
        "how long it took, its peak of memory, its page faults and what its heap held at the end.\n"
        "Signals sent to tarn go on to the program. The exit status is the program's, 128+n when\n"
        "signal n ended it, 127 when there is no such program, 126 when it cannot be started, 125\n"
        "when tarn itself fails.\n"
        "\n"
        "options:\n"
        "  -o, --option NAME=VALUE  set an option of Tarn's; '--option help' prints the table\n"
        "      --stats              print the page about the heap, too (TARN_STATS)\n"
        "      --profile FILE       write a sampled profile of the heap (TARN_PROFILE)\n"
        "      --leaks              at the end, list what was never freed (TARN_LEAKS)\n"
        "      --trace FILE         record every allocation; see 'tarn trace --help'\n"
        "      --json               say it as JSON, in one line\n"
        "      --report FILE        say it there instead of on stderr\n"
        "  -q, --quiet              say nothing; for --option and exit status alone\n"
        "\n"
        "      --compare            run it in turn on Tarn, the system's allocator and those of\n"
        "                           jemalloc, mimalloc and tcmalloc that are installed, and print\n"
        "                           the medians; the program's output is dropped, its input is "
        "read\n"
        "                           anew each time if that is a file, and is empty otherwise\n"
        "      --runs N             runs of each, with --compare (5)\n"
        "      --allocators LIST    compare these: names or paths of libraries, with commas\n"
        "\n"
        "environment:\n"
        "  TARN_LIBRARY             the libtarn.so to use instead of the one beside this program\n"
        "  NO_COLOR                 no colour, on a terminal either\n",
    .main = run_what_is_asked,
};
