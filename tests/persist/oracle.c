#include "oracle.h"
#include "say_fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct told *told;
const char *file;
unsigned flags;
tarn_heap *heap;
struct town *town;
char oracle_context[128];

static void
remove_files(void)
{
    char journal[4096];
    snprintf(journal, sizeof journal, "%s-journal", file);
    unlink(file);
    unlink(journal);
}

void
oracle_begin(void)
{
    remove_files();
    told = mmap(NULL, sizeof *told, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

void
oracle_end(void)
{
    remove_files();
    munmap(told, sizeof *told);
}

void
oracle_fail(const char *what)
{
    fprintf(stderr, "%s: %s (%s)\n", file, what, tarn_error());
    exit(1);
}

static uint64_t
commit_number(void)
{
    tarn_image_figures figures;
    tarn_image_info(heap, &figures);
    return figures.commits;
}

int
oracle_commit(int (*how)(tarn_heap *heap))
{
    told->digest_begun = town_digest(town);
    atomic_store(&told->begun, commit_number() + 1);
    if (how(heap) != 0) {
        return -1;
    }
    told->digest_acknowledged = told->digest_begun;
    atomic_store(&told->acknowledged, commit_number());
    atomic_fetch_add(&told->commits, 1);
    return 0;
}

/* What the writer told counts only as far as it can be known: between two stores it may have been
 * killed, with the commit that it was about to tell of. */
static void
look(bool write)
{
    if (tarn_check(file, say_fault, NULL) != 0) {
        oracle_fail("the check found damage");
    }
    heap = tarn_open(file, &(tarn_options){.flags = flags | (write ? 0 : TARN_READ_ONLY)});
    if (heap == NULL) {
        oracle_fail("cannot be opened");
    }
    tarn_image_figures figures;
    tarn_image_info(heap, &figures);
    atomic_fetch_add(&told->redone, figures.commits_redone);
    atomic_fetch_add(&told->dropped, figures.commit_dropped);
    uint64_t digest = 0;
    town = tarn_root(heap);
    const char *wrong = town != NULL ? town_check(write ? heap : NULL, town, &digest) : NULL;
    if (wrong != NULL) {
        oracle_fail(wrong);
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
        oracle_fail("not the last commit");
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
        if (tarn_check_heap(heap, say_fault, NULL) != 0) {
            oracle_fail("the heap is damaged after some work");
        }
        tarn_close_without_commit(heap);
    } else {
        tarn_close(heap);
    }
    exit(0);
}

void
oracle_look(bool write)
{
    pid_t child = fork();
    if (child == 0) {
        look(write);
    }
    int status;
    waitpid(child, &status, 0);
    if (status != 0) {
        fprintf(stderr, "%s: the process that looked ended with %x\n", oracle_context,
                (unsigned)status);
        exit(1);
    }
}
