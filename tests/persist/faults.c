/*
 * Every system call that making, opening, committing, rolling back, checkpointing and closing make
 * fails once, fails from then on, writes half, or is the process's last: for every one of them, and
 * then the same during the recovery of what is left. Whatever happens the file opens at the last
 * commit acknowledged or the one in flight, and once calls work again so does the heap.
 *
 *     faults FILE [page-map] [process]
 */
#include "calls.h"
#include "oracle.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FAULTS_EACH 50 /* in one file, one after the other */

static void
work(uint64_t *seed)
{
    town = town != NULL ? town : town_find(heap);
    for (unsigned i = 0; i < QUARTERS && town != NULL; i++) {
        town_work(heap, town, i, seed, 10);
    }
}

/* With the fault; if it fails, again without. */
static void
commit(int (*how)(tarn_heap *heap))
{
    if (oracle_commit(how) != 0) {
        if (tarn_error()[0] == 0 || errno == 0) {
            oracle_fail("a failure without a reason");
        }
        calls_inject(CALLS_NONE, 0, 0);
        if (oracle_commit(how) != 0) {
            oracle_fail("a commit failed that should not any more");
        }
    }
}

static void
open_heap(void)
{
    const tarn_options options = {
        .flags = TARN_CREATE | flags, .capacity = (size_t)16 << 20, .journal_most = 1 << 18};
    heap = tarn_open(file, &options);
    if (heap == NULL) {
        calls_inject(CALLS_NONE, 0, 0);
        heap = tarn_open(file, &options);
    }
    if (heap == NULL) {
        oracle_fail("cannot be opened any more");
    }
    atomic_store(&told->created, true);
    town = town_find(heap);
}

static void
close_heap(void)
{
    told->digest_begun = town != NULL ? town_digest(town) : 0;
    tarn_image_figures figures;
    tarn_image_info(heap, &figures);
    atomic_store(&told->begun, figures.commits + 1);
    if (tarn_close(heap) != 0) {
        calls_inject(CALLS_NONE, 0, 0);
        if (tarn_close(heap) != 0) {
            oracle_fail("cannot be closed any more");
        }
    }
    told->digest_acknowledged = told->digest_begun;
    atomic_store(&told->acknowledged, told->begun);
}

static void
live(uint64_t seed)
{
    open_heap();
    work(&seed);
    commit(tarn_commit);
    work(&seed);
    commit(tarn_commit);
    work(&seed);
    if (tarn_rollback(heap) != 0) {
        calls_inject(CALLS_NONE, 0, 0);
        if (tarn_rollback(heap) != 0) {
            oracle_fail("cannot be rolled back any more");
        }
    }
    town = tarn_root(heap);
    if (town != NULL && town_digest(town) != told->digest_acknowledged) {
        oracle_fail("a rollback did not lead to the last commit");
    }
    work(&seed);
    commit(tarn_checkpoint);
    work(&seed);
    commit(tarn_commit);
    close_heap();
    open_heap();
    work(&seed);
    commit(tarn_commit);
    /* and no close: the next round recovers */
}

/* One process with one fault. Returns the calls it made if it was not disturbed. */
static unsigned long
run(enum calls_fault fault, unsigned long n, int error)
{
    int pipes[2];
    if (pipe(pipes) != 0) {
        exit(2);
    }
    pid_t child = fork();
    if (child == 0) {
        calls_inject(fault, n, error);
        live(n * 77 + 1);
        unsigned long calls = calls_count();
        calls_inject(CALLS_NONE, 0, 0);
        _exit(write(pipes[1], &calls, sizeof calls) != sizeof calls);
    }
    close(pipes[1]);
    unsigned long calls = 0;
    ssize_t got = read(pipes[0], &calls, sizeof calls);
    close(pipes[0]);
    int status;
    waitpid(child, &status, 0);
    bool died = WIFEXITED(status) && WEXITSTATUS(status) == 9;
    if (status != 0 && !(died && (fault == CALLS_DIE || fault == CALLS_DIE_AFTER))) {
        fprintf(stderr, "fault %d of call %lu (error %d): the process ended with %x\n", (int)fault,
                n, error, (unsigned)status);
        exit(1);
    }
    if (atomic_load(&told->created)) {
        snprintf(oracle_context, sizeof oracle_context, "fault %d of call %lu", (int)fault, n);
        oracle_look(true);
    }
    return got == sizeof calls ? calls : 0;
}

int
main(int argc, char **argv)
{
    static const struct {
        enum calls_fault fault;
        int error;
        const char *name;
    } kinds[] = {
        {CALLS_ONCE, EIO, "fails once with EIO"},
        {CALLS_ON, ENOSPC, "and all later ones fail with ENOSPC"},
        {CALLS_SHORT, ENOSPC, "writes half, then fails"},
        {CALLS_DIE, 0, "is not made, the process ends"},
        {CALLS_DIE_AFTER, 0, "is the last"},
    };
    if (argc < 2) {
        fprintf(stderr, "usage: faults FILE [page-map] [process]\n");
        return 2;
    }
    file = argv[1];
    for (int i = 2; i < argc; i++) {
        flags |= strcmp(argv[i], "page-map") == 0 ? TARN_PAGE_MAP : TARN_PROCESS;
    }
    const char *only = getenv("FAULT"); /* kind,n: one to look at */
    if (only != NULL) {
        char *rest;
        unsigned long kind = strtoul(only, &rest, 10);
        oracle_begin();
        calls_inject(kinds[kind].fault, strtoul(rest + 1, NULL, 10), kinds[kind].error);
        live(strtoul(rest + 1, NULL, 10) * 77 + 1);
        return 0;
    }
    for (unsigned kind = 0; kind < sizeof kinds / sizeof *kinds; kind++) {
        /* A fresh file each time, and one that goes on from wherever the last faults left it, so
         * many of them that it does not grow large. */
        for (unsigned fresh = 0; fresh < 2; fresh++) {
            oracle_begin();
            unsigned long last = run(CALLS_ONCE, 1000000, EIO);
            unsigned long n = 0;
            for (n = 1; n <= last + 10; n++) {
                if (fresh != 0 || n % FAULTS_EACH == 0) {
                    oracle_end();
                    oracle_begin();
                }
                run(kinds[kind].fault, n, kinds[kind].error);
            }
            printf("%lu calls, each in turn %s%s\n", n - 1, kinds[kind].name,
                   fresh != 0 ? ", in a new file" : "");
            fflush(stdout);
            oracle_end();
        }
    }
    return 0;
}
