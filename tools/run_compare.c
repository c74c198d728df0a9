/* `tarn run --compare`: one program in turn on every allocator, A B C A B C, and the medians. */
#include "run_program.h"

#include "command.h"
#include "find_library.h"
#include "json_text.h"
#include "launch.h"
#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "run"

enum metric {
    WALL,
    PROCESSOR,
    PEAK,
    FAULTS,
    METRICS
};

static const char *const titles[METRICS] = {"time", "processor", "peak memory", "page faults"};
static const char *const keys[METRICS] = {"wall_seconds", "processor_seconds", "peak_bytes",
                                          "page_faults"};

struct column {
    struct allocator allocator;
    double *samples[METRICS]; /* one for each run done */
    unsigned done;
    int status; /* the first that is not 0 */
    uint64_t answer;
    double median[METRICS];
};

/* The allocators to compare: Tarn first, the system's second. */
static int
choose(const struct run *run, struct column *columns, unsigned *count)
{
    struct allocator found[MOST_ALLOCATORS];
    *count = 0;
    if (run->only == NULL) {
        if (!find_tarn(NAME, columns[0].allocator.path)) {
            return COMMAND_FAILED;
        }
        columns[0].allocator.name = "tarn";
        unsigned peers = find_peers(found);
        for (unsigned i = 0; i < peers; i++) {
            columns[i + 1].allocator = found[i];
        }
        *count = peers + 1;
        return COMMAND_DONE;
    }
    char *list = strdup(run->only);
    char *rest = list;
    for (char *name; list != NULL && (name = strsep(&rest, ",")) != NULL;) {
        if (*count == MOST_ALLOCATORS) {
            return command_misused(NAME, "more than %d allocators", MOST_ALLOCATORS);
        }
        if (strcmp(name, "tarn") == 0 && !find_tarn(NAME, columns[*count].allocator.path)) {
            return COMMAND_FAILED;
        }
        if (!find_allocator(name, &columns[(*count)++].allocator)) {
            return command_fail(NAME, "there is no allocator '%s' here", name);
        }
    }
    return COMMAND_DONE;
}

/* A digest of what the program wrote (FNV-1a), to see whether all runs say the same. */
static uint64_t
digest(int file)
{
    unsigned char piece[65536];
    uint64_t sum = 14695981039346656037u;
    off_t at = 0;
    ssize_t got;
    while ((got = pread(file, piece, sizeof piece, at)) > 0) {
        for (ssize_t i = 0; i < got; i++) {
            sum = (sum ^ piece[i]) * 1099511628211u;
        }
        at += got;
    }
    return sum;
}

/* The program's input, from its start again where that can be. */
static int
open_input(void)
{
    int own = isatty(STDIN_FILENO) || lseek(STDIN_FILENO, 0, SEEK_CUR) < 0
                  ? -1
                  : open("/proc/self/fd/0", O_RDONLY | O_CLOEXEC);
    return own >= 0 ? own : open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static int
run_column(const struct run *run, struct column *column, int output)
{
    struct launched what;
    int input = open_input();
    struct launch how = {.words = run->words,
                         .preload = column->allocator.path,
                         .settings = run->settings,
                         .reporter = run->reporter,
                         .input = input,
                         .output = output,
                         .errors = -1};
    if (ftruncate(output, 0) != 0 || lseek(output, 0, SEEK_SET) != 0) {
        close(input);
        return command_fail(NAME, "the program's output cannot be kept: %s", strerror(errno));
    }
    bool started = launch(&how, &what);
    int reason = errno;
    close(input);
    if (!started) {
        return command_fail(NAME, "%s: %s", run->words[0], strerror(reason));
    }
    column->status = column->status != 0 ? column->status : what.status;
    column->answer = column->done == 0 ? digest(output) : column->answer;
    column->samples[WALL][column->done] = what.wall;
    column->samples[PROCESSOR][column->done] = what.user + what.system;
    column->samples[PEAK][column->done] = (double)what.peak;
    column->samples[FAULTS][column->done] = (double)(what.faults + what.faults_io);
    column->done++;
    return COMMAND_DONE;
}

static int
by_value(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static double
median(double *values, unsigned count)
{
    qsort(values, count, sizeof *values, by_value);
    return count % 2 != 0 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

static double
ratio(const struct column *column, const struct column *base, enum metric metric)
{
    return base->median[metric] > 0 ? column->median[metric] / base->median[metric] : 1;
}

static void
print_figure(FILE *out, const struct column *column, enum metric metric)
{
    char room[TERMINAL_SIZE_ROOM];
    if (metric == PEAK) {
        fprintf(out, "  %11s", terminal_size(room, column->median[metric]));
    } else if (metric == FAULTS) {
        fprintf(out, "  %11.0f", column->median[metric]);
    } else {
        fprintf(out, "  %9.3f s", column->median[metric]);
    }
}

static void
print_table(const struct run *run, FILE *out, const struct column *columns, unsigned count,
            const struct column *base)
{
    fprintf(out, "%s%-10s", terminal_bold(out), "");
    for (int metric = 0; metric < METRICS; metric++) {
        fprintf(out, "  %11s %6s", titles[metric], "");
    }
    fprintf(out, "%s\n", terminal_plain(out));
    for (unsigned i = 0; i < count; i++) {
        fprintf(out, "%-10s", columns[i].allocator.name);
        for (int metric = 0; metric < METRICS; metric++) {
            double times = ratio(&columns[i], base, (enum metric)metric);
            const char *colour = times < 0.97   ? terminal_good(out)
                                 : times > 1.03 ? terminal_bad(out)
                                                : "";
            print_figure(out, &columns[i], (enum metric)metric);
            fprintf(out, " %s%5.2fx%s", colour, times, *colour != 0 ? terminal_plain(out) : "");
        }
        if (columns[i].status != 0) {
            fprintf(out, "  status %d", columns[i].status);
        }
        fputc('\n', out);
    }
    fprintf(out, "medians of %u %s each, in turn; ratios to %s\n", run->runs,
            run->runs == 1 ? "run" : "runs", base->allocator.name);
}

static void
print_json(const struct run *run, FILE *out, const struct column *columns, unsigned count,
           const struct column *base)
{
    fputs("{\"program\": ", out);
    json_string(out, run->program.path);
    fprintf(out, ", \"runs\": %u, \"base\": ", run->runs);
    json_string(out, base->allocator.name);
    fputs(", \"allocators\": [", out);
    for (unsigned i = 0; i < count; i++) {
        fputs(i == 0 ? "{\"name\": " : ", {\"name\": ", out);
        json_string(out, columns[i].allocator.name);
        fputs(", \"library\": ", out);
        json_string(out, columns[i].allocator.path);
        fprintf(out, ", \"status\": %d", columns[i].status);
        for (int metric = 0; metric < METRICS; metric++) {
            fprintf(out, ", \"%s\": %.*f, \"%s_ratio\": %.4f", keys[metric], metric < PEAK ? 6 : 0,
                    columns[i].median[metric], keys[metric],
                    ratio(&columns[i], base, (enum metric)metric));
        }
        fputc('}', out);
    }
    fputs("]}\n", out);
}

static int
run_all(const struct run *run, struct column *columns, unsigned count)
{
    char name[PATH_MAX];
    int output = launch_scratch(name, sizeof name, "compare");
    int failed = output < 0 ? command_fail(NAME, "%s: %s", name, strerror(errno)) : 0;
    if (output >= 0) {
        unlink(name);
    }
    for (unsigned round = 0; failed == 0 && round < run->runs; round++) {
        for (unsigned i = 0; failed == 0 && i < count; i++) {
            terminal_progress(round * count + i, run->runs * count, columns[i].allocator.name);
            failed = run_column(run, &columns[i], output);
        }
    }
    terminal_progress_end();
    if (output >= 0) {
        close(output);
    }
    return failed;
}

static void
warn(const struct run *run, const struct column *columns, unsigned count)
{
    if (run->program.kind == PROGRAM_STATIC || run->program.kind == PROGRAM_PRIVILEGED ||
        run->program.kind == PROGRAM_FOREIGN) {
        fprintf(stderr,
                "tarn run: nothing can be preloaded into %s (see 'tarn run' without "
                "--compare): all rows are its own allocator\n",
                run->words[0]);
    }
    for (unsigned i = 1; i < count; i++) {
        if (columns[i].answer != columns[0].answer) {
            fprintf(stderr, "tarn run: the program's output on %s is not that on %s\n",
                    columns[i].allocator.name, columns[0].allocator.name);
        }
    }
}

int
run_compare(const struct run *run)
{
    static struct column columns[MOST_ALLOCATORS + 1];
    unsigned count;
    int failed = choose(run, columns, &count);
    for (unsigned i = 0; failed == 0 && i < count; i++) {
        for (int metric = 0; metric < METRICS; metric++) {
            columns[i].samples[metric] = calloc(run->runs, sizeof(double));
            if (columns[i].samples[metric] == NULL) {
                command_fail(NAME, "no memory");
                return LAUNCH_FAILED;
            }
        }
    }
    failed = failed != 0 ? failed : run_all(run, columns, count);
    FILE *out = failed == 0 ? run_open_report(run, stdout) : NULL;
    if (out == NULL) {
        return LAUNCH_FAILED;
    }
    const struct column *base = &columns[0];
    int status = 0;
    for (unsigned i = 0; i < count; i++) {
        for (int metric = 0; metric < METRICS; metric++) {
            columns[i].median[metric] = median(columns[i].samples[metric], columns[i].done);
        }
        base = strcmp(columns[i].allocator.name, "system") == 0 ? &columns[i] : base;
        status = status != 0 ? status : columns[i].status;
    }
    warn(run, columns, count);
    (run->json ? print_json : print_table)(run, out, columns, count, base);
    run_close_report(out);
    return status;
}
