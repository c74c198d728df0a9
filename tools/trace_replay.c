/* `tarn trace replay`: the same allocations again, on whatever allocator. */
#include "trace_command.h"

#include "command.h"
#include "find_library.h"
#include "json_text.h"
#include "launch.h"
#include "replay_plan.h"
#include "svg_plot.h"
#include "terminal.h"
#include "trace_events.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME "trace"

enum {
    MOST_FACES = 16,
    MOST_RUNS = 1000
};

/* A row of the table. */
struct row {
    char name[64];
    char face[16]; /* for tarn-replay */
    char preload[PATH_MAX];
    bool failed;
    double nanoseconds;  /* per call, of processor time, the median */
    double wall;         /* the same from begin to end */
    double instructions; /* per call; negative: not known */
    double peak;         /* bytes above those before the replay */
    double x[REPLAY_SAMPLES + 2], resident[REPLAY_SAMPLES + 2], live[REPLAY_SAMPLES + 2];
    size_t samples;
};

struct replay {
    const char *file;
    const char *svg;
    const char *on;
    bool json;
    bool count;
    bool threads; /* as the program's, not one */
    unsigned runs;
    char program[PATH_MAX]; /* tarn-replay */
    char library[PATH_MAX]; /* libtarn.so */
    char folder[PATH_MAX];  /* for the plan and the image */
    char plan[PATH_MAX + 8];
    size_t calls;
    unsigned thread_count; /* that make them */
    double peak_live;
    struct row rows[MOST_FACES];
    unsigned row_count;
};

static int
add_row(struct replay *replay, const char *name)
{
    if (replay->row_count == MOST_FACES) {
        return command_misused(NAME, "replay: more than %d allocators", MOST_FACES);
    }
    struct row *row = &replay->rows[replay->row_count];
    bool own =
        strcmp(name, "heap") == 0 || strcmp(name, "image") == 0 || strcmp(name, "quick") == 0;
    struct allocator found = {.name = name};
    if (replay->threads && strcmp(name, "quick") == 0) {
        return command_misused(NAME, "replay: quick is for one thread, --threads is not for it");
    }
    if (own) {
        strcpy(found.path, "libc.so.6");
    } else if (!find_allocator(name, &found)) {
        return command_fail(NAME, "there is no allocator '%s' here", name);
    }
    snprintf(row->name, sizeof row->name, "%s", found.name);
    snprintf(row->face, sizeof row->face, "%s", own ? name : "malloc");
    snprintf(row->preload, sizeof row->preload, "%s", found.path);
    replay->row_count++;
    return COMMAND_DONE;
}

static int
choose_rows(struct replay *replay)
{
    /* The freestanding heap is for one thread. */
    const char *own[] = {"tarn", "heap", "image", replay->threads ? NULL : "quick", NULL};
    int failed = 0;
    if (replay->on != NULL) {
        char *list = strdup(replay->on);
        char *rest = list;
        for (char *name; failed == 0 && (name = strsep(&rest, ",")) != NULL;) {
            failed = add_row(replay, name);
        }
        free(list);
        return failed;
    }
    struct allocator peers[MOST_ALLOCATORS];
    unsigned count = find_peers(peers);
    for (int i = 0; failed == 0 && own[i] != NULL; i++) {
        failed = add_row(replay, own[i]);
    }
    for (unsigned i = 0; failed == 0 && i < count; i++) {
        failed = add_row(replay, peers[i].name);
    }
    return failed;
}

static int
write_plan(struct replay *replay, const struct trace *trace)
{
    struct replay_header header = {
        .magic = REPLAY_MAGIC, .count = trace->count, .slots = (uint64_t)trace->slots + 1};
    uint64_t *sizes = calloc((size_t)trace->slots + 1, sizeof *sizes);
    uint32_t *own = calloc((size_t)trace->slots + 1, sizeof *own);
    uint32_t objects = 0;
    uint64_t live = 0;
    FILE *plan = fopen(replay->plan, "wb");
    bool fine =
        plan != NULL && sizes != NULL && own != NULL && fseek(plan, sizeof header, SEEK_SET) == 0;
    for (size_t i = 0; fine && i < trace->count; i++) {
        const struct trace_event *event = &trace->events[i];
        bool made =
            event->op == TRACE_MALLOC || event->op == TRACE_CALLOC || event->op == TRACE_ALIGNED;
        if (replay->threads && made) { /* no two objects share a slot: nobody waits for a slot */
            own[event->slot] = ++objects;
        }
        struct replay_step step = {.size = event->size,
                                   .slot = replay->threads ? own[event->slot] : event->slot,
                                   .op = event->op,
                                   .align_log = event->align_log,
                                   .thread = event->thread};
        if (event->op != TRACE_FREE_NULL) {
            live += event->size - sizes[event->slot];
            sizes[event->slot] = event->size;
            header.peak_live = live > header.peak_live ? live : header.peak_live;
        }
        fine = fwrite(&step, sizeof step, 1, plan) == 1;
    }
    header.slots = replay->threads ? (uint64_t)objects + 1 : header.slots;
    fine = fine && fseek(plan, 0, SEEK_SET) == 0 && fwrite(&header, sizeof header, 1, plan) == 1;
    int reason = errno;
    fine = plan != NULL && fclose(plan) == 0 && fine;
    free(sizes);
    free(own);
    replay->calls = trace->count;
    replay->thread_count = replay->threads ? trace->threads : 1;
    replay->peak_live = (double)header.peak_live;
    return fine ? COMMAND_DONE : command_fail(NAME, "%s: %s", replay->plan, strerror(reason));
}

/* Starts tarn-replay; its words go to a file that is returned, to be closed. NULL: it failed, and
 * has said why. */
static FILE *
start(const struct replay *replay, const struct row *row, char *const *words, int errors)
{
    struct launched what;
    FILE *output = tmpfile();
    if (output == NULL) {
        command_fail(NAME, "no temporary file: %s", strerror(errno));
        return NULL;
    }
    struct launch how = {.words = words,
                         .preload = row->preload,
                         .input = -1,
                         .output = fileno(output),
                         .errors = errors};
    (void)replay;
    if (!launch(&how, &what) || what.status != 0) {
        if (what.signal != 0) {
            command_fail(NAME, "%s: ended by signal %d (%s)", row->name, what.signal,
                         strsignal(what.signal));
        } else {
            command_fail(NAME, "%s: could not do it (status %d)", row->name, what.status);
        }
        fclose(output);
        return NULL;
    }
    rewind(output);
    return output;
}

static int
by_value(const void *a, const void *b)
{
    double left = *(const double *)a;
    double right = *(const double *)b;
    return (left > right) - (left < right);
}

static double
median(double *values, size_t count)
{
    qsort(values, count, sizeof *values, by_value);
    return count == 0 ? 0 : values[count / 2];
}

static void
measure_time(struct replay *replay, struct row *row)
{
    static double times[MOST_RUNS], counts[MOST_RUNS], walls[MOST_RUNS];
    char runs[16];
    size_t count = 0;
    snprintf(runs, sizeof runs, "%u", replay->runs);
    char *words[] = {replay->program,
                     replay->plan,
                     row->face,
                     replay->library,
                     replay->folder,
                     "time",
                     runs,
                     replay->threads ? "threads" : NULL,
                     NULL};
    FILE *said = start(replay, row, words, -1);
    row->failed = said == NULL;
    while (said != NULL && count < MOST_RUNS &&
           fscanf(said, "%lf %lf %lf", &times[count], &counts[count], &walls[count]) == 3) {
        count++;
    }
    if (said != NULL) {
        fclose(said);
    }
    row->nanoseconds = median(times, count) / (double)replay->calls;
    row->wall = median(walls, count) / (double)replay->calls;
    double instructions = median(counts, count);
    row->instructions = instructions > 0 ? instructions / (double)replay->calls : -1;
}

static void
measure_memory(struct replay *replay, struct row *row)
{
    char *words[] = {replay->program,
                     replay->plan,
                     row->face,
                     replay->library,
                     replay->folder,
                     "memory",
                     replay->threads ? "threads" : NULL,
                     NULL};
    FILE *said = start(replay, row, words, -1);
    row->failed = said == NULL;
    while (said != NULL && row->samples < REPLAY_SAMPLES + 2 &&
           fscanf(said, "%lf %lf %lf", &row->x[row->samples], &row->live[row->samples],
                  &row->resident[row->samples]) == 3) {
        row->samples++;
    }
    if (said != NULL) {
        row->failed = fscanf(said, " peak %lf", &row->peak) != 1;
        fclose(said);
    }
}

/* What callgrind says it collected. */
static void
count_instructions(struct replay *replay, struct row *row)
{
    char *words[] = {"valgrind",
                     "--tool=callgrind",
                     "--callgrind-out-file=/dev/null",
                     "--collect-atstart=no",
                     "--toggle-collect=replay_pass",
                     replay->program,
                     replay->plan,
                     row->face,
                     replay->library,
                     replay->folder,
                     "time",
                     "1",
                     NULL};
    FILE *told = tmpfile();
    FILE *said = told != NULL ? start(replay, row, words, fileno(told)) : NULL;
    char line[512];
    double counted = 0;
    if (said != NULL) {
        fclose(said);
        rewind(told);
    }
    while (said != NULL && fgets(line, sizeof line, told) != NULL) {
        const char *at = strstr(line, "Collected : ");
        if (at != NULL && sscanf(at, "Collected : %lf", &counted) == 1) {
            row->instructions = counted / (double)replay->calls;
        }
    }
    if (told != NULL) {
        fclose(told);
    }
}

static void
measure(struct replay *replay)
{
    for (unsigned i = 0; i < replay->row_count; i++) {
        struct row *row = &replay->rows[i];
        terminal_progress(i, replay->row_count, row->name);
        measure_memory(replay, row);
        if (!row->failed) {
            measure_time(replay, row);
        }
        if (!row->failed && replay->count && row->instructions < 0) {
            count_instructions(replay, row);
        }
    }
    terminal_progress_end();
}

static double
overhead(const struct replay *replay, const struct row *row)
{
    return replay->peak_live > 0 ? row->peak / replay->peak_live : 0;
}

static void
print_table(const struct replay *replay)
{
    char room[TERMINAL_SIZE_ROOM];
    bool counted = false;
    printf("%zu calls by %u %s, peak of live bytes %s\n\n", replay->calls, replay->thread_count,
           replay->thread_count == 1 ? "thread" : "threads",
           terminal_size(room, replay->peak_live));
    printf("%s%-12s %10s %14s %12s %12s%s\n", terminal_bold(stdout), "", "ns/call",
           replay->threads ? "wall ns/call" : "instr/call", "peak", "peak/live",
           terminal_plain(stdout));
    for (unsigned i = 0; i < replay->row_count; i++) {
        const struct row *row = &replay->rows[i];
        if (row->failed) {
            printf("%-12s failed\n", row->name);
            continue;
        }
        printf("%-12s %10.1f ", row->name, row->nanoseconds);
        if (replay->threads || row->instructions > 0) {
            printf("%14.1f", replay->threads ? row->wall : row->instructions);
            counted = true;
        } else {
            printf("%14s", "-");
        }
        printf(" %12s %11.2fx\n", terminal_size(room, row->peak), overhead(replay, row));
    }
    if (!counted) {
        puts("\ninstructions: the processor's counter cannot be had here; --count counts with "
             "valgrind");
    }
}

static void
print_json(const struct replay *replay)
{
    printf("{\"file\": ");
    json_string(stdout, replay->file);
    printf(", \"calls\": %zu, \"peak_live_bytes\": %.0f, \"runs\": %u, "
           "\"threads\": %u, \"allocators\": [",
           replay->calls, replay->peak_live, replay->runs, replay->thread_count);
    for (unsigned i = 0; i < replay->row_count; i++) {
        const struct row *row = &replay->rows[i];
        printf("%s{\"name\": ", i == 0 ? "" : ", ");
        json_string(stdout, row->name);
        if (row->failed) {
            printf(", \"failed\": true}");
            continue;
        }
        printf(", \"failed\": false, \"nanoseconds_per_call\": %.2f, "
               "\"wall_nanoseconds_per_call\": %.2f, \"instructions_per_call\": ",
               row->nanoseconds, row->wall);
        if (row->instructions > 0) {
            printf("%.2f", row->instructions);
        } else {
            printf("null");
        }
        printf(", \"peak_bytes\": %.0f, \"peak_over_live\": %.4f, \"samples\": [", row->peak,
               overhead(replay, row));
        for (size_t at = 0; at < row->samples; at++) {
            printf("%s[%.0f, %.0f, %.0f]", at == 0 ? "" : ", ", row->x[at], row->live[at],
                   row->resident[at]);
        }
        printf("]}");
    }
    puts("]}");
}

static int
draw(const struct replay *replay)
{
    struct svg_line lines[MOST_FACES + 1];
    size_t count = 0;
    char title[512];
    const char *base = strrchr(replay->file, '/');
    for (unsigned i = 0; i < replay->row_count; i++) {
        const struct row *row = &replay->rows[i];
        if (row->failed) {
            continue;
        }
        if (count == 0) {
            lines[count++] = (struct svg_line){"live bytes", row->x, row->live, row->samples, true};
        }
        lines[count++] = (struct svg_line){row->name, row->x, row->resident, row->samples, false};
    }
    FILE *out = fopen(replay->svg, "w");
    if (out == NULL) {
        return command_fail(NAME, "%s: %s", replay->svg, strerror(errno));
    }
    snprintf(title, sizeof title, "%s: resident memory over live bytes",
             base != NULL ? base + 1 : replay->file);
    svg_plot(out, title, "calls", lines, count);
    return fclose(out) == 0 ? COMMAND_DONE
                            : command_fail(NAME, "%s: %s", replay->svg, strerror(errno));
}

static int
read_words(struct replay *replay, int argc, char **argv)
{
    enum {
        ON = 1000,
        RUNS,
        COUNT,
        THREADS,
        SVG,
        JSON
    };
    static const struct option flags[] = {
        {"on", required_argument, NULL, ON},
        {"runs", required_argument, NULL, RUNS},
        {"count", no_argument, NULL, COUNT},
        {"svg", required_argument, NULL, SVG},
        {"json", no_argument, NULL, JSON},
        {"threads", no_argument, NULL, THREADS},
        {NULL, 0, NULL, 0},
    };
    int flag;
    optind = 1;
    while ((flag = command_option(NAME " replay", argc, argv, ":", flags)) != -1) {
        switch (flag) {
        case ON:
            replay->on = optarg;
            break;
        case RUNS:
            replay->runs = (unsigned)strtoul(optarg, NULL, 10);
            break;
        case COUNT:
            replay->count = true;
            break;
        case THREADS:
            replay->threads = true;
            break;
        case SVG:
            replay->svg = optarg;
            break;
        case JSON:
            replay->json = true;
            break;
        default:
            return COMMAND_MISUSED;
        }
    }
    if (replay->threads && replay->count) {
        return command_misused(NAME, "replay: --count is for one thread, not for --threads");
    }
    if (replay->runs < 1 || replay->runs > MOST_RUNS) {
        return command_misused(NAME, "replay: --runs takes a number from 1 to %d", MOST_RUNS);
    }
    if (optind + 1 != argc) {
        return command_misused(NAME, "replay takes one FILE");
    }
    replay->file = argv[optind];
    return COMMAND_DONE;
}

int
trace_replay(int argc, char **argv)
{
    static struct replay replay = {.runs = 5};
    struct trace trace;
    int failed = read_words(&replay, argc, argv);
    if (failed != 0) {
        return failed;
    }
    if (!find_tarn(NAME, replay.library) || !find_companion(NAME, "tarn-replay", replay.program)) {
        return COMMAND_FAILED;
    }
    failed = choose_rows(&replay);
    if (failed != 0) {
        return failed;
    }
    if (!trace_read(NAME, replay.file, &trace)) {
        return COMMAND_FAILED;
    }
    if (trace.count == 0) {
        trace_drop(&trace);
        return command_fail(NAME, "%s: has no events", replay.file);
    }
    if (!launch_scratch_folder(replay.folder, sizeof replay.folder, "replay")) {
        return command_fail(NAME, "%s: %s", replay.folder, strerror(errno));
    }
    snprintf(replay.plan, sizeof replay.plan, "%s/plan", replay.folder);
    failed = write_plan(&replay, &trace);
    trace_drop(&trace);
    if (failed == 0) {
        measure(&replay);
        (replay.json ? print_json : print_table)(&replay);
        failed = replay.svg != NULL ? draw(&replay) : 0;
    }
    unlink(replay.plan);
    rmdir(replay.folder);
    for (unsigned i = 0; i < replay.row_count; i++) {
        failed = replay.rows[i].failed ? COMMAND_FAILED : failed;
    }
    return failed;
}
