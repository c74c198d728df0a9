#include "model.h"

#include "tarn/quick.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OBJECTS 1024
#define REGIONS 2

struct object {
    unsigned char *bytes;
    size_t size;
    uint32_t stamp;
    uintptr_t tag;
    int reach; /* msize was asked: contents to the end are the model's */
};

struct model {
    struct tarn_quick *heap;
    unsigned options;
    unsigned char *memory;
    size_t arena;
    unsigned char *owned; /* one byte for each of the arena's */
    struct object object[OBJECTS];
    unsigned live;
    unsigned char *region[REGIONS];
    size_t region_size;
    int in[REGIONS];
    uint32_t seed;
    const char *failed;
    struct tarn_quick_fault fault;
};

static struct model *running;

static void
on_panic(void *context, const struct tarn_quick_fault *fault)
{
    (void)context;
    running->fault = *fault;
    running->failed = fault->what;
}

static const struct tarn_quick_hooks hooks = {NULL, NULL, NULL, on_panic, NULL, NULL, NULL, NULL};

static uintptr_t
take_lock(void *context)
{
    int *held = context;

    if (*held) {
        running->failed = "lock taken twice";
    }
    *held = 1;
    return 42;
}

static void
drop_lock(void *context, uintptr_t saved)
{
    int *held = context;

    if (!*held || saved != 42) {
        running->failed = "lock not held, or with another level";
    }
    *held = 0;
}

static int held;
static const struct tarn_quick_hooks locked_hooks = {&held, take_lock, drop_lock, on_panic,
                                                     NULL,  NULL,      NULL,      NULL};

static void
fail(struct model *m, const char *what)
{
    if (m->failed == NULL) {
        m->failed = what;
    }
}

static unsigned char
stamp_byte(uint32_t stamp, size_t i)
{
    return (unsigned char)((stamp + i * 2654435761u) >> 11 | 1);
}

static void
fill(struct object *o)
{
    size_t i;

    for (i = 0; i < o->size; i++) {
        o->bytes[i] = stamp_byte(o->stamp, i);
    }
}

static void
verify(struct model *m, const struct object *o, size_t size)
{
    size_t i;

    for (i = 0; i < size; i++) {
        if (o->bytes[i] != stamp_byte(o->stamp, i)) {
            fail(m, "an object's contents changed");
            return;
        }
    }
}

static void
own(struct model *m, const unsigned char *bytes, size_t size, int take)
{
    size_t at = (size_t)(bytes - m->memory);
    size_t i;

    if (bytes < m->memory || at > m->arena || size > m->arena - at) {
        fail(m, "an object outside the arena");
        return;
    }
    for (i = at; i < at + size; i++) {
        if (m->owned[i] == take) {
            fail(m, "two objects overlap");
            return;
        }
        m->owned[i] = (unsigned char)take;
    }
}

/* Takes over a new object. `from` on, its bytes must be zero. */
static void
adopt(struct model *m, struct object *o, void *bytes, size_t size, size_t from)
{
    size_t i;

    o->bytes = bytes;
    o->size = size;
    o->stamp = m->seed += 0x9e3779b9u;
    own(m, o->bytes, size, 1);
    for (i = from; i < size && m->failed == NULL; i++) {
        if (o->bytes[i] != 0) {
            fail(m, "new memory is not zero");
        }
    }
    if (m->failed == NULL) {
        fill(o);
    }
}

static size_t
pick_size(struct model *m, unsigned a, unsigned b)
{
    switch (a & 7) {
    case 0:
        return b & 15;
    case 1:
    case 2:
    case 3:
    case 4:
        return b & 127;
    case 5:
        return b * 4;
    case 6:
        return b * 64;
    default:
        return b * (m->arena >> 9);
    }
}

static void
align_op(struct model *m, struct object *o, size_t size, unsigned a, unsigned b)
{
    static const size_t odd[] = {0, 1, 3, 12, 24, 48, 100, 1000};
    size_t align = a & 1 ? (size_t)1 << (a >> 1 & 7) : odd[a >> 1 & 7];
    size_t span = b & 1 ? (size_t)16 << (b >> 1 & 7) : b & 2 ? 0 : odd[b >> 2 & 7] * 8;
    long offset = (long)(a ^ b * 7) - 128;
    void *bytes;

    size &= 511;
    bytes = tarn_quick_mallocalign(m->heap, size, align, offset, span);
    if (bytes == NULL) {
        return;
    }
    if (align != 0) {
        long long rest = ((long long)(uintptr_t)bytes - offset) % (long long)align;

        if (rest != 0) {
            fail(m, "mallocalign: not the offset asked for");
        }
    }
    if (span != 0 && size != 0 && (uintptr_t)bytes / span != ((uintptr_t)bytes + size - 1) / span) {
        fail(m, "mallocalign: crosses a multiple of span");
    }
    adopt(m, o, bytes, size, 0);
    m->live++;
}

static void
realloc_op(struct model *m, struct object *o, size_t size)
{
    unsigned char *before = o->bytes;
    size_t old = o->size;
    uint32_t stamp = o->stamp;
    unsigned char *bytes;
    struct object kept;

    verify(m, o, old);
    own(m, before, old, 0);
    bytes = tarn_quick_realloc(m->heap, before, size);
    if (size == 0) {
        if (bytes != NULL) {
            fail(m, "realloc to 0 gave a pointer");
        }
        o->bytes = NULL;
        m->live--;
        return;
    }
    if (bytes == NULL) {
        own(m, before, old, 1);
        return;
    }
    kept.bytes = bytes;
    kept.stamp = stamp;
    verify(m, &kept, old < size ? old : size);
    adopt(m, o, bytes, size, old < size ? old : size);
    o->reach = 0;
}

static void
region_op(struct model *m, unsigned i)
{
    if (!m->in[i]) {
        m->in[i] = tarn_quick_add(m->heap, m->region[i], m->region_size);
    } else if (tarn_quick_remove(m->heap, m->region[i])) {
        memset(m->region[i], 0xa5, m->region_size);
        m->in[i] = 0;
    }
}

const char *
model_run(void *memory, size_t arena, unsigned options, int (*next)(void *context), void *context,
          uint64_t every, struct model_result *result)
{
    static struct model m;
    int locked = (options & 0x100) != 0;
    int op;

    free(m.owned);
    memset(&m, 0, sizeof m);
    held = 0;
    running = &m;
    m.memory = memory;
    m.arena = arena;
    m.options = options & 0xff;
    m.owned = calloc(1, arena);
    m.region_size = arena / 8;
    m.region[0] = m.memory + arena - arena / 8 - 5;
    m.region[1] = m.memory + 3;
    m.heap = tarn_quick_init(m.memory + arena / 8 + 3, arena / 8 * 6 - 11, m.options,
                             locked ? &locked_hooks : &hooks);
    if (m.heap == NULL || m.owned == NULL) {
        return "no heap";
    }
    while (m.failed == NULL && (op = next(context)) >= 0) {
        unsigned a = (unsigned)next(context) & 0xff;
        unsigned b = (unsigned)next(context) & 0xff;
        struct object *o = &m.object[(a * 256 + b + (unsigned)op * 7) % OBJECTS];
        size_t size = pick_size(&m, a, b);

        result->operations++;
        if (o->bytes != NULL && (op & 15) < 12) {
            if ((op & 15) < 7) {
                verify(&m, o, o->size);
                own(&m, o->bytes, o->size, 0);
                if (m.options & TARN_QUICK_TAGS && o->tag != 0 &&
                    tarn_quick_getmalloctag(m.heap, o->bytes) != o->tag) {
                    fail(&m, "a tag changed");
                }
                tarn_quick_free(m.heap, o->bytes);
                o->bytes = NULL;
                m.live--;
            } else if ((op & 15) < 10) {
                realloc_op(&m, o, size);
            } else if ((op & 15) == 10) {
                size_t room = tarn_quick_msize(m.heap, o->bytes);

                if (room < o->size) {
                    fail(&m, "msize below what was asked for");
                } else {
                    own(&m, o->bytes + o->size, room - o->size, 1);
                    verify(&m, o, o->size);
                    o->size = room;
                    fill(o);
                }
            } else if (m.options & TARN_QUICK_TAGS) {
                o->tag = a * 77 + b + 1;
                tarn_quick_setmalloctag(m.heap, o->bytes, o->tag);
                tarn_quick_setrealloctag(m.heap, o->bytes, o->tag * 3);
                if (tarn_quick_getrealloctag(m.heap, o->bytes) != o->tag * 3) {
                    fail(&m, "a realloc tag is not kept");
                }
            }
        } else if (o->bytes == NULL && (op & 15) < 14) {
            void *bytes;

            o->tag = 0;
            o->reach = 0;
            if ((op & 15) < 3) {
                align_op(&m, o, size, a, (unsigned)op * 31 + b);
                continue;
            }
            if ((op & 15) < 11) {
                bytes = tarn_quick_malloc(m.heap, size);
            } else if ((op & 15) < 12) {
                bytes = tarn_quick_calloc(m.heap, size, 3);
                size *= 3;
            } else {
                bytes = tarn_quick_mallocz(m.heap, size, 0);
            }
            if (bytes == NULL) {
                result->refused++;
            } else {
                if ((uintptr_t)bytes % (m.options & TARN_QUICK_ALIGN16 ? 16 : 8) != 0) {
                    fail(&m, "not aligned");
                }
                adopt(&m, o, bytes, size, (op & 15) < 12 ? 0 : size);
                m.live++;
            }
        } else if ((op & 15) == 14 && a < 16) {
            region_op(&m, b & 1);
        } else if ((op & 15) == 15 && a < 4) {
            tarn_quick_flush(m.heap);
        }
        if (held) {
            fail(&m, "lock left held");
        }
        if (m.failed == NULL && result->operations % every == 0) {
            fail(&m, tarn_quick_check(m.heap, NULL));
            result->checks++;
        }
    }
    if (m.failed == NULL) {
        unsigned i;

        for (i = 0; i < OBJECTS; i++) {
            if (m.object[i].bytes != NULL) {
                verify(&m, &m.object[i], m.object[i].size);
                tarn_quick_free(m.heap, m.object[i].bytes);
            }
        }
        tarn_quick_flush(m.heap);
        if (m.failed == NULL) {
            struct tarn_quick_stats stats;

            fail(&m, tarn_quick_check(m.heap, NULL));
            tarn_quick_get_stats(m.heap, &stats);
            if (stats.used != 0 || stats.objects != 0 || stats.quick != 0) {
                fail(&m, "blocks are left in use");
            }
        }
    }
    return m.failed;
}
