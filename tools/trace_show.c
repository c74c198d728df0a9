/* `tarn trace show`: what is in a trace. */
#include "trace_command.h"

#include "command.h"
#include "json_text.h"
#include "terminal.h"
#include "trace_events.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME "trace"

enum {
    SIZES = 41, /* powers of two */
    OPS = TRACE_FREE_NULL + 1,
    MOST_THREADS = 65536
};

struct object {
    uint64_t size;
    uint64_t time;
    size_t index; /* of the event that made it, plus one; 0: not live */
};

struct summary {
    uint64_t calls[OPS];
    uint64_t by_size[SIZES]; /* requests of up to this power of two, but not of the one before */
    uint64_t bytes_by_size[SIZES];
    uint64_t total; /* bytes asked for */
    uint64_t largest;
    uint64_t live, peak; /* bytes */
    uint64_t live_blocks, peak_blocks;
    size_t peak_at;  /* event */
    uint64_t *lives; /* calls between an object's first and last, for those that ended */
    uint64_t *times; /* nanoseconds */
    size_t ended;
    uint64_t by_thread[MOST_THREADS];
};

static const char *const op_names[OPS] = {"",        "malloc", "calloc",    "realloc",
                                          "aligned", "free",   "free(NULL)"};

static unsigned
size_row(uint64_t size)
{
    unsigned row = 0;
    while (row < SIZES - 1 && ((uint64_t)1 << row) < size) {
        row++;
    }
    return row;
}

static void
count_request(struct summary *s, uint64_t size)
{
    unsigned row = size_row(size);
    s->by_size[row]++;
    s->bytes_by_size[row] += size;
    s->total += size;
    s->largest = size > s->largest ? size : s->largest;
}

static void
count_end(struct summary *s, const struct object *object, const struct trace_event *event, size_t i)
{
    s->lives[s->ended] = i + 1 - object->index;
    s->times[s->ended++] = event->time - object->time;
}

static void
count_event(struct summary *s, struct object *objects, const struct trace_event *event, size_t i)
{
    struct object *object = &objects[event->slot];
    s->calls[event->op]++;
    s->by_thread[event->thread]++;
    switch (event->op) {
    case TRACE_FREE_NULL:
        return;
    case TRACE_FREE:
        count_end(s, object, event, i);
        s->live -= object->size;
        s->live_blocks--;
        memset(object, 0, sizeof *object);
        return;
    case TRACE_REALLOC:
        count_request(s, event->size);
        s->live += event->size - object->size;
        object->size = event->size;
        break;
    default:
        count_request(s, event->size);
        *object = (struct object){event->size, event->time, i + 1};
        s->live += event->size;
        s->live_blocks++;
    }
    if (s->live > s->peak) {
        s->peak = s->live;
        s->peak_at = i + 1;
    }
    s->peak_blocks = s->live_blocks > s->peak_blocks ? s->live_blocks : s->peak_blocks;
}

static int
by_value(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

static uint64_t
quantile(const uint64_t *sorted, size_t count, unsigned percent)
{
    return count == 0 ? 0 : sorted[(count - 1) * percent / 100];
}

static void
print_sizes(const struct summary *s)
{
    uint64_t most = 1;
    for (unsigned i = 0; i < SIZES; i++) {
        most = s->by_size[i] > most ? s->by_size[i] : most;
    }
    puts("\nsizes asked for");
    for (unsigned i = 0; i < SIZES; i++) {
        char room[2][TERMINAL_SIZE_ROOM];
        if (s->by_size[i] == 0) {
            continue;
        }
        int bar = (int)(s->by_size[i] * 40 / most);
        printf("  to %9s %12llu  %10s  %.*s\n", terminal_size(room[0], (double)(1ull << i)),
               (unsigned long long)s->by_size[i],
               terminal_size(room[1], (double)s->bytes_by_size[i]), bar > 0 ? bar : 1,
               "########################################");
    }
}

/* On one line, whatever the program was told. */
static void
print_words(const char *words)
{
    printf("program       ");
    for (; *words != 0; words++) {
        putchar((unsigned char)*words < ' ' || *words == 0x7f ? ' ' : *words);
    }
    putchar('\n');
}

static void
print_text(const struct trace *trace, const struct summary *s)
{
    char room[TERMINAL_SIZE_ROOM];
    static const unsigned percents[] = {10, 50, 90, 99, 100};
    if (*trace->words != 0) {
        print_words(trace->words);
    }
    printf("events        %zu by %u %s\n", trace->count, trace->threads,
           trace->threads == 1 ? "thread" : "threads");
    for (unsigned op = TRACE_MALLOC; op < OPS; op++) {
        if (s->calls[op] != 0) {
            printf("  %-11s %llu\n", op_names[op], (unsigned long long)s->calls[op]);
        }
    }
    if (trace->timed && trace->count > 0) {
        printf("time          %.3f s\n", (double)trace->events[trace->count - 1].time / 1e9);
    }
    printf("asked for     %s in all, %llu bytes at once at most\n",
           terminal_size(room, (double)s->total), (unsigned long long)s->largest);
    printf("peak          %s at event %zu; %llu blocks at most\n",
           terminal_size(room, (double)s->peak), s->peak_at, (unsigned long long)s->peak_blocks);
    printf("at the end    %s in %llu blocks never freed\n", terminal_size(room, (double)s->live),
           (unsigned long long)s->live_blocks);
    if (!trace->finished || trace->cut || trace->missing + trace->unknown + trace->unseen > 0) {
        printf(
            "not whole     %s%s%zu events missing, %zu frees of older blocks, %zu frees unseen\n",
            trace->finished ? "" : "the program did not come to its end; ",
            trace->cut ? "the recording had to stop (file could not grow); " : "", trace->missing,
            trace->unknown, trace->unseen);
    }
    print_sizes(s);
    puts("\nlifetimes of blocks, those that were freed");
    for (unsigned i = 0; i < sizeof percents / sizeof *percents; i++) {
        printf("  %3u %% up to %11llu calls", percents[i],
               (unsigned long long)quantile(s->lives, s->ended, percents[i]));
        if (trace->timed) {
            printf("  %13.6f s", (double)quantile(s->times, s->ended, percents[i]) / 1e9);
        }
        putchar('\n');
    }
    if (trace->threads > 1) {
        puts("\nevents by thread");
        for (unsigned i = 0; i < trace->threads && i < MOST_THREADS; i++) {
            printf("  %5u %12llu\n", i, (unsigned long long)s->by_thread[i]);
        }
    }
}

static void
print_quantiles(const uint64_t *sorted, size_t count)
{
    printf("{\"p10\": %llu, \"p50\": %llu, \"p90\": %llu, \"p99\": %llu, \"p100\": %llu}",
           (unsigned long long)quantile(sorted, count, 10),
           (unsigned long long)quantile(sorted, count, 50),
           (unsigned long long)quantile(sorted, count, 90),
           (unsigned long long)quantile(sorted, count, 99),
           (unsigned long long)quantile(sorted, count, 100));
}

static void
print_json(const struct trace *trace, const struct summary *s)
{
    printf("{\"program\": ");
    json_string(stdout, *trace->words != 0 ? trace->words : NULL);
    printf(", \"events\": %zu, \"threads\": %u, \"calls\": {", trace->count, trace->threads);
    for (unsigned op = TRACE_MALLOC; op < OPS; op++) {
        printf("%s\"%s\": %llu", op == TRACE_MALLOC ? "" : ", ", op_names[op],
               (unsigned long long)s->calls[op]);
    }
    printf("}, \"seconds\": ");
    if (trace->timed && trace->count > 0) {
        printf("%.9f", (double)trace->events[trace->count - 1].time / 1e9);
    } else {
        printf("null");
    }
    printf(
        ", \"total_bytes\": %llu, \"largest_bytes\": %llu, \"peak_bytes\": %llu, \"peak_event\": "
        "%zu, \"peak_blocks\": %llu, \"end_bytes\": %llu, \"end_blocks\": %llu, \"finished\": "
        "%s, \"cut\": %s, \"missing\": %zu, \"unknown_frees\": %zu, \"unseen_frees\": %zu, "
        "\"sizes\": [",
        (unsigned long long)s->total, (unsigned long long)s->largest, (unsigned long long)s->peak,
        s->peak_at, (unsigned long long)s->peak_blocks, (unsigned long long)s->live,
        (unsigned long long)s->live_blocks, trace->finished ? "true" : "false",
        trace->cut ? "true" : "false", trace->missing, trace->unknown, trace->unseen);
    const char *between = "";
    for (unsigned i = 0; i < SIZES; i++) {
        if (s->by_size[i] != 0) {
            printf("%s{\"to\": %llu, \"count\": %llu, \"bytes\": %llu}", between, 1ull << i,
                   (unsigned long long)s->by_size[i], (unsigned long long)s->bytes_by_size[i]);
            between = ", ";
        }
    }
    printf("], \"lifetime_calls\": ");
    print_quantiles(s->lives, s->ended);
    printf(", \"lifetime_nanoseconds\": ");
    if (trace->timed) {
        print_quantiles(s->times, s->ended);
    } else {
        printf("null");
    }
    printf(", \"events_by_thread\": [");
    for (unsigned i = 0; i < trace->threads && i < MOST_THREADS; i++) {
        printf("%s%llu", i == 0 ? "" : ", ", (unsigned long long)s->by_thread[i]);
    }
    puts("]}");
}

int
trace_show(int argc, char **argv)
{
    static struct summary summary;
    struct trace trace;
    static const struct option flags[] = {{"json", no_argument, NULL, 'j'}, {NULL, 0, NULL, 0}};
    bool json = false;
    optind = 1;
    for (int flag; (flag = command_option(NAME " show", argc, argv, ":", flags)) != -1;) {
        if (flag != 'j') {
            return COMMAND_MISUSED;
        }
        json = true;
    }
    if (optind + 1 != argc) {
        return command_misused(NAME, "show takes one FILE");
    }
    if (!trace_read(NAME, argv[optind], &trace)) {
        return COMMAND_FAILED;
    }
    struct object *objects = calloc((size_t)trace.slots + 1, sizeof *objects);
    summary.lives = calloc(trace.count + 1, sizeof *summary.lives);
    summary.times = calloc(trace.count + 1, sizeof *summary.times);
    if (objects == NULL || summary.lives == NULL || summary.times == NULL) {
        return command_fail(NAME, "no memory");
    }
    for (size_t i = 0; i < trace.count; i++) {
        count_event(&summary, objects, &trace.events[i], i);
    }
    qsort(summary.lives, summary.ended, sizeof *summary.lives, by_value);
    qsort(summary.times, summary.ended, sizeof *summary.times, by_value);
    (json ? print_json : print_text)(&trace, &summary);
    free(objects);
    free(summary.lives);
    free(summary.times);
    trace_drop(&trace);
    return COMMAND_DONE;
}
