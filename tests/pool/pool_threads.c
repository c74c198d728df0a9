/* Threads on shared pools: each object belongs to one thread at a time, whoever freed it; threads
 * that end leave nothing behind; waiting at a limit; a fork while others are at it. */
#include "expect.h"

#include <pthread.h>
#include <sys/wait.h>
#include <tarn/pool.h>

enum {
    OPERATIONS = 40000,
    OWN = 300,
    RING = 512
};

struct item {
    uint64_t owner;
    uint64_t number;
    char rest[24];
};

static tarn_pool *pool;
static struct item *ring[RING];
static pthread_mutex_t ring_lock = PTHREAD_MUTEX_INITIALIZER;
static size_t ring_count;

static struct item *
take(uint64_t owner, uint64_t number)
{
    struct item *item = tarn_pool_alloc_as(pool, struct item);
    EXPECT(item != NULL);
    item->owner = owner;
    item->number = number;
    memset(item->rest, (int)(number & 0x7f), sizeof item->rest);
    return item;
}

static void
give(struct item *item)
{
    for (size_t i = 0; i < sizeof item->rest; i++) {
        EXPECT(item->rest[i] == (char)(item->number & 0x7f));
    }
    item->owner = 0;
    tarn_pool_free(pool, item);
}

/* Objects go to other threads through a ring of random places. */
static struct item *
exchange(struct item *item, uint64_t *random)
{
    pthread_mutex_lock(&ring_lock);
    size_t place = (size_t)(next_random(random) % RING);
    struct item *other = ring[place];
    ring[place] = item;
    ring_count += other == NULL;
    pthread_mutex_unlock(&ring_lock);
    return other;
}

static void *
churn(void *argument)
{
    uint64_t id = (uintptr_t)argument;
    uint64_t random = id;
    struct item *own[OWN] = {0};
    for (uint64_t i = 0; i < OPERATIONS; i++) {
        size_t place = (size_t)(next_random(&random) % OWN);
        if (own[place] == NULL) {
            own[place] = take(id, i);
        } else if (next_random(&random) % 4 == 0) {
            own[place] = exchange(own[place], &random);
            if (own[place] != NULL) {
                own[place]->owner = id;
            }
        } else {
            EXPECT(own[place]->owner == id);
            give(own[place]);
            own[place] = NULL;
        }
    }
    for (size_t i = 0; i < OWN; i++) {
        if (own[i] != NULL) {
            give(own[i]);
        }
    }
    return NULL;
}

static void
run_threads(unsigned count, void *(*body)(void *))
{
    pthread_t threads[16];
    for (uintptr_t i = 0; i < count; i++) {
        EXPECT(pthread_create(&threads[i], NULL, body, (void *)(i + 1)) == 0);
    }
    for (unsigned i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
    }
}

static void
empty_ring(void)
{
    for (size_t i = 0; i < RING; i++) {
        if (ring[i] != NULL) {
            give(ring[i]);
            ring[i] = NULL;
        }
    }
}

static void
churn_with(unsigned flags, unsigned threads)
{
    pool = tarn_pool_of(struct item, .name = "items", .flags = TARN_POOL_SHARED | flags);
    EXPECT(pool != NULL);
    for (int round = 0; round < 2; round++) {
        run_threads(threads, churn);
        struct tarn_pool_stats stats;
        tarn_pool_stats(pool, &stats);
        /* What threads that ended had cached is the pool's again. */
#ifndef TARN_CHECKS /* every pool has one cache for all threads */
        EXPECT(stats.cached == 0 || flags != 0);
#endif
        EXPECT(tarn_pool_check(pool) == NULL);
    }
    empty_ring();
    tarn_pool_close(pool);
}

static void *
one_at_a_time(void *argument)
{
    uint64_t id = (uintptr_t)argument;
    for (uint64_t i = 0; i < 2000; i++) {
        struct item *item = take(id, i);
        EXPECT(item->owner == id);
        give(item);
    }
    return NULL;
}

/* Fewer objects than threads: each waits for another's. */
static void
wait_at_limit(unsigned threads)
{
    pool = tarn_pool_of(struct item, .flags = TARN_POOL_SHARED | TARN_POOL_WAIT, .limit = 2);
    EXPECT(pool != NULL);
    run_threads(threads, one_at_a_time);
    tarn_pool_close(pool);
}

static _Atomic bool stop;

static void *
churn_until_stop(void *argument)
{
    uint64_t random = (uintptr_t)argument;
    void *own[64] = {0};
    while (!stop) {
        size_t place = (size_t)(next_random(&random) % 64);
        if (own[place] == NULL) {
            own[place] = tarn_pool_alloc(pool);
        } else {
            tarn_pool_free(pool, own[place]);
            own[place] = NULL;
        }
        if (next_random(&random) % 64 == 0) {
            void *many[300];
            size_t got = tarn_pool_alloc_many(pool, many, 300);
            tarn_pool_free_many(pool, many, got);
        }
    }
    for (size_t i = 0; i < 64; i++) {
        tarn_pool_free(pool, own[i]);
    }
    return NULL;
}

static void
fork_among_threads(unsigned threads, unsigned flags)
{
    pthread_t others[16];
    stop = false;
    pool = tarn_pool_new(48, &(struct tarn_pool_options){.flags = TARN_POOL_SHARED | flags});
    for (uintptr_t i = 0; i < threads; i++) {
        pthread_create(&others[i], NULL, churn_until_stop, (void *)(i + 1));
    }
    for (int i = 0; i < 100; i++) {
        pid_t child = fork();
        if (child == 0) {
            void *objects[2000];
            if (tarn_pool_alloc_many(pool, objects, 2000) != 2000) {
                _exit(1);
            }
            tarn_pool_free_many(pool, objects, 2000);
            _exit(tarn_pool_check(pool) == NULL ? 0 : 2);
        }
        int status;
        EXPECT(waitpid(child, &status, 0) == child && status == 0);
    }
    stop = true;
    for (unsigned i = 0; i < threads; i++) {
        pthread_join(others[i], NULL);
    }
    tarn_pool_close(pool);
}

int
main(int argc, char **argv)
{
    unsigned threads = argc > 1 ? (unsigned)atoi(argv[1]) : 4;
    churn_with(0, threads);
    churn_with(TARN_POOL_CHECK, threads);
    churn_with(TARN_POOL_STRICT, threads);
    churn_with(TARN_POOL_CANARY | TARN_POOL_POISON | TARN_POOL_SPREAD, threads);
    wait_at_limit(threads);
#ifndef __SANITIZE_THREAD__
    fork_among_threads(threads > 2 ? threads - 2 : 1, 0);
    fork_among_threads(threads > 2 ? threads - 2 : 1, TARN_POOL_CHECK);
    fork_among_threads(threads > 2 ? threads - 2 : 1, TARN_POOL_STRICT);
#endif
    return 0;
}
