/* Replays every trace found, with a stamp in each object that is checked when it goes, and all
 * invariants at the end. */
#include "tarn/quick.h"
#include "trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static void
expect(int holds, const struct trace *t, uint64_t event, const char *what)
{
    if (!holds && failures++ < 10) {
        printf("FAILED: %s, event %llu: %s\n", t->name, (unsigned long long)event, what);
    }
}

/* First and last bytes carry the slot and size. */
static void
stamp(unsigned char *object, uint32_t id, uint32_t size)
{
    uint32_t i;

    for (i = 0; i < size && i < 32; i++) {
        object[i] = (unsigned char)(id * 31 + i + 1);
    }
    for (i = 0; i < size && i < 32; i++) {
        object[size - 1 - i] = (unsigned char)(id * 17 + i + 1);
    }
}

static int
stamped(const unsigned char *object, uint32_t id, uint32_t size, uint32_t kept)
{
    uint32_t i;

    for (i = 0; i < kept && i < 32 && i + 32 < size; i++) {
        if (object[i] != (unsigned char)(id * 31 + i + 1)) {
            return 0;
        }
    }
    for (i = 0; kept == size && i < size && i < 32; i++) {
        if (object[size - 1 - i] != (unsigned char)(id * 17 + i + 1)) {
            return 0;
        }
    }
    return 1;
}

static int
zero(const unsigned char *object, uint32_t from, uint32_t to)
{
    for (; from < to; from++) {
        if (object[from] != 0) {
            return 0;
        }
    }
    return 1;
}

static void
replay(struct trace *t, unsigned options, double factor)
{
    size_t arena = (size_t)((double)t->peak * factor) + 65536;
    void *memory = malloc(arena);
    struct tarn_quick *q = tarn_quick_init(memory, arena, options, NULL);
    const void *where;
    const char *broken;
    uint64_t i;

    memset(t->object, 0, t->slots * sizeof *t->object);
    for (i = 0; i < t->events && failures == 0; i++) {
        const struct trace_event *e = &t->event[i];
        unsigned char *object = e->op == TRACE_FREE_NULL ? NULL : t->object[e->id];
        uint32_t old = e->op == TRACE_FREE_NULL ? 0 : t->size[e->id];

        if (e->op == TRACE_FREE || e->op == TRACE_FREE_NULL) {
            expect(object == NULL || stamped(object, e->id, old, old), t, i, "contents changed");
            tarn_quick_free(q, object);
            continue;
        }
        if (e->op == TRACE_REALLOC) {
            uint32_t kept = old < e->size ? old : e->size;

            expect(stamped(object, e->id, old, old), t, i, "contents changed");
            object = tarn_quick_realloc(q, object, e->size);
            expect(object == NULL || stamped(object, e->id, old, kept), t, i, "not carried over");
            expect(object == NULL || zero(object, kept, e->size), t, i, "new bytes not zero");
        } else if (e->op == TRACE_ALIGN) {
            object = tarn_quick_mallocalign(q, e->size, (size_t)1 << e->align, 0, 0);
        } else {
            object = tarn_quick_malloc(q, e->size);
            expect(object == NULL || zero(object, 0, e->size), t, i, "not zero");
        }
        expect(object != NULL, t, i, "refused");
        if (object != NULL) {
            t->object[e->id] = object;
            t->size[e->id] = e->size;
            stamp(object, e->id, e->size);
        }
    }
    broken = tarn_quick_check(q, &where);
    expect(broken == NULL, t, i, broken);
    free(memory);
}

static void
use(const char *path)
{
    static const unsigned options[] = {0, TARN_QUICK_IMMEDIATE, TARN_QUICK_ALIGN16,
                                       TARN_QUICK_TAGS};
    static const double factors[] = {1.4, 1.4, 1.5, 3.0};
    struct trace t;
    size_t i;

    if (!trace_load(&t, path)) {
        printf("FAILED: cannot read %s\n", path);
        failures++;
        return;
    }
    for (i = 0; i < sizeof options / sizeof *options; i++) {
        replay(&t, options[i], factors[i]);
    }
    printf("%s: %llu events in %zu heaps\n", t.name, (unsigned long long)t.events,
           sizeof options / sizeof *options);
    trace_drop(&t);
}

int
main(void)
{
    if (trace_each(use) == 0) {
        printf("FAILED: no traces at all\n");
        return 1;
    }
    return failures != 0;
}
