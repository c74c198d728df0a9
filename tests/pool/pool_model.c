/* Random operations on pools with every option, beside a plain reference: which objects are out,
 * what is in them, how often each was constructed, in which order they come back. */
#include "expect.h"

#include <tarn/pool.h>

enum {
    MOST = 700,
    MAGIC = 0x5a
};

struct config {
    size_t size;
    size_t align;
    size_t block_size;
    size_t preallocate;
    size_t limit;
    unsigned flags;
    bool constructs;
    bool buffer;
};

struct model {
    const struct config *config;
    tarn_pool *pool;
    size_t room; /* bytes of an object that are stamped; the last one tells of construction */
    void *live[MOST];
    uint64_t tag[MOST];
    size_t count;
    void *freed[2 * MOST]; /* strict pools: the last one in comes out first */
    size_t freed_count;
    long constructed;
    uint64_t random;
};

static void
construct(void *object, void *context)
{
    struct model *model = context;
    model->constructed++;
    ((unsigned char *)object)[model->config->size - 1] = MAGIC;
}

static void
destruct(void *object, void *context)
{
    struct model *model = context;
    model->constructed--;
    EXPECT(((unsigned char *)object)[model->config->size - 1] == MAGIC);
}

static size_t
below(struct model *model, size_t limit)
{
    return (size_t)(next_random(&model->random) % limit);
}

static void
came(struct model *model, void *object, bool zeroed)
{
    const struct config *config = model->config;
    if (config->align != 0) {
        EXPECT(is_aligned(object, config->align));
    }
    if (config->flags & TARN_POOL_SPREAD) {
        EXPECT(is_aligned(object, 64));
    }
    for (size_t i = 0; i < model->count; i++) {
        size_t distance = (uintptr_t)object > (uintptr_t)model->live[i]
                              ? (uintptr_t)object - (uintptr_t)model->live[i]
                              : (uintptr_t)model->live[i] - (uintptr_t)object;
        EXPECT(distance >= config->size);
    }
    if (zeroed) {
        EXPECT(is_zero(object, config->size));
        if (config->constructs) {
            ((unsigned char *)object)[config->size - 1] = MAGIC;
        }
    } else if (config->constructs) {
        EXPECT(((unsigned char *)object)[config->size - 1] == MAGIC);
    }
    if (config->flags & TARN_POOL_STRICT) {
        if (model->freed_count > 0) {
            EXPECT(object == model->freed[--model->freed_count]);
        }
    }
    uint64_t tag = next_random(&model->random);
    stamp(object, model->room, tag);
    model->live[model->count] = object;
    model->tag[model->count++] = tag;
}

static void *
leaves(struct model *model, size_t i)
{
    void *object = model->live[i];
    EXPECT(is_stamped(object, model->room, model->tag[i]));
    model->live[i] = model->live[--model->count];
    model->tag[i] = model->tag[model->count];
    if (model->config->flags & TARN_POOL_STRICT) {
        model->freed[model->freed_count++] = object;
    }
    return object;
}

static bool
at_limit(const struct model *model)
{
    return model->config->limit != 0 && model->count == model->config->limit;
}

static void
allocate(struct model *model)
{
    if (model->count == MOST) {
        return;
    }
    bool zero = below(model, 8) == 0;
    errno = 0;
    void *object = zero ? tarn_pool_zalloc(model->pool) : tarn_pool_alloc(model->pool);
    if (object == NULL) {
        EXPECT(errno == ENOMEM);
        EXPECT(at_limit(model) || model->config->buffer);
        return;
    }
    EXPECT(!at_limit(model) && errno == 0);
    came(model, object, zero);
}

static void
allocate_many(struct model *model)
{
    static void *objects[MOST];
    size_t count = below(model, MOST - model->count + 1);
    size_t got = tarn_pool_alloc_many(model->pool, objects, count);
    EXPECT(got <= count);
    if (got < count && !model->config->buffer) {
        EXPECT(model->config->limit != 0 && model->count + got == model->config->limit);
    }
    for (size_t i = 0; i < got; i++) {
        came(model, objects[i], false);
    }
}

static void
free_many(struct model *model)
{
    static void *objects[MOST];
    size_t count = below(model, model->count + 1);
    for (size_t i = 0; i < count; i++) {
        objects[i] = leaves(model, below(model, model->count));
    }
    tarn_pool_free_many(model->pool, objects, count);
}

/* What goes in is what comes out, newest first. */
static void
free_and_take_back(struct model *model)
{
    if (model->count < 2) {
        return;
    }
    void *a = leaves(model, below(model, model->count));
    void *b = leaves(model, below(model, model->count));
    tarn_pool_free(model->pool, a);
    tarn_pool_free(model->pool, NULL);
    tarn_pool_free(model->pool, b);
    void *first = tarn_pool_alloc(model->pool);
    void *second = tarn_pool_alloc(model->pool);
    EXPECT(first == b && second == a);
    came(model, first, false);
    came(model, second, false);
}

static bool
is_live(void *context, void *object)
{
    struct model *model = context;
    for (size_t i = 0; i < model->count; i++) {
        if (model->live[i] == object) {
            model->freed_count++;
            return true;
        }
    }
    return false;
}

static void
look(struct model *model)
{
    const char *broken = tarn_pool_check(model->pool);
    if (broken != NULL) {
        fprintf(stderr, "%s\n", broken);
    }
    EXPECT(broken == NULL);
    size_t freed = model->freed_count;
    EXPECT(tarn_pool_walk(model->pool, is_live, model));
    EXPECT(model->freed_count - freed == model->count);
    model->freed_count = freed;
    struct tarn_pool_stats stats;
    tarn_pool_stats(model->pool, &stats);
    EXPECT(stats.live == model->count && stats.size == model->config->size);
    EXPECT(stats.live + stats.cached + stats.idle == stats.entered);
    EXPECT(!model->config->constructs || (long)stats.entered == model->constructed);
    EXPECT(stats.entered >= model->config->preallocate);
}

static void
reset(struct model *model)
{
    tarn_pool_reset(model->pool);
    model->count = 0;
    model->freed_count = 0;
}

static void
step(struct model *model)
{
    switch (below(model, 300)) {
    case 0:
        reset(model);
        break;
    case 1:
        tarn_pool_trim(model->pool);
        break;
    case 2:
    case 3:
        look(model);
        break;
    case 4:
    case 5:
    case 6:
        allocate_many(model);
        break;
    case 7:
    case 8:
    case 9:
        free_many(model);
        break;
    default:
        if (below(model, 20) == 0) {
            free_and_take_back(model);
        } else if (model->count == 0 || below(model, 100) < 51) {
            allocate(model);
        } else {
            tarn_pool_free(model->pool, leaves(model, below(model, model->count)));
        }
    }
}

static void
run(const struct config *config, uint64_t seed, unsigned steps)
{
    static char buffer[8 << 20];
    static struct model model;
    tarn_heap *heap = config->buffer ? tarn_heap_new_in(buffer, sizeof buffer) : NULL;
    memset(&model, 0, sizeof model);
    model.config = config;
    model.random = seed;
    model.room = config->constructs ? config->size - 1 : config->size;
    model.pool = tarn_pool_new(config->size, &(struct tarn_pool_options){
                                                 .align = config->align,
                                                 .name = "model",
                                                 .heap = heap,
                                                 .flags = config->flags,
                                                 .block_size = config->block_size,
                                                 .preallocate = config->preallocate,
                                                 .limit = config->limit,
                                                 .construct = config->constructs ? construct : NULL,
                                                 .destruct = config->constructs ? destruct : NULL,
                                                 .context = &model,
                                             });
    EXPECT(model.pool != NULL);
    for (unsigned i = 0; i < steps; i++) {
        step(&model);
    }
    look(&model);
    if (seed % 2 == 0) {
        tarn_pool_destroy(model.pool);
    } else {
        while (model.count > 0) {
            tarn_pool_free(model.pool, leaves(&model, below(&model, model.count)));
        }
        look(&model);
        tarn_pool_close(model.pool);
    }
    EXPECT(model.constructed == 0);
    const char *broken = tarn_heap_check(heap != NULL ? heap : tarn_heap_process());
    if (broken != NULL) {
        fprintf(stderr, "%s\n", broken);
    }
    EXPECT(broken == NULL);
    tarn_heap_destroy(heap);
}

static const struct config fixed[] = {
    {.size = 8},
    {.size = 1},
    {.size = 24, .flags = TARN_POOL_SHARED},
    {.size = 64, .constructs = true},
    {.size = 40, .constructs = true, .block_size = 160, .flags = TARN_POOL_STRICT},
    {.size = 16, .flags = TARN_POOL_STRICT},
    {.size = 16, .flags = TARN_POOL_STRICT | TARN_POOL_SHARED, .limit = 500},
    {.size = 200, .limit = 400, .preallocate = 600},
    {.size = 200, .limit = 300, .flags = TARN_POOL_SHARED},
    {.size = 48, .flags = TARN_POOL_CHECK},
    {.size = 48, .flags = TARN_POOL_CHECK | TARN_POOL_SHARED, .constructs = true},
    {.size = 52, .flags = TARN_POOL_CANARY},
    {.size = 36, .flags = TARN_POOL_POISON | TARN_POOL_CANARY},
    {.size = 100, .flags = TARN_POOL_GUARD},
    {.size = 5000, .flags = TARN_POOL_GUARD | TARN_POOL_CANARY | TARN_POOL_POISON},
    {.size = 72, .flags = TARN_POOL_GUARD, .constructs = true, .align = 64},
    {.size = 200, .flags = TARN_POOL_SPREAD},
    {.size = 64, .flags = TARN_POOL_SPREAD | TARN_POOL_SHARED},
    {.size = 3000, .align = 4096},
    {.size = 5000, .block_size = 100000},
    {.size = 12, .align = 4, .block_size = 48},
    {.size = 80, .buffer = true},
    {.size = 800, .buffer = true, .flags = TARN_POOL_SHARED, .constructs = true},
    {.size = 800, .buffer = true, .flags = TARN_POOL_CHECK},
};

/* Options that go together, drawn at random. */
static struct config
draw(uint64_t *random)
{
    static const unsigned flags[] = {TARN_POOL_SHARED, TARN_POOL_SPREAD, TARN_POOL_CHECK,
                                     TARN_POOL_CANARY, TARN_POOL_POISON, TARN_POOL_STRICT};
    struct config config = {.size = 1 + next_random(random) % 400};
    for (size_t i = 0; i < sizeof flags / sizeof *flags; i++) {
        config.flags |= next_random(random) % 4 == 0 ? flags[i] : 0;
    }
    if (next_random(random) % 3 == 0) {
        config.align = (size_t)1 << next_random(random) % 10;
    }
    if (next_random(random) % 3 == 0) {
        config.block_size = 1 + next_random(random) % 100000;
    }
    if (next_random(random) % 4 == 0) {
        config.limit = 1 + next_random(random) % 2000;
    }
    if (next_random(random) % 4 == 0) {
        config.preallocate = next_random(random) % 1000;
    }
    config.constructs = !(config.flags & TARN_POOL_POISON) && next_random(random) % 3 == 0;
    config.buffer = next_random(random) % 8 == 0;
    return config;
}

int
main(int argc, char **argv)
{
    uint64_t seed = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
    uint64_t random = seed;
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        run(&fixed[i], seed + i, 2000);
    }
    for (int i = 0; i < 30; i++) {
        struct config config = draw(&random);
        run(&config, next_random(&random), 1500);
    }
    return 0;
}
