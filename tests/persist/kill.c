/*
 * Kills a writer of four threads at a random moment, again and again: what the next opening finds is
 * the last commit that was acknowledged, or the one in flight, whole.
 *
 *     kill FILE ROUNDS SEED [process] [page-map]
 *
 * The writer tells by shared memory which commit it begins, what it contains, and when it is
 * acknowledged; another process looks at the file after the kill, so that damage that ends a process
 * is seen as such.
 */
#include "town.h"

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

/* What the writer told. */
struct told {
    _Atomic uint64_t acknowledged; /* number of a commit */
    _Atomic uint64_t begun;
    uint64_t digest_acknowledged;
    uint64_t digest_begun;
    _Atomic bool created;
    _Atomic uint64_t commits;
    _Atomic uint64_t redone;
    _Atomic uint64_t dropped;
};

static struct told *told;
static const char *file;
static unsigned flags;
static pthread_barrier_t begin;
static pthread_barrier_t end;
static tarn_heap *heap;
static struct town *town;
static uint64_t seeds[QUARTERS];
static unsigned changes[QUARTERS];

static void
fail(const char *what)
{
    fprintf(stderr, "%s: %s (%s)\n", file, what, tarn_error());
    exit(1);
}

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

static uint64_t
commit_number(void)
{
    tarn_image_figures figures;
    tarn_image_info(heap, &figures);
    return figures.commits;
}

static void
commit(int (*how)(tarn_heap *heap))
{
    told->digest_begun = town_digest(town);
    atomic_store(&told->begun, commit_number() + 1);
    if (how(heap) != 0) {
        fail("a commit failed");
    }
    told->digest_acknowledged = told->digest_begun;
    atomic_store(&told->acknowledged, commit_number());
    atomic_fetch_add(&told->commits, 1);
}

static void
write_until_killed(uint64_t seed)
{
    pthread_t threads[QUARTERS];
    heap = tarn_open(file, &(tarn_options){.flags = TARN_CREATE | flags,
                                           .capacity = OPTIONS_CAPACITY,
                                           .journal_most = (size_t)1 << (16 + seed % 10)});
    if (heap == NULL) {
        fail("cannot be opened by the writer");
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
            commit(tarn_commit);
        } else if (what < 65 && atomic_load(&told->acknowledged) != 0) {
            if (tarn_rollback(heap) != 0) {
                fail("a rollback failed");
            }
            town = tarn_root(heap);
            if (town_digest(town) != told->digest_acknowledged) {
                fail("a rollback did not lead to the last commit");
            }
        } else if (what < 67) {
            commit(tarn_checkpoint);
        }
    }
}

static bool
print(void *context, const char *what, uint64_t offset)
{
    (void)context;
    fprintf(stderr, "%s: at %llu: %s\n", file, (unsigned long long)offset, what);
    return true;
}

/* What the writer told counts only as far as it can be known: between two stores it may have been
 * killed, with the commit that it was about to tell of. */
static void
look(bool write)
{
    if (tarn_check(file, print, NULL) != 0) {
        fail("the check found damage");
    }
    heap = tarn_open(file, &(tarn_options){.flags = flags | (write ? 0 : TARN_READ_ONLY)});
    if (heap == NULL) {
        fail("cannot be opened");
    }
    tarn_image_figures figures;
    tarn_image_info(heap, &figures);
    atomic_fetch_add(&told->redone, figures.commits_redone);
    atomic_fetch_add(&told->dropped, figures.commit_dropped);
    uint64_t digest = 0;
    town = tarn_root(heap);
    const char *wrong = town != NULL ? town_check(write ? heap : NULL, town, &digest) : NULL;
    if (wrong != NULL) {
        fail(wrong);
    }
    uint64_t commits = figures.commits;
    uint64_t acknowledged = atomic_load(&told->acknowledged);
    uint64_t begun = atomic_load(&told->begun);
    bool last = commits == acknowledged && digest == told->digest_acknowledged;
    bool flying = commits == begun && digest == told->digest_begun;
    if (!last && !flying && begun != 0) {
        fprintf(stderr, "%s: opened at commit %llu, acknowledged %llu, begun %llu\n", file,
                (unsigned long long)commits, (unsigned long long)acknowledged,
                (unsigned long long)begun);
        fail("not the last commit");
    }
    told->digest_acknowledged = digest;
    told->digest_begun = digest;
    atomic_store(&told->begun, commits);
    atomic_store(&told->acknowledged, commits);
    if (write) {
        /* Stale slabs are of use again. */
        uint64_t seed = commits;
        town = town_find(heap);
        for (unsigned i = 0; i < QUARTERS && town != NULL; i++) {
            town_work(heap, town, i, &seed, 100);
        }
        if (tarn_check_heap(heap, print, NULL) != 0) {
            fail("the heap is damaged after some work");
        }
        tarn_close_without_commit(heap);
    } else {
        tarn_close(heap);
    }
    exit(0);
}

static void
look_in_another_process(bool write)
{
    pid_t child = fork();
    if (child == 0) {
        look(write);
    }
    int status;
    waitpid(child, &status, 0);
    if (status != 0) {
        fprintf(stderr, "the process that looked ended with %x\n", (unsigned)status);
        exit(1);
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
    char journal[4096];
    snprintf(journal, sizeof journal, "%s-journal", file);
    unlink(file);
    unlink(journal);
    told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    for (unsigned long round = 0; round < rounds; round++) {
        pid_t child = fork();
        if (child == 0) {
            write_until_killed(town_random(&seed));
        }
        uint64_t wait = town_random(&seed) % (town_random(&seed) % 8 == 0 ? 60000000 : 12000000);
        nanosleep(&(struct timespec){.tv_nsec = (long)wait}, NULL);
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
        look_in_another_process(false);
        look_in_another_process(true);
    }
    printf("%lu kills, %llu commits, %llu redone at openings, %llu incomplete ones dropped\n",
           rounds, (unsigned long long)told->commits, (unsigned long long)told->redone,
           (unsigned long long)told->dropped);
    unlink(file);
    unlink(journal);
    return 0;
}
