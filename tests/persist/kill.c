/*
 * Kills a writer of four threads at a random moment, again and again: what the next opening finds
 * is the last commit that was acknowledged, or the one in flight, whole.
 *
 *     kill FILE ROUNDS SEED [process] [page-map]
 *
 * The writer tells by shared memory which commit it begins, what it contains, and when it is
 * acknowledged; another process looks at the file after the kill, so that damage that ends a
 * process is seen as such.
 */
#include "oracle.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OPTIONS_CAPACITY ((size_t)1 << 30)

/* A writer gets this many times as long where it is that much slower. */
#ifdef __SANITIZE_THREAD__
#    define SLOWER 20u
#else
#    define SLOWER 1u
#endif

static pthread_barrier_t begin;
static pthread_barrier_t end;
static uint64_t seeds[QUARTERS];
static unsigned changes[QUARTERS];

static void *
worker(void *context)
{
    unsigned number = (unsigned)(uintptr_t)context;
    for (;;) {
        pthread_barrier_wait(&begin);
        town_work(heap, town, number, &seeds[number], changes[number]);
        pthread_barrier_wait(&end);
    }
    return NULL;
}

static void
tell(int (*how)(tarn_heap *heap))
{
    if (oracle_commit(how) != 0) {
        oracle_fail("a commit failed");
    }
}

static void
write_until_killed(uint64_t seed)
{
    pthread_t threads[QUARTERS];
    heap = tarn_open(file, &(tarn_options){.flags = TARN_CREATE | flags,
                                           .capacity = OPTIONS_CAPACITY,
                                           .base = TOWN_BASE,
                                           .journal_most = (size_t)1 << (16 + seed % 10)});
    if (heap == NULL) {
        oracle_fail("cannot be opened by the writer");
    }
    atomic_store(&told->created, true);
    town = town_find(heap);
    pthread_barrier_init(&begin, NULL, QUARTERS + 1);
    pthread_barrier_init(&end, NULL, QUARTERS + 1);
    for (unsigned i = 0; i < QUARTERS; i++) {
        seeds[i] = town_random(&seed);
        pthread_create(&threads[i], NULL, worker, (void *)(uintptr_t)i);
    }
    for (;;) {
        for (unsigned i = 0; i < QUARTERS; i++) {
            changes[i] = (unsigned)(town_random(&seed) % 60);
        }
        pthread_barrier_wait(&begin);
        pthread_barrier_wait(&end);
        unsigned what = (unsigned)(town_random(&seed) % 100);
        if (what < 60) {
            tell(tarn_commit);
        } else if (what < 65 && atomic_load(&told->acknowledged) != 0) {
            if (tarn_rollback(heap) != 0) {
                oracle_fail("a rollback failed");
            }
            town = tarn_root(heap);
            if (town_digest(town) != told->digest_acknowledged) {
                oracle_fail("a rollback did not lead to the last commit");
            }
        } else if (what < 67) {
            tell(tarn_checkpoint);
        }
    }
}

int
main(int argc, char **argv)
{
    if (argc < 4) {
        fprintf(stderr, "usage: kill FILE ROUNDS SEED [process] [page-map]\n");
        return 2;
    }
    file = argv[1];
    unsigned long rounds = strtoul(argv[2], NULL, 10);
    uint64_t seed = strtoull(argv[3], NULL, 10);
    for (int i = 4; i < argc; i++) {
        flags |= strcmp(argv[i], "process") == 0    ? TARN_PROCESS
                 : strcmp(argv[i], "page-map") == 0 ? TARN_PAGE_MAP
                                                    : 0;
    }
    oracle_begin();
    for (unsigned long round = 0; round < rounds; round++) {
        pid_t child = fork();
        if (child == 0) {
            write_until_killed(town_random(&seed));
        }
        uint64_t wait = town_random(&seed) % (town_random(&seed) % 8 == 0 ? 60000000 : 12000000);
        wait *= SLOWER;
        nanosleep(&(struct timespec){.tv_sec = (time_t)(wait / 1000000000),
                                     .tv_nsec = (long)(wait % 1000000000)},
                  NULL);
        kill(child, SIGKILL);
        int status;
        waitpid(child, &status, 0);
        if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
            fprintf(stderr, "the writer ended by itself with %x\n", (unsigned)status);
            return 1;
        }
        if (!atomic_load(&told->created)) {
            continue;
        }
        oracle_look(false);
        oracle_look(true);
    }
    printf("%lu kills, %llu commits, %llu redone at openings, %llu incomplete ones dropped\n",
           rounds, (unsigned long long)told->commits, (unsigned long long)told->redone,
           (unsigned long long)told->dropped);
    oracle_end();
    return 0;
}
