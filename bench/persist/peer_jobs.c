/*
 * What is measured of every heap in a file, in lines of a name and a number:
 *
 *     peer-NAME FILE pairs COUNT     malloc and free, by 1 and 2 threads: ns of processor time
 *     peer-NAME FILE list NODES      build a list, commit, close, open, walk, close;
 *                                    in the end, bytes on disk for each of a node
 *     peer-NAME FILE space           bytes on disk with 350 MiB live, after all was freed, closed
 */
#include "peer.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LIVE       4096
#define BLOCKS     500000
#define BLOCK_SIZE 734 /* on average: 350 MiB in all */

static double
now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static uint64_t
draw(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005u + 1442695040888963407u;
    return *seed >> 33;
}

struct job {
    long pairs;
    double pair;
    double churn;
    char apart[128];
};

static void *
allocate(void *context)
{
    struct job *job = context;
    static _Thread_local void *live[LIVE];
    uint64_t seed = 1;
    for (int i = 0; i < LIVE; i++) {
        live[i] = peer_alloc(16 + draw(&seed) % 1000);
    }
    double start = now(CLOCK_THREAD_CPUTIME_ID);
    for (long i = 0; i < job->pairs; i++) {
        peer_free(peer_alloc(16 + draw(&seed) % 1000));
    }
    job->pair = (now(CLOCK_THREAD_CPUTIME_ID) - start) / (double)job->pairs;
    start = now(CLOCK_THREAD_CPUTIME_ID);
    for (long i = 0; i < job->pairs; i++) {
        void **slot = &live[draw(&seed) % LIVE];
        peer_free(*slot);
        *slot = peer_alloc(16 + draw(&seed) % 1000);
    }
    job->churn = (now(CLOCK_THREAD_CPUTIME_ID) - start) / (double)job->pairs;
    return NULL;
}

static void
pairs(const char *path, long count)
{
    peer_create(path, (size_t)256 << 20);
    for (unsigned threads = 1; threads <= 2; threads++) {
        struct job jobs[2] = {{.pairs = count}, {.pairs = count}};
        pthread_t ids[2];
        for (unsigned i = 0; i < threads; i++) {
            pthread_create(&ids[i], NULL, allocate, &jobs[i]);
        }
        double pair = 0;
        double churn = 0;
        for (unsigned i = 0; i < threads; i++) {
            pthread_join(ids[i], NULL);
            pair += jobs[i].pair / threads;
            churn += jobs[i].churn / threads;
        }
        printf("pair%u %.1f\nchurn%u %.1f\n", threads, pair, threads, churn);
    }
}

struct node {
    uint64_t next;
    char rest[56];
};

/* In milliseconds, since the last call. */
static void
lap(const char *name, double *start)
{
    double end = now(CLOCK_MONOTONIC);
    printf("%s %.3f\n", name, (end - *start) / 1e6);
    *start = now(CLOCK_MONOTONIC);
}

static double
mib_on_disk(const char *path)
{
    char journal[4096];
    struct stat status;
    double bytes = 0;
    snprintf(journal, sizeof journal, "%.4000s-journal", path);
    bytes += stat(path, &status) == 0 ? (double)status.st_blocks * 512 : 0;
    bytes += stat(journal, &status) == 0 ? (double)status.st_blocks * 512 : 0;
    return bytes / (1 << 20);
}

static void
on_disk(const char *path, const char *name)
{
    printf("%s %.1f\n", name, mib_on_disk(path));
}

static void
list(const char *path, long nodes)
{
    peer_create(path, (size_t)nodes * 160 + ((size_t)64 << 20));
    double start = now(CLOCK_MONOTONIC);
    uint64_t first = 0;
    for (long i = 0; i < nodes; i++) {
        struct node *node = peer_alloc(sizeof *node);
        node->next = first;
        first = peer_reference(node);
    }
    peer_set_root(first);
    printf("build %.1f\n", (now(CLOCK_MONOTONIC) - start) / (double)nodes);
    start = now(CLOCK_MONOTONIC);
    if (peer_commit()) {
        lap("commit", &start);
    }
    peer_close();
    lap("close", &start);
    peer_open(path);
    lap("open", &start);
    long count = 0;
    for (uint64_t at = peer_root(); at != 0; at = ((struct node *)peer_pointer(at))->next) {
        count++;
    }
    lap("walk", &start);
    peer_close();
    lap("close_again", &start);
    sync();
    printf("ratio %.3f\n", mib_on_disk(path) * (1 << 20) / ((double)nodes * sizeof(struct node)));
    if (count != nodes) {
        fprintf(stderr, "%ld of %ld nodes\n", count, nodes);
        exit(1);
    }
}

static void
space(const char *path)
{
    static void *blocks[BLOCKS];
    uint64_t seed = 1;
    peer_create(path, (size_t)1 << 30);
    for (int i = 0; i < BLOCKS; i++) {
        size_t size = 16 + draw(&seed) % (2 * (BLOCK_SIZE - 16));
        blocks[i] = peer_alloc(size);
        memset(blocks[i], 1, size);
    }
    peer_commit();
    sync();
    on_disk(path, "live");
    for (int i = 0; i < BLOCKS; i++) {
        peer_free(blocks[i]);
    }
    peer_commit();
    on_disk(path, "freed");
    peer_close();
    on_disk(path, "closed");
}

int
main(int argc, char **argv)
{
    if (argc < 3) {
        fprintf(stderr, "usage: peer-NAME FILE pairs COUNT | list NODES | space\n");
        return 2;
    }
    long number = argc > 3 ? strtol(argv[3], NULL, 10) : 0;
    if (strcmp(argv[2], "pairs") == 0) {
        pairs(argv[1], number);
    } else if (strcmp(argv[2], "list") == 0) {
        list(argv[1], number);
    } else {
        space(argv[1]);
    }
    fflush(stdout);
    _exit(0);
}
