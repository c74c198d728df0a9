/* How many instructions each call takes: median, one in a thousand, and most, over a million random
 * operations in four arenas and over traces in arenas of three sizes. Runs on a heap
 * that counts its own instructions; counted.py makes that and the program.
 *
 *   longest [TRACE...] */
#include "tarn/quick.h"
#include "trace.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Where the heap counts. */
uint64_t counted;
uint64_t counted_rax;
unsigned char counted_slow;

enum {
    MALLOC,
    MALLOCZ,
    CALLOC,
    ALIGN,
    ALIGN_ODD,
    REALLOC,
    REALLOC_MOVED,
    FREE,
    FREE_ODD, /* of a plain heap, of an object that does not start its block */
    MSIZE,
    TAGS,
    COALESCING, /* allocations of a plain heap that had to coalesce its quick lists, or were refused
                 */
    LOCKED,
    KINDS
};

static const char *const names[KINDS] = {
    "malloc",
    "mallocz(0)",
    "calloc",
    "mallocalign 2^n",
    "mallocalign any",
    "realloc in place",
    "realloc by a move",
    "free",
    "free, odd object",
    "msize",
    "tags",
    "coalescing first",
    "lock held",
};

enum {
    LARGEST = 1 << 16,
    SLOTS = 8192
};

static uint64_t histogram[KINDS][LARGEST + 1];
static uint64_t number[KINDS];
static uint64_t most[KINDS];

static void
note(int kind, uint64_t instructions)
{
    histogram[kind][instructions < LARGEST ? instructions : LARGEST]++;
    number[kind]++;
    if (instructions > most[kind]) {
        most[kind] = instructions;
    }
}

static uint64_t
quantile(int kind, double part)
{
    uint64_t sum = 0;
    uint64_t i = 0;

    while (i < LARGEST && (double)(sum += histogram[kind][i]) < part * (double)number[kind]) {
        i++;
    }
    return i;
}

static void
print_kinds(const char *title)
{
    int kind;

    printf("%s\n  %-18s %10s %7s %7s %7s\n", title, "", "calls", "median", "99.9 %", "most");
    for (kind = 0; kind < KINDS; kind++) {
        if (number[kind] != 0) {
            printf("  %-18s %10llu %7llu %7llu %7llu\n", names[kind],
                   (unsigned long long)number[kind], (unsigned long long)quantile(kind, 0.5),
                   (unsigned long long)quantile(kind, 0.999), (unsigned long long)most[kind]);
        }
    }
    memset(histogram, 0, sizeof histogram);
    memset(number, 0, sizeof number);
    memset(most, 0, sizeof most);
}

static uint64_t locked_at;

static uintptr_t
lock(void *context)
{
    (void)context;
    locked_at = counted;
    return 0;
}

static void
unlock(void *context, uintptr_t saved)
{
    (void)context;
    (void)saved;
    note(LOCKED, counted - locked_at);
}

static const struct tarn_quick_hooks locking = {NULL, lock, unlock, NULL, NULL, NULL, NULL, NULL};

static void
begin(void)
{
    counted = 0;
    counted_slow = 0;
}

static void
end(int kind, int guarded)
{
    uint64_t instructions = counted;

    if (counted_slow && !guarded) {
        kind = kind == FREE ? FREE_ODD : COALESCING;
    }
    note(kind, instructions);
}

static uint64_t state = 88172645463325252u;

static unsigned
random_below(unsigned limit)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)((state >> 20) % limit);
}

static size_t
random_size(size_t arena)
{
    switch (random_below(8)) {
    case 0:
        return random_below(16);
    case 1:
    case 2:
    case 3:
    case 4:
        return random_below(128);
    case 5:
        return random_below(1024);
    case 6:
        return random_below((unsigned)(arena / 64 < 8192 ? arena / 64 : 8192));
    default:
        return random_below(300);
    }
}

static void *
allocate(struct tarn_quick *q, size_t size, int guarded)
{
    static const size_t aligns[] = {16, 32, 64, 256, 4096};
    static const size_t odd[] = {3, 12, 24, 100, 1000};
    size_t align = aligns[random_below(5)];
    void *object;

    switch (random_below(12)) {
    case 0:
        begin();
        object = tarn_quick_mallocz(q, size, 0);
        end(MALLOCZ, guarded);
        return object;
    case 1:
        begin();
        object = tarn_quick_calloc(q, size, 1);
        end(CALLOC, 1);
        return object;
    case 2:
        begin();
        object = tarn_quick_mallocalign(q, size, align, 8, random_below(2) ? 4096 : 0);
        end(ALIGN, 1);
        return object;
    case 3:
        align = odd[random_below(5)];
        begin();
        object = tarn_quick_mallocalign(q, size, align, -7, random_below(4) ? 0 : 4096);
        end(ALIGN_ODD, 1);
        return object;
    default:
        begin();
        object = tarn_quick_malloc(q, size);
        end(MALLOC, guarded);
        return object;
    }
}

static void
operate(size_t arena, unsigned options, const struct tarn_quick_hooks *hooks, unsigned operations)
{
    static void *object[SLOTS];
    void *memory = malloc(arena);
    struct tarn_quick *q = tarn_quick_init(memory, arena, options, hooks);
    int guarded = hooks != NULL || options & (TARN_QUICK_TAGS | TARN_QUICK_CHECKED);
    unsigned i;

    memset(object, 0, sizeof object);
    for (i = 0; i < operations; i++) {
        void **slot = &object[random_below((unsigned)(arena / 128 < SLOTS ? arena / 128 : SLOTS))];
        unsigned what = random_below(16);

        if (*slot == NULL) {
            *slot = allocate(q, random_size(arena), guarded);
        } else if (what < 3) {
            size_t size = random_size(arena) + 1;
            void *result;

            begin();
            result = tarn_quick_realloc(q, *slot, size);
            end(result == *slot ? REALLOC : REALLOC_MOVED, guarded);
            *slot = result != NULL ? result : *slot;
        } else if (what == 3) {
            begin();
            (void)tarn_quick_msize(q, *slot);
            end(MSIZE, 1);
        } else if (what == 4 && options & TARN_QUICK_TAGS) {
            begin();
            tarn_quick_setmalloctag(q, *slot, i);
            end(TAGS, 1);
        } else {
            begin();
            tarn_quick_free(q, *slot);
            end(FREE, guarded);
            *slot = NULL;
        }
    }
    free(memory);
}

static void
replay(struct trace *t, double factor, unsigned options)
{
    size_t arena = (size_t)((double)t->peak * factor) + 1024;
    void *memory = malloc(arena);
    struct tarn_quick *q = tarn_quick_init(memory, arena, options, NULL);
    uint64_t i;

    memset(t->object, 0, t->slots * sizeof *t->object);
    for (i = 0; i < t->events; i++) {
        const struct trace_event *e = &t->event[i];
        void **slot = &t->object[e->id];
        void *result;

        switch (e->op) {
        case TRACE_FREE_NULL:
            break;
        case TRACE_FREE:
            begin();
            tarn_quick_free(q, *slot);
            end(FREE, 0);
            *slot = NULL;
            break;
        case TRACE_REALLOC:
            begin();
            result = tarn_quick_realloc(q, *slot, e->size);
            end(*slot == NULL ? MALLOC : result == *slot ? REALLOC : REALLOC_MOVED, 0);
            *slot = result != NULL ? result : *slot;
            break;
        default:
            begin();
            *slot = tarn_quick_malloc(q, e->size);
            end(MALLOC, 0);
        }
    }
    free(memory);
}

int
main(int argc, char **argv)
{
    static const size_t arenas[] = {4096, 65536, 1048576, 16777216};
    static const struct {
        const char *title;
        unsigned options;
        const struct tarn_quick_hooks *hooks;
    } heaps[] = {
        {"default", 0, NULL},
        {"immediate", TARN_QUICK_IMMEDIATE, NULL},
        {"with a lock", 0, &locking},
        {"with a lock, TARN_QUICK_TAGS", TARN_QUICK_TAGS, &locking},
        {"with a lock, TARN_QUICK_CHECKED", TARN_QUICK_CHECKED, &locking},
    };
    size_t i;
    size_t j;
    int k;

    for (i = 0; i < sizeof heaps / sizeof *heaps; i++) {
        char title[128];

        for (j = 0; j < sizeof arenas / sizeof *arenas; j++) {
            operate(arenas[j], heaps[i].options, heaps[i].hooks, 250000);
        }
        for (k = 1; heaps[i].hooks == NULL && k < argc; k++) {
            static const double factors[] = {1.1, 1.5, 4};
            struct trace t;

            if (!trace_load(&t, argv[k])) {
                return 1;
            }
            for (j = 0; j < sizeof factors / sizeof *factors; j++) {
                replay(&t, factors[j], heaps[i].options);
            }
            trace_drop(&t);
        }
        snprintf(title, sizeof title, "%s:", heaps[i].title);
        print_kinds(title);
    }
    return 0;
}
