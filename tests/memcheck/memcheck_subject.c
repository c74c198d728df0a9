/*
 * One mistake, or none, with a block of a pool, a heap of one's own, an image or the process heap,
 * for a tool that was told of it. Usage: memcheck_subject PLACE MISTAKE [IMAGE]
 */
#include <tarn/persist.h>
#include <tarn/pool.h>
#include <tarn/tarn.h>

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIZE ((size_t)40)

static const char *place;
static tarn_heap *heap;
static tarn_pool *pool;

static void
begin(const char *path)
{
    if (strcmp(place, "pool") == 0) {
        pool = tarn_pool_new(SIZE, NULL);
    } else if (strcmp(place, "shared") == 0) {
        pool = tarn_pool_new(SIZE, &(struct tarn_pool_options){.flags = TARN_POOL_SHARED});
    } else if (strcmp(place, "heap") == 0) {
        heap = tarn_heap_new();
    } else if (strcmp(place, "image") == 0) {
        heap = tarn_open(
            path, &(tarn_options){.flags = TARN_CREATE | TARN_PROCESS, .capacity = 256 << 20});
    }
    if (pool == NULL && heap == NULL && strcmp(place, "process") != 0) {
        fprintf(stderr, "no %s: %s\n", place, tarn_error());
        exit(99);
    }
}

static void *
take(void)
{
    return pool != NULL   ? tarn_pool_alloc(pool)
           : heap != NULL ? tarn_heap_malloc(heap, SIZE)
                          : tarn_malloc(SIZE);
}

static void
give(void *block)
{
    if (pool != NULL) {
        tarn_pool_free(pool, block);
    } else if (heap != NULL) {
        tarn_heap_free(heap, block);
    } else {
        tarn_free(block);
    }
}

static int
finish(void)
{
    if (pool != NULL) {
        tarn_pool_destroy(pool);
    } else if (heap != NULL && strcmp(place, "image") == 0) {
        return tarn_close(heap) == 0 ? 0 : 98;
    } else if (heap != NULL) {
        tarn_heap_destroy(heap);
    }
    return 0;
}

/* ---- the mistakes ---- */

static void
use_after_free(volatile char *block)
{
    block[3] = 1;
    give((void *)block);
    block[3] = 2;
}

static void
overrun(volatile char *block)
{
    block[SIZE] = 1;
}

static void
uninitialised(volatile char *block)
{
    puts(block[7] == 1 ? "one" : "other");
}

static void
double_free(volatile char *block)
{
    give((void *)block);
    give((void *)block);
}

static __attribute__((noinline)) void
lose(void)
{
    volatile char *block = take();
    block[0] = 1;
}

/* What calls leave on the stack and in registers is no pointer to a block. */
static __attribute__((noinline)) void
wipe(void)
{
    volatile char room[4096];
    for (size_t i = 0; i < sizeof room; i++) {
        room[i] = 0;
    }
}

/* ---- none ---- */

static void
must(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "%s\n", what);
        exit(97);
    }
}

static void
churn(void)
{
    char *blocks[500];
    for (unsigned round = 0; round < 6; round++) {
        for (unsigned i = 0; i < 500; i++) {
            blocks[i] = take();
            memset(blocks[i], (int)i, SIZE);
        }
        for (unsigned i = 0; i < 500; i++) {
            char *block = blocks[i * 7 % 500];
            must(block[0] == block[SIZE - 1], "what was written");
            give(block);
        }
    }
}

/* All sizes, each byte written, grown and shrunk and read again. */
static void
sizes(void)
{
    static const size_t steps[] = {0,    1,    7,     8,     100,   1000,   1024,
                                   5000, 9000, 65535, 65536, 65537, 300000, 5000000};
    tarn_heap *in = heap != NULL ? heap : tarn_heap_process();
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        size_t size = steps[i];
        char *block = tarn_heap_malloc(in, size);
        char *zero = tarn_heap_calloc(in, size, 1);
        char *aligned = tarn_heap_aligned_alloc(in, 256, size);
        must(block != NULL && zero != NULL && aligned != NULL, "memory");
        must((uintptr_t)aligned % 256 == 0, "alignment");
        memset(block, 1, tarn_usable_size(block));
        memset(aligned, 2, size);
        for (size_t k = 0; k < size; k++) {
            must(zero[k] == 0 && block[k] == 1 && aligned[k] == 2, "contents");
        }
        block = tarn_heap_realloc(in, block, size + 100);
        memset(block + size, 3, 100);
        must(size == 0 || block[size - 1] == 1, "contents after growth");
        if (tarn_expand(block, size + 101)) {
            block[size + 100] = 4;
        }
        block = tarn_heap_realloc(in, block, size / 2 + 1);
        must(block[size / 2] == (size == 0 ? 3 : 1), "contents after shrinking");
        tarn_heap_free(in, block);
        tarn_free(zero);
        tarn_heap_free(in, aligned);
        char *text = tarn_heap_strdup(in, "some text");
        must(strcmp(text, "some text") == 0, "text");
        tarn_heap_free(in, text);
    }
    tarn_heap_trim(in);
    must(tarn_heap_check(in) == NULL, "invariants");
}

static bool
read_block(void *context, void *block, size_t size)
{
    unsigned sum = 0;
    for (size_t i = 0; i < size; i++) {
        sum += ((unsigned char *)block)[i] == 'x';
    }
    *(size_t *)context += sum;
    return true;
}

static void
walks(void)
{
    size_t seen = 0;
    char *blocks[20];
    tarn_heap *own = tarn_heap_new();
    for (size_t i = 0; i < 20; i++) {
        blocks[i] = memset(tarn_heap_malloc(own, 10 + i * 5000), 'x', 10 + i * 5000);
    }
    for (size_t i = 0; i < 20; i += 2) {
        tarn_heap_free(own, blocks[i]);
    }
    must(tarn_heap_walk(own, read_block, &seen) && seen == 500100, "what the walk sees");
    tarn_heap_destroy(own);
}

static void *
work(void *unused)
{
    (void)unused;
    churn();
    return NULL;
}

static void
fill(void *object, void *context)
{
    memset(object, 'c', *(size_t *)context);
}

/* A constructor's work lasts; destroyed with objects out; emptied at once. */
static void
pools(void)
{
    size_t size = 72;
    tarn_pool *made = tarn_pool_new(
        size, &(struct tarn_pool_options){.construct = fill, .destruct = fill, .context = &size});
    char *first = tarn_pool_alloc(made);
    must(first[71] == 'c', "constructed");
    tarn_pool_free(made, first);
    char *second = tarn_pool_alloc(made);
    must(second[71] == 'c', "still constructed");
    tarn_pool_reset(made);
    void *many[300];
    must(tarn_pool_alloc_many(made, many, 300) == 300, "many");
    tarn_pool_free_many(made, many, 100);
    tarn_pool_trim(made);
    tarn_pool_destroy(made);
    tarn_pool *checked = tarn_pool_new(
        24, &(struct tarn_pool_options){.flags = TARN_POOL_CANARY | TARN_POOL_POISON});
    memset(tarn_pool_zalloc(checked), 1, 24);
    tarn_pool_destroy(checked);
    tarn_pool *guarded = tarn_pool_new(24, &(struct tarn_pool_options){.flags = TARN_POOL_GUARD});
    void *object = memset(tarn_pool_alloc(guarded), 1, 24);
    tarn_pool_free(guarded, object);
    tarn_pool_close(guarded);
}

/* A list in an image, and a pool, over a commit, a rollback and a second opening. */
static void
image(const char *path)
{
    char **list = tarn_heap_zalloc(heap, 100 * sizeof *list);
    for (int i = 0; i < 100; i++) {
        list[i] = memset(tarn_heap_malloc(heap, 30 + (size_t)i * 97), i, 30);
    }
    tarn_set_root(heap, list);
    tarn_pool *inside = tarn_pool_new(48, &(struct tarn_pool_options){.name = "p", .heap = heap});
    char *object = memset(tarn_pool_alloc(inside), 'o', 48);
    tarn_set_named_root(heap, "object", object, 48, 0);
    must(tarn_commit(heap) == 0, "a commit");
    tarn_heap_free(heap, list[7]);
    list[8][0] = 1;
    must(tarn_rollback(heap) == 0, "a rollback");
    must(list[7][29] == 7 && list[8][0] == 8 && object[47] == 'o', "rolled back");
    must(tarn_check_heap(heap, NULL, NULL) == 0, "what the check says");
    must(tarn_close(heap) == 0, "closing");
    must(tarn_check(path, NULL, NULL) == 0, "the check of the closed file");
    heap = tarn_open(path, NULL);
    list = tarn_root(heap);
    must(list[99][29] == 99 && list[8][0] == 8, "opened again");
    inside = tarn_pool_find(heap, "p", NULL);
    object = tarn_named_root(heap, "object", 48, 0);
    must(object[47] == 'o', "the pool's object");
    tarn_pool_free(inside, object);
    for (int i = 0; i < 100; i++) {
        list[i] = tarn_heap_realloc(heap, list[i], 50);
        tarn_heap_free(heap, list[i]);
    }
    tarn_heap_free(heap, list);
    tarn_set_root(heap, NULL);
}

static void
nothing_wrong(const char *path)
{
    pthread_t thread;
    churn();
    if (strcmp(place, "pool") != 0) { /* which is one thread's */
        must(pthread_create(&thread, NULL, work, NULL) == 0, "thread");
        pthread_join(thread, NULL);
    }
    sizes();
    walks();
    pools();
    if (strcmp(place, "image") == 0) {
        image(path);
    }
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*make)(volatile char *block);
    } mistakes[] = {{"use-after-free", use_after_free},
                    {"overrun", overrun},
                    {"uninitialised", uninitialised},
                    {"double-free", double_free}};
    const char *mistake = argc > 2 ? argv[2] : "";
    place = argc > 2 ? argv[1] : "";
    begin(argc > 3 ? argv[3] : NULL);
    if (strcmp(mistake, "none") == 0) {
        nothing_wrong(argv[3]);
        return finish();
    }
    if (strcmp(mistake, "leak") == 0) {
        void *first = take(); /* Tarn itself has pointers to where a slab starts */
        lose();
        give(first);
        wipe();
        return 0;
    }
    char *block = take();
    char *neighbour = take(); /* what is behind the block is live */
    memset(neighbour, 0, SIZE);
    for (size_t i = 0; i < sizeof mistakes / sizeof *mistakes; i++) {
        if (strcmp(mistake, mistakes[i].name) == 0) {
            mistakes[i].make(block);
            give(neighbour);
            return 0;
        }
    }
    return 99;
}
