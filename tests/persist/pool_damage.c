/*
 * Every word of a pool's record, of a cache, a tile and a slab's descriptor is damaged in turn, in
 * an image without sums: neither check nor opening may end the process, what leads anywhere is
 * named by the check, and pools that the check passes work.
 *
 *     pool_damage FILE
 */
#include <tarn/persist.h>
#include <tarn/pool.h>

#include "persist/format.h"
#include "pool/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define BASE     ((uintptr_t)43 << 40)
#define CAPACITY ((size_t)16 << 20)
#define OBJECTS  3000u
#define POOLS    3u
#define VALUES   9u

enum place {
    RECORD,
    CACHE,
    SLAB,
    TILE,
};

enum allowed {
    NOTHING,
    END,   /* zero: a list that ends earlier loses memory and is a list */
    MORE,  /* a little more: objects that are out and were in the cache before */
    SPARE, /* either */
};

/* What lies 64 bytes behind a bitmap differs between builds: nothing, or another piece. */
#ifdef TARN_CHECKS
#    define BITS SPARE
#else
#    define BITS END
#endif

/* What the check must say something about, whatever its new value, but for one that is allowed. */
static const struct {
    enum place place;
    const char *name;
    size_t offset;
    size_t size;
    enum allowed allowed;
} fields[] = {
#define OF(place, type, field, allowed)                                                            \
    {                                                                                              \
        place, #field, offsetof(struct type, field), sizeof((struct type *)NULL)->field, allowed   \
    }
    OF(RECORD, tn_pool, face.face.top, MORE), OF(RECORD, tn_pool, central, NOTHING),
    OF(RECORD, tn_pool, mode, NOTHING),       OF(RECORD, tn_pool, size, NOTHING),
    OF(RECORD, tn_pool, stride, NOTHING),     OF(RECORD, tn_pool, lead, NOTHING),
    OF(RECORD, tn_pool, inverse, NOTHING),    OF(RECORD, tn_pool, span, NOTHING),
    OF(RECORD, tn_pool, capacity, NOTHING),   OF(RECORD, tn_pool, words, NOTHING),
    OF(RECORD, tn_pool, some_first, NOTHING), OF(RECORD, tn_pool, some_last, NOTHING),
    OF(RECORD, tn_pool, none_first, NOTHING), OF(RECORD, tn_pool, slabs, NOTHING),
    OF(RECORD, tn_pool, entered, NOTHING),    OF(RECORD, tn_pool, out, NOTHING),
    OF(RECORD, tn_pool, caches, END),         OF(RECORD, tn_pool, depot, END),
    OF(RECORD, tn_pool, metas, NOTHING),      OF(RECORD, tn_pool, fresh_end, NOTHING),
    OF(RECORD, tn_pool, free_bits, BITS),     OF(RECORD, tn_pool, free_tiles, END),
    OF(RECORD, tn_pool, next, NOTHING),       OF(RECORD, tn_pool, label.size, NOTHING),
    OF(CACHE, tn_pool_cache, face.top, MORE), OF(CACHE, tn_pool_cache, bottom, NOTHING),
    OF(CACHE, tn_pool_cache, next, END),      OF(SLAB, tn_slab, owner, NOTHING),
    OF(SLAB, tn_slab, bits, NOTHING),         OF(SLAB, tn_slab, unused, NOTHING),
    OF(SLAB, tn_slab, entered, NOTHING),      OF(SLAB, tn_slab, span, NOTHING),
    OF(SLAB, tn_slab, kind, NOTHING),         OF(SLAB, tn_slab, remote, NOTHING),
    OF(SLAB, tn_slab, next, NOTHING),         OF(SLAB, tn_slab, prev, NOTHING),
#undef OF
};

static const unsigned flags[POOLS] = {0, TARN_POOL_SHARED, TARN_POOL_CHECK | TARN_POOL_STRICT};
static const char *path;
static char *image; /* the file, mapped */
static size_t size;
static char *space; /* in it */
static unsigned passed;
static unsigned found;
static unsigned both; /* pools with slabs on either list */

static void
need(bool right, const char *what)
{
    if (!right) {
        fprintf(stderr, "%s: %s\n", what, tarn_error());
        exit(1);
    }
}

/* ---- an image ---- */

static void *
use_and_end(void *pool)
{
    void *objects[100];
    for (unsigned i = 0; i < 100; i++) {
        objects[i] = tarn_pool_alloc(pool);
    }
    for (unsigned i = 0; i < 100; i++) {
        tarn_pool_free(pool, objects[i]);
    }
    return NULL;
}

/* Slabs with free objects, full ones and some that are gone, caches and stored tiles. */
static void
furnish(tarn_pool *pool, bool strict)
{
    static void *objects[OBJECTS];
    for (unsigned i = 0; i < OBJECTS; i++) {
        objects[i] = tarn_pool_alloc(pool);
        need(objects[i] != NULL, "no object");
    }
    for (unsigned i = strict ? 0 : OBJECTS / 2; i < OBJECTS; i += i % 7 == 3 && i < 2000 ? 2 : 1) {
        tarn_pool_free(pool, objects[i]);
    }
    tarn_pool_trim(pool);
    for (unsigned i = 0; i < 50; i++) {
        objects[i] = tarn_pool_alloc(pool);
    }
    for (unsigned i = 0; i < 20; i++) {
        tarn_pool_free(pool, objects[i]);
    }
}

static void
make_image(void)
{
    unlink(path);
    tarn_heap *heap = tarn_create(
        path, &(tarn_options){.capacity = CAPACITY, .base = (void *)BASE, .flags = TARN_SHARED});
    need(heap != NULL, "cannot be made");
    for (unsigned p = 0; p < POOLS; p++) {
        tarn_pool *pool = tarn_pool_new(
            200, &(struct tarn_pool_options){.heap = heap, .flags = flags[p], .name = "pool"});
        pthread_t thread;
        need(pool != NULL, "no pool");
        furnish(pool, p == 2);
        if (p == 1) { /* a second cache, the first in the list */
            pthread_create(&thread, NULL, use_and_end, pool);
            pthread_join(thread, NULL);
        }
    }
    need(tarn_close(heap) == 0, "cannot be closed");
}

static void
map_image(void)
{
    struct stat status;
    struct tn_superblock head;
    int file = open(path, O_RDWR | O_CLOEXEC);
    need(file >= 0 && fstat(file, &status) == 0, "cannot be opened");
    size = (size_t)status.st_size;
    image = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    need(image != MAP_FAILED, "cannot be mapped");
    close(file);
    memcpy(&head, image, sizeof head);
    space = image + head.space_at;
}

static void *
at(const void *pointer)
{
    return space + ((uintptr_t)pointer - BASE);
}

/* ---- damage ---- */

static bool
tell(void *context, const char *what, uint64_t offset)
{
    (void)context, (void)what, (void)offset;
    return true;
}

static void
use_pools(tarn_heap *heap)
{
    void *objects[500];
    const struct tn_pool *pool = ((const struct tn_root *)((struct tn_map *)BASE)->root)->pools;
    for (; pool != NULL; pool = pool->next) {
        tarn_pool *face = (tarn_pool *)(uintptr_t)pool;
        unsigned count = 0;
        while (count < 500 && (objects[count] = tarn_pool_alloc(face)) != NULL) {
            memset(objects[count++], 0x5a, 200);
        }
        while (count > 0) {
            tarn_pool_free(face, objects[--count]);
        }
        tarn_pool_trim(face);
        need(tarn_pool_check(face) == NULL, "the check had passed a pool");
    }
    need(tarn_check_heap(heap, tell, NULL) == 0, "the check had passed it");
}

/* In a process of its own. The exit status: 0, or 1 where the check found nothing. */
static int
examine(void)
{
    alarm(20);
    int said = tarn_check(path, tell, NULL);
    if (said < 0) {
        return 2;
    }
    for (unsigned n = 0; n < 2; n++) {
        tarn_heap *heap = tarn_open(path, &(tarn_options){.flags = n == 0 ? TARN_READ_ONLY : 0});
        if (heap == NULL && errno != EBADMSG) {
            fprintf(stderr, "%s\n", tarn_error());
            return 3;
        }
        if (heap == NULL && said == 0) {
            fprintf(stderr, "only the opening says: %s\n", tarn_error());
            return 4;
        }
        if (heap != NULL && n == 1 && said == 0) {
            use_pools(heap);
        }
        if (heap != NULL) {
            tarn_close_without_commit(heap);
        }
    }
    return said == 0;
}

static void
damage(char *where, const void *value, size_t bytes, const char *name, bool must_find)
{
    char was[8];
    int status;
    if (memcmp(where, value, bytes) == 0) {
        return;
    }
    memcpy(was, where, bytes);
    memcpy(where, value, bytes);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        _exit(examine());
    }
    waitpid(child, &status, 0);
    memcpy(where, was, bytes);
    bool right = WIFEXITED(status) && WEXITSTATUS(status) <= 1;
    if (!right || (must_find && WEXITSTATUS(status) != 0)) {
        uint64_t told = 0;
        memcpy(&told, value, bytes);
        fprintf(stderr, "%s at %zu, made %llx: status %x\n", name, (size_t)(where - space),
                (unsigned long long)told, (unsigned)status);
        exit(1);
    }
    passed += WEXITSTATUS(status) != 0;
    found += WEXITSTATUS(status) == 0;
}

/* Nothing, the neighbours, what is too large, another piece of the heap, and beyond it. */
static void
damage_field(char *where, size_t bytes, const char *name, enum allowed allowed)
{
    uint64_t was = 0;
    memcpy(&was, where, bytes);
    const uint64_t values[VALUES] = {
        0,        ~(uint64_t)0,   was + 1, was ^ (uint64_t)1 << (bytes * 8 - 1),
        was + 64, was + TN_SLICE, BASE,    BASE + TN_SPACE_HEAD,
        BASE - 8,
    };
    for (unsigned i = 0; i < VALUES; i++) {
        bool right = (i == 0 && (allowed == END || allowed == SPARE)) ||
                     (i == 4 && (allowed == MORE || allowed == SPARE));
        damage(where, &values[i], bytes, name, !right);
    }
}

static void
damage_words(char *where, size_t bytes, const char *name)
{
    for (size_t i = 0; i + 4 <= bytes; i += 4) {
        uint32_t was;
        memcpy(&was, where + i, sizeof was);
        const uint32_t values[] = {0, UINT32_MAX, was ^ 1, was + 64};
        for (unsigned v = 0; v < sizeof values / sizeof *values; v++) {
            damage(where + i, &values[v], sizeof was, name, false);
        }
    }
}

static void
damage_fields(enum place place, void *where)
{
    for (unsigned i = 0; i < sizeof fields / sizeof *fields; i++) {
        if (fields[i].place == place) {
            damage_field((char *)where + fields[i].offset, fields[i].size, fields[i].name,
                         fields[i].allowed);
        }
    }
}

/* The one of this thread. */
static struct tn_pool_cache *
cache_of(const struct tn_pool *pool)
{
    if (pool->central != NULL) {
        return at(pool->central);
    }
    const struct tn_pool_cache *first = at(pool->caches);
    return at(first->next);
}

static void
damage_pool(struct tn_pool *pool)
{
    damage_fields(RECORD, pool);
    damage_words((char *)pool - TN_RECORD_AT, TN_RECORD_AT, "the slice's head");
    damage_words((char *)pool, sizeof *pool, "the record");
    struct tn_slab *lists[] = {pool->some_first, pool->some_last, pool->none_first};
    for (unsigned i = 0; i < 3; i++) {
        if (lists[i] != NULL) {
            damage_fields(SLAB, at(lists[i]));
            damage_words(at(lists[i]), sizeof(struct tn_slab), "a slab");
        }
    }
    struct tn_pool_cache *cache = cache_of(pool);
    damage_words((char *)cache, sizeof *cache, "a cache");
    damage_words(at(cache->bottom), 64, "a tile");
    if (pool->caches != NULL) {
        damage_fields(CACHE, cache);
        damage_fields(CACHE, at(pool->caches));
    }
    if (pool->depot != NULL) {
        damage_words((char *)at(pool->depot - pool->slots), 64, "a stored tile");
    }
}

static void
damage_lists(struct tn_pool *pool, const struct tn_pool_cache *cache, const struct tn_pool *other)
{
    struct tn_slab *slab = at(pool->some_first);
    struct tn_slab *full = at(pool->none_first);
    damage((char *)&full->bits, &slab->bits, 8, "bits of two slabs", true);
    damage((char *)&slab->bits, &full->bits, 8, "bits of two slabs", true);
    damage((char *)&slab->next, &pool->some_first, 8, "a list of slabs that comes back", true);
    damage((char *)&pool->none_first, &pool->some_first, 8, "one list for two", true);
    damage((char *)&pool->free_bits, &slab->bits, 8, "bits that are free", true);
    damage((char *)&pool->fresh, &cache->bottom, 8, "a tile in fresh memory", true);
    if (other != NULL && other->some_first != NULL) {
        damage((char *)&slab->bits, &((struct tn_slab *)at(other->some_first))->bits, 8,
               "bits of two pools", true);
        damage((char *)&pool->metas, &other->metas, 8, "a slice of two pools", true);
    }
}

/* Pieces that are where they could be, but twice, and lists that come back. */
static void
damage_whole(struct tn_pool *pool, struct tn_pool *other)
{
    struct tn_pool_cache *cache = cache_of(pool);
    void **slots = at(cache->bottom);
    struct tn_pool *own = (struct tn_pool *)(BASE + (uintptr_t)((char *)pool - space));
    need(slots + 2 <= (void **)at(cache->face.top), "too few objects are in a cache");
    damage((char *)&slots[2], &slots[1], 8, "an object cached twice", true);
    damage((char *)&pool->next, &own, 8, "a list of pools that comes back", true);
    if (pool->some_first != NULL && pool->none_first != NULL) {
        damage_lists(pool, cache, other);
        both++;
    }
    if (pool->caches != NULL) {
        struct tn_pool_cache *first = at(pool->caches);
        struct tn_pool_cache *next = at(first->next);
        damage((char *)&next->next, &pool->caches, 8, "a list of caches that comes back", true);
        damage((char *)&next->bottom, &first->bottom, 8, "a tile of two caches", true);
    }
    if (pool->depot != NULL) {
        void **tile = at(pool->depot - pool->slots);
        damage((char *)tile, &pool->depot, 8, "a list of tiles that comes back", true);
    }
}

int
main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: pool_damage FILE\n");
        return 2;
    }
    path = argv[1];
    make_image();
    map_image();
    need(examine() == 1, "undamaged");
    alarm(0);
    struct tn_root *root = (struct tn_root *)((struct tn_map *)space)->root;
    damage_words((char *)&root->pools, sizeof root->pools, "the list of pools");
    struct tn_pool *before = NULL;
    bool stored = false;
    bool gone = false;
    unsigned count = 0;
    for (struct tn_pool *next = root->pools; next != NULL; count++) {
        struct tn_pool *pool = at(next);
        damage_pool(pool);
        damage_whole(pool, before);
        before = pool;
        stored = stored || pool->depot != NULL;
        gone = gone || pool->free_bits != NULL;
        next = pool->next;
    }
    need(count == POOLS && both >= 2 && stored && gone, "the image has less than it should");
    printf("%u changes found, %u passed and used\n", found, passed);
    unlink(path);
    return 0;
}
