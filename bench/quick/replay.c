/* Replays one trace in an arena of a given size, for counting instructions from outside:
 *
 *   quick-replay TRACE ARENA OPTIONS
 *
 * ARENA: bytes, or a factor of the trace's peak such as 1.5x. OPTIONS: the numbers of
 * tarn_quick_init, or-ed. malloc is called as mallocz(size, 0) with +m. Exit code 1: a request was
 * refused. */
#include "tarn/quick.h"
#include "trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
main(int argc, char **argv)
{
    struct trace t;
    struct tarn_quick *q;
    void *memory;
    size_t arena;
    double factor;
    unsigned options;
    uint64_t i;

    if (argc < 4 || !trace_load(&t, argv[1])) {
        fprintf(stderr, "usage: quick-replay TRACE ARENA OPTIONS\n");
        return 2;
    }
    factor = strtod(argv[2], NULL);
    arena =
        strchr(argv[2], 'x') != NULL ? (size_t)(factor * (double)t.peak) + 1024 : (size_t)factor;
    options = (unsigned)strtoul(argv[3], NULL, 0);
    memory = calloc(1, arena);
    q = tarn_quick_init(memory, arena, options, NULL);
    if (q == NULL) {
        return 2;
    }
    for (i = 0; i < t.events; i++) {
        const struct trace_event *e = &t.event[i];
        void *object = NULL;

        switch (e->op) {
        case TRACE_MALLOC:
        case TRACE_CALLOC:
        case TRACE_ALIGN:
            object = tarn_quick_malloc(q, e->size);
            break;
        case TRACE_REALLOC:
            object = tarn_quick_realloc(q, t.object[e->id], e->size);
            break;
        case TRACE_FREE:
            tarn_quick_free(q, t.object[e->id]);
            continue;
        default:
            continue;
        }
        if (object == NULL) {
            fprintf(stderr, "%s: event %llu, %u bytes: refused\n", t.name, (unsigned long long)i,
                    e->size);
            return 1;
        }
        t.object[e->id] = object;
    }
    return 0;
}
