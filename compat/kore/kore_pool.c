/*
 * Kore's pool.c on a Tarn pool. Behind each object stands one word: the pool's canary and the
 * object's address while it is out, the same inverted while it is free; another value is damage.
 */
#include "kore/kore_pool.h"

#include "fatal.h"

#include <errno.h>
#include <string.h>
#include <tarn/pool.h>
#include <tarn/tarn.h>

#define LEAST_OBJECTS ((size_t)16)

int kore_mem_guard __attribute__((weak)) = 0;

static tarn_pool *
pool_of(const struct kore_pool *pool)
{
    return (tarn_pool *)(void *)pool->freelist;
}

static uint64_t
busy_mark(const struct kore_pool *pool, const void *object)
{
    return pool->canary ^ (uintptr_t)object;
}

static void
set_mark(const struct kore_pool *pool, void *object, uint64_t mark)
{
    memcpy((char *)object + pool->uselen, &mark, sizeof mark);
}

static uint64_t
get_mark(const struct kore_pool *pool, const void *object)
{
    uint64_t mark;
    memcpy(&mark, (const char *)object + pool->uselen, sizeof mark);
    return mark;
}

static void
mark_free(void *object, void *context)
{
    const struct kore_pool *pool = context;
    set_mark(pool, object, ~busy_mark(pool, object));
}

static uint64_t
new_canary(struct kore_pool *pool)
{
    static uint64_t count;
    uint64_t x = (uintptr_t)pool ^ (uintptr_t)&count ^ (__atomic_add_fetch(&count, 1, 0) << 32);
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return (x ^ (x >> 31)) | 1;
}

void
kore_pool_init(struct kore_pool *pool, const char *name, size_t len, size_t elm)
{
    elm = elm < LEAST_OBJECTS ? LEAST_OBJECTS : elm;
    memset(pool, 0, sizeof *pool);
    pool->name = tarn_strdup(name);
    pool->uselen = len;
    pool->elmlen = (len + sizeof(uint64_t) + 15) & ~(size_t)15;
    pool->growth = elm / 4;
    pool->canary = new_canary(pool);
    if (pool->name == NULL || pool->elmlen < len) {
        kore_die("kore_pool_init: %s: no memory", name);
    }
    unsigned flags = TARN_POOL_SHARED | (kore_mem_guard ? (unsigned)TARN_POOL_GUARD : 0);
    pool->freelist =
        (void *)tarn_pool_new(len + sizeof(uint64_t),
                              &(struct tarn_pool_options){.align = 16,
                                                          .name = strlen(name) < 48 ? name : NULL,
                                                          .flags = flags,
                                                          .block_size = pool->growth * pool->elmlen,
                                                          .preallocate = elm,
                                                          .construct = mark_free,
                                                          .context = pool});
    if (pool->freelist == NULL) {
        kore_die("kore_pool_init: %s: %s", name, strerror(errno));
    }
}

void
kore_pool_cleanup(struct kore_pool *pool)
{
    struct tarn_pool_stats stats;
    tarn_pool_stats(pool_of(pool), &stats);
    if (stats.live == 0) {
        tarn_pool_destroy(pool_of(pool));
    }
    tarn_free(pool->name);
    pool->name = NULL;
    pool->freelist = NULL;
}

void *
kore_pool_get(struct kore_pool *pool)
{
    void *object = tarn_pool_alloc(pool_of(pool));
    if (__builtin_expect(object == NULL, 0)) {
        kore_die("%s: %s", pool->name, strerror(errno));
    }
    uint64_t mark = busy_mark(pool, object);
    if (get_mark(pool, object) != ~mark) {
        kore_die("%s: element %p was not free", pool->name, object);
    }
    set_mark(pool, object, mark);
    return object;
}

void
kore_pool_put(struct kore_pool *pool, void *ptr)
{
    uint64_t mark = busy_mark(pool, ptr);
    uint64_t found = get_mark(pool, ptr);
    if (found == ~mark) {
        kore_die("%s: element %p was not busy", pool->name, ptr);
    }
    if (found != mark) {
        kore_die("%s: memory corruption detected", pool->name);
    }
    set_mark(pool, ptr, ~mark);
    tarn_pool_free(pool_of(pool), ptr);
}
