/*
 * Threads that end while an image is committed, rolled back or closed: what they had in their
 * caches of the heap and of a shared pool goes back, before or after, not in between. They are let
 * go by the first write of a commit, which then takes its time, or just before the other two.
 *
 *     thread_ends FILE
 */
#include "beside.h"
#include "expect.h"
#include "say_fault.h"

#include <tarn/persist.h>
#include <tarn/pool.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/uio.h>
#include <sys/wait.h>

#define THREADS 4
#define TAKEN   200
#define ROUNDS  10

static const char *path;
static tarn_heap *image;
static tarn_pool *pool;
static atomic_uint ready;
static atomic_bool held;  /* threads may not end yet */
static atomic_bool armed; /* the next write lets them */

/* Called by the library in place of the C library's (linked with --wrap). */
ssize_t __wrap_pwritev(int file, const struct iovec *parts, int count, off_t at);
ssize_t __real_pwritev(int file, const struct iovec *parts, int count, off_t at);

ssize_t
__wrap_pwritev(int file, const struct iovec *parts, int count, off_t at)
{
    if (atomic_exchange(&armed, false)) {
        atomic_store(&held, false);
        usleep(5000);
    }
    return __real_pwritev(file, parts, count, at);
}

static void *
fill_cache_and_end(void *unused)
{
    void *objects[TAKEN];
    void *blocks[TAKEN];
    for (unsigned i = 0; i < TAKEN; i++) {
        objects[i] = tarn_pool_alloc(pool);
        blocks[i] = tarn_heap_malloc(image, i % 10 == 0 ? 70000 : 40 * i);
    }
    for (unsigned i = 0; i < TAKEN; i++) {
        tarn_pool_free(pool, objects[i]);
        tarn_heap_free(image, blocks[i]);
    }
    atomic_fetch_add(&ready, 1);
    while (atomic_load(&held)) {
        sched_yield();
    }
    return unused;
}

static void
work_as_they_end(tarn_heap *heap, int (*work)(tarn_heap *heap))
{
    pthread_t threads[THREADS];
    atomic_store(&ready, 0);
    atomic_store(&held, true);
    for (unsigned i = 0; i < THREADS; i++) {
        EXPECT(pthread_create(&threads[i], NULL, fill_cache_and_end, NULL) == 0);
    }
    while (atomic_load(&ready) < THREADS) {
        usleep(50);
    }
    ++*(uint64_t *)tarn_root(heap);
    EXPECT(work(heap) == 0);
    for (unsigned i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
    }
}

static int
commit(tarn_heap *heap)
{
    atomic_store(&armed, true);
    int result = tarn_commit(heap);
    EXPECT(!atomic_load(&armed));
    return result;
}

static int
roll_back(tarn_heap *heap)
{
    atomic_store(&held, false);
    return tarn_rollback(heap);
}

static int
close_heap(tarn_heap *heap)
{
    atomic_store(&held, false);
    return tarn_close(heap);
}

static tarn_heap *
make(void)
{
    tarn_options options = {.capacity = (size_t)64 << 20, .journal_most = (size_t)1 << 30};
    tarn_heap *heap = tarn_create(path, &options); /* all records stay, to be looked at */
    EXPECT(heap != NULL);
    image = heap;
    pool = tarn_pool_new(
        64, &(struct tarn_pool_options){.heap = heap, .name = "shared", .flags = TARN_POOL_SHARED});
    tarn_set_root(heap, tarn_heap_zalloc(heap, sizeof(uint64_t)));
    for (unsigned i = 0; i < 1000; i++) {
        EXPECT(tarn_pool_alloc(pool) != NULL);
    }
    EXPECT(tarn_commit(heap) == 0);
    return heap;
}

static void
commit_and_die(void)
{
    tarn_heap *heap = make();
    for (unsigned i = 0; i < ROUNDS; i++) {
        work_as_they_end(heap, commit);
        EXPECT(tarn_commit(heap) == 0);
    }
    _exit(0);
}

static void
roll_back_and_die(void)
{
    tarn_heap *heap = make();
    for (unsigned i = 0; i < 8 * ROUNDS; i++) {
        work_as_they_end(heap, roll_back);
        EXPECT(tarn_pool_check(pool) == NULL);
        EXPECT(tarn_check_heap(heap, say_fault, NULL) == 0);
    }
    _exit(0);
}

static void
close_and_die(void)
{
    for (unsigned i = 0; i < 8 * ROUNDS; i++) {
        unlink(path);
        work_as_they_end(make(), close_heap);
    }
    _exit(0);
}

static void
try(void (*work)(void))
{
    char journal[4096];
    int status;
    name_journal(journal, path);
    unlink(path);
    unlink(journal);
    if (fork() == 0) {
        work();
    }
    wait(&status);
    EXPECT(status == 0);
    EXPECT(tarn_check(path, say_fault, NULL) == 0);
    tarn_heap *heap = tarn_open(path, NULL);
    EXPECT(heap != NULL);
    pool = tarn_pool_find(heap, "shared", NULL);
    EXPECT(pool != NULL && tarn_pool_check(pool) == NULL);
    struct tarn_pool_stats stats;
    tarn_pool_stats(pool, &stats);
    EXPECT(stats.live == 1000);
    tarn_close_without_commit(heap);
    unlink(path);
    unlink(journal);
}

int
main(int argc, char **argv)
{
    if (argc < 2) {
        return 2;
    }
    path = argv[1];
    try(commit_and_die);
    try(roll_back_and_die);
    try(close_and_die);
    return 0;
}
