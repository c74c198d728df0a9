/*
 * Makes images of a known kind for the tests of `tarn heap`:
 *     image_maker KIND FILE [SIZE]
 * town      strings, nodes and buffers of many sizes, some freed again; SIZE in KiB; two named
 * roots change    opens FILE, changes a few blocks, drops a root, adds one pending   opens FILE,
 * commits twice and ends without closing torn      the same and an incomplete third commit behind
 * them pool      a pool of objects and some blocks shared    a new image in shared mode, ended
 * without closing hold      opens FILE, changes some pages, says "ready" and waits for its input to
 * end hold-shared  the same in shared mode
 */
#include <tarn/persist.h>
#include <tarn/pool.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static uint64_t state = 1;

static uint64_t
draw(void)
{
    state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return state >> 33;
}

static tarn_heap *
need(tarn_heap *heap)
{
    if (heap == NULL) {
        fprintf(stderr, "%s\n", tarn_error());
        exit(1);
    }
    return heap;
}

static void
done(int result)
{
    if (result != 0) {
        fprintf(stderr, "%s\n", tarn_error());
        exit(1);
    }
}

/* A list of blocks: small ones often, large ones seldom, in phases, a fifth freed again. */
static void
fill(tarn_heap *heap, size_t bytes)
{
    void **all = NULL;
    void *spare[64] = {NULL};
    for (size_t used = 0; used < bytes;) {
        uint64_t kind = (draw() % 100 + used * 3 / bytes * 17) % 100;
        size_t size = kind < 45   ? 16 + draw() % 100
                      : kind < 70 ? 100 + draw() % 900
                      : kind < 97 ? 1000 + draw() % 7000
                      : kind < 99 ? 8000 + draw() % 50000
                                  : 70000 + draw() % 900000;
        size = bytes < (2u << 20) && size > 2000 ? size % 2000 + 16 : size;
        void **block = tarn_heap_malloc(heap, size);
        used += size;
        if (block == NULL) {
            continue;
        }
        memset(block, (int)('a' + draw() % 26), size);
        if (draw() % 5 == 0) {
            void **place = &spare[draw() % 64];
            tarn_heap_free(heap, *place);
            *place = block;
        } else {
            *block = all;
            all = block;
        }
    }
    for (unsigned i = 0; i < 64; i++) {
        tarn_heap_free(heap, spare[i]);
    }
    tarn_set_root(heap, all);
}

static void
town(const char *path, size_t kib)
{
    size_t capacity = kib < 700 ? (size_t)1 << 20 : kib * 2048 + ((size_t)16 << 20);
    tarn_heap *heap =
        need(tarn_create(path, &(tarn_options){.capacity = capacity, .layout = "town"}));
    char *name = tarn_heap_strdup(heap, "a name");
    done(tarn_set_named_root(heap, "people", tarn_heap_zalloc(heap, 640), 640, 0x70656f));
    done(tarn_set_named_root(heap, "name", name, 0, 0));
    fill(heap, kib * 1024);
    done(tarn_checkpoint(heap)); /* nothing is left for a journal to keep */
    done(tarn_close(heap));
}

static void
change(const char *path)
{
    tarn_heap *heap = need(tarn_open(path, NULL));
    char *people = tarn_named_root(heap, "people", 0, 0);
    people[100]++;
    done(tarn_set_named_root(heap, "name", NULL, 0, 0));
    done(tarn_set_named_root(heap, "new", tarn_heap_zalloc(heap, 96), 96, 5));
    done(tarn_close(heap));
}

static void
pending(const char *path, bool torn)
{
    char journal[4096];
    tarn_heap *heap = need(tarn_open(path, NULL));
    char *people = tarn_named_root(heap, "people", 0, 0);
    tarn_image_figures figures;
    snprintf(journal, sizeof journal, "%s-journal", path);
    for (int i = 0; i < (torn ? 3 : 2); i++) {
        people[i]++;
        memset(tarn_heap_malloc(heap, 20000), i, 20000);
        done(tarn_commit(heap));
    }
    tarn_image_info(heap, &figures);
    tarn_close_without_commit(heap);
    if (torn && truncate(journal, (off_t)figures.journal_size) != 0) {
        exit(1);
    }
}

static void
pool(const char *path)
{
    struct tarn_pool_options options = {.name = "nodes"};
    void *objects[5000];
    options.heap = need(tarn_create(path, &(tarn_options){.capacity = (size_t)16 << 20}));
    tarn_pool *nodes = tarn_pool_new(48, &options);
    for (int i = 0; i < 5000; i++) {
        objects[i] = tarn_pool_alloc(nodes);
        memset(objects[i], i, 48);
    }
    for (int i = 0; i < 5000; i += 3) {
        tarn_pool_free(nodes, objects[i]);
    }
    tarn_set_root(options.heap, tarn_heap_strdup(options.heap, "beside the pool"));
    done(tarn_close(options.heap));
}

static void
shared(const char *path)
{
    tarn_heap *heap =
        need(tarn_create(path, &(tarn_options){.flags = TARN_SHARED, .capacity = (size_t)4 << 20}));
    tarn_set_root(heap, tarn_heap_strdup(heap, "shared"));
    done(tarn_commit(heap));
    _exit(0);
}

static void
hold(const char *path, unsigned flags)
{
    char byte;
    tarn_heap *heap = need(tarn_open(path, &(tarn_options){.flags = flags}));
    char *block = tarn_heap_malloc(heap, 300000);
    memset(block, 'c', 300000);
    done(tarn_commit(heap));
    memset(block, 'u', 40000);
    puts("ready");
    fflush(stdout);
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    done(tarn_close(heap));
}

int
main(int argc, char **argv)
{
    if (argc < 3) {
        return 2;
    }
    const char *kind = argv[1];
    const char *path = argv[2];
    if (strcmp(kind, "town") == 0) {
        town(path, argc > 3 ? (size_t)atoll(argv[3]) : 400);
    } else if (strcmp(kind, "change") == 0) {
        change(path);
    } else if (strcmp(kind, "pending") == 0) {
        pending(path, false);
    } else if (strcmp(kind, "torn") == 0) {
        pending(path, true);
    } else if (strcmp(kind, "pool") == 0) {
        pool(path);
    } else if (strcmp(kind, "shared") == 0) {
        shared(path);
    } else if (strcmp(kind, "hold") == 0) {
        hold(path, 0);
    } else if (strcmp(kind, "hold-shared") == 0) {
        hold(path, TARN_SHARED);
    } else {
        return 2;
    }
    return 0;
}
