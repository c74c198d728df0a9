/* The smallest arena in which no request of a trace is refused, by bisection, over the trace's peak
 * of live bytes; the checkerboard adversary in the same measure; the overhead per object; the
 * largest number of blocks that a malloc about to refuse may have to coalesce.
 *
 *   quick-space OPTIONS */
#include "tarn/quick.h"
#include "trace.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned options;
static double product = 1;
static int count;

static int
fits(struct trace *t, void *memory, size_t arena)
{
    struct tarn_quick *q = tarn_quick_init(memory, arena, options, NULL);
    uint64_t i;

    for (i = 0; q != NULL && i < t->events; i++) {
        const struct trace_event *e = &t->event[i];
        void *object = NULL;

        switch (e->op) {
        case TRACE_FREE:
            tarn_quick_free(q, t->object[e->id]);
            continue;
        case TRACE_FREE_NULL:
            continue;
        case TRACE_REALLOC:
            object = tarn_quick_realloc(q, t->object[e->id], e->size);
            break;
        default:
            object = tarn_quick_mallocz(q, e->size, 0);
        }
        if (object == NULL) {
            return 0;
        }
        t->object[e->id] = object;
    }
    return q != NULL;
}

static void
use(const char *path)
{
    struct trace t;
    size_t low;
    size_t high;
    void *memory;

    if (strstr(path, "/own-") != NULL || !trace_load(&t, path)) {
        return;
    }
    low = t.peak;
    high = t.peak * 4 + 4096;
    memory = malloc(high);
    while (high - low > 64) {
        size_t middle = (low + high) / 2 & ~(size_t)7;

        if (fits(&t, memory, middle)) {
            high = middle;
        } else {
            low = middle;
        }
    }
    printf("  %-10s %.3f\n", t.name, (double)high / (double)t.peak);
    product *= (double)high / (double)t.peak;
    count++;
    free(memory);
    trace_drop(&t);
}

/* Fills `live` bytes with objects of 16, frees every second one and fills up with 32, frees every
 * second of those and fills up with 64, and so on to 4096. */
static int
checkerboard(void *memory, size_t arena, size_t live)
{
    static void *object[2][65536];
    struct tarn_quick *q = tarn_quick_init(memory, arena, options, NULL);
    size_t size;
    size_t budget = live;

    for (size = 16; q != NULL && size <= 4096; size *= 2) {
        size_t n = budget / size;
        size_t i;

        for (i = 0; i < n; i++) {
            object[0][i] = tarn_quick_mallocz(q, size, 0);
            if (object[0][i] == NULL) {
                return 0;
            }
        }
        budget = 0;
        for (i = 0; i < n; i += 2) {
            tarn_quick_free(q, object[0][i]);
            budget += size;
        }
    }
    return q != NULL;
}

int
main(int argc, char **argv)
{
    static const size_t sizes[] = {8, 24, 64, 100, 200, 1000};
    size_t live = 1 << 20;
    size_t low = live;
    size_t high = live * 8;
    void *memory = malloc(high);
    size_t i;

    options = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 0) : 0;
    printf("smallest arena over peak live, options %u:\n", options);
    (void)trace_each(use);
    if (count != 0) {
        printf("  geometric mean %.3f\n", pow(product, 1.0 / count));
    }
    while (high - low > 1024) {
        size_t middle = (low + high) / 2;

        if (checkerboard(memory, middle, live)) {
            high = middle;
        } else {
            low = middle;
        }
    }
    printf("  checkerboard of 1 MiB %.3f\n", (double)high / (double)live);
    printf("bytes per object beyond its size, 1 MiB filled:");
    for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        struct tarn_quick *q = tarn_quick_init(memory, live, options, NULL);
        size_t n = 0;

        while (tarn_quick_mallocz(q, sizes[i], 0) != NULL) {
            n++;
        }
        printf(" %zu: %.1f", sizes[i], (double)live / (double)n - (double)sizes[i]);
    }
    printf("\nfixed cost of an arena:");
    for (i = 1024; i <= 1 << 20; i *= 4) {
        struct tarn_quick *q = tarn_quick_init(memory, i, options, NULL);
        struct tarn_quick_stats stats;

        tarn_quick_get_stats(q, &stats);
        printf(" %zu: %zu", i, i - stats.total);
    }
    printf("\n");
    free(memory);
    return 0;
}
