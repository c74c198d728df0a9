/*
 * Who may have an image open at the same time, and what a process leaves behind that ends without a
 * word: its lock, its notice, its children.
 *
 *     openers FILE
 */
#include "beside.h"

#include <tarn/persist.h>

#include "persist/format.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *path;
static const char *doing;

static void
need(bool right, const char *what)
{
    if (!right) {
        fprintf(stderr, "openers: %s: %s (errno %d, \"%s\")\n", doing, what, errno, tarn_error());
        exit(1);
    }
}

static tarn_heap *
open_heap(unsigned flags)
{
    return tarn_open(path, &(tarn_options){.flags = flags});
}

static void
refused(unsigned flags, int code, const char *word)
{
    tarn_heap *heap = open_heap(flags);
    need(heap == NULL && errno == code, "opens, or fails in another way");
    need(strstr(tarn_error(), word) != NULL, "does not say what is to be said");
}

/* In another process; it ends as it stands, or killed. */
static void
elsewhere(void (*what)(void))
{
    pid_t child = fork();
    if (child == 0) {
        what();
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    need(WIFEXITED(status) ? WEXITSTATUS(status) == 0 : WTERMSIG(status) == SIGKILL,
         "the other process found something else");
}

static void
be_refused(void)
{
    char words[64];
    snprintf(words, sizeof words, "process %d has it open for writing", (int)getppid());
    refused(0, EBUSY, words);
    refused(TARN_SHARED, EBUSY, words);
}

static void
be_refused_all(void)
{
    char words[64];
    snprintf(words, sizeof words, "process %d has it open", (int)getppid());
    refused(0, EBUSY, words);
    refused(TARN_READ_ONLY, EBUSY, words);
    need(tarn_check(path, NULL, NULL) == -1 && errno == EBUSY, "is checked while it changes");
}

static void
write_and_die(void)
{
    tarn_heap *heap = open_heap(0);
    need(heap != NULL, "cannot be opened");
    *(int *)tarn_root(heap) += 1;
    need(tarn_commit(heap) == 0, "cannot be committed");
    *(int *)tarn_root(heap) += 100;
    kill(getpid(), SIGKILL);
}

/* The parent ends at once; a child of its that lives on must not keep the image locked for good,
 * nor can it write. */
static int told[2];

static void
leave_a_child(void)
{
    close(told[1]);
    tarn_heap *heap = open_heap(0);
    need(heap != NULL, "cannot be opened");
    *(int *)tarn_root(heap) += 1;
    need(tarn_commit(heap) == 0, "cannot be committed");
    int ready[2];
    char byte = 0;
    need(pipe(ready) == 0, "no pipe");
    if (fork() == 0) {
        need(tarn_commit(heap) == -1 && errno == EPERM, "a fork's child commits");
        *(int *)tarn_root(heap) = -1;
        need(write(ready[1], &byte, 1) == 1, "cannot say so");
        (void)!read(told[0], &byte, 1); /* until the test ends */
        _exit(0);
    }
    need(read(ready[0], &byte, 1) == 1, "its child failed");
    _exit(0);
}

static void
two_writers(void)
{
    doing = "two writers";
    tarn_heap *heap = open_heap(0);
    need(heap != NULL, "cannot be opened");
    elsewhere(be_refused);
    need(tarn_close(heap) == 0, "cannot be closed");
    doing = "a writer in shared mode and others";
    heap = open_heap(TARN_SHARED);
    need(heap != NULL, "cannot be opened");
    elsewhere(be_refused_all);
    need(tarn_close(heap) == 0, "cannot be closed");
    doing = "twice in one process";
    heap = open_heap(0);
    refused(0, EBUSY, "has it open");
    refused(TARN_READ_ONLY, EADDRINUSE, "is taken by");
    need(tarn_check(path, NULL, NULL) == 0, "cannot be checked meanwhile");
    need(tarn_close(heap) == 0, "cannot be closed");
}

/* In a process without this one's mappings. */
static void
another_writes_and_dies(void)
{
    execl("/proc/self/exe", "openers", path, "write-and-die", (char *)NULL);
    _exit(1);
}

static void
left_behind(void)
{
    doing = "after a writer that was killed";
    tarn_heap *heap = open_heap(TARN_READ_ONLY);
    int before = *(int *)tarn_root(heap);
    tarn_close(heap);
    elsewhere(write_and_die);
    heap = open_heap(0);
    need(heap != NULL, "cannot be opened: its lock outlived it");
    need(*(int *)tarn_root(heap) == before + 1, "is not at the last commit");
    need(tarn_close(heap) == 0, "cannot be closed");
    doing = "after a writer whose child lives on";
    need(pipe(told) == 0, "no pipe");
    elsewhere(leave_a_child);
    heap = open_heap(0); /* that child is still there */
    need(heap != NULL && *(int *)tarn_root(heap) == before + 2, "is not at the last commit");
    need(tarn_close(heap) == 0, "cannot be closed");
    close(told[0]);
    close(told[1]);
    doing = "after a closing while a child lives on";
    int go[2];
    need(pipe(go) == 0, "no pipe");
    heap = open_heap(0);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        close(go[1]);
        _exit(read(go[0], &byte, 1) != 0);
    }
    close(go[0]);
    need(tarn_close(heap) == 0, "cannot be closed");
    elsewhere(another_writes_and_dies);
    heap = open_heap(0);
    need(heap != NULL && *(int *)tarn_root(heap) == before + 3, "cannot be opened again");
    need(tarn_close(heap) == 0, "cannot be closed");
    close(go[1]);
    waitpid(child, NULL, 0);
}

static void
readers_stay(void)
{
    doing = "a reader while a writer is killed and another comes";
    tarn_heap *heap = open_heap(TARN_READ_ONLY);
    int before = *(int *)tarn_root(heap);
    elsewhere(another_writes_and_dies);
    elsewhere(another_writes_and_dies);
    need(*(int *)tarn_root(heap) == before, "what it sees has changed");
    need(tarn_rollback(heap) == 0 && *(int *)tarn_root(heap) == before + 2,
         "cannot move on to the newest commit");
    tarn_close(heap);
}

/* Its place is taken: it cannot be used, but it can be checked. */
static void
place_taken(void)
{
    doing = "its address taken";
    tarn_image_figures figures;
    tarn_heap *heap = open_heap(0);
    tarn_image_info(heap, &figures);
    need(tarn_close(heap) == 0, "cannot be closed");
    void *squatter = mmap(figures.base, 65536, PROT_READ,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    need(squatter == figures.base, "cannot be taken");
    refused(0, EADDRINUSE, "memory without a name");
    refused(TARN_READ_ONLY, EADDRINUSE, "is taken by");
    need(tarn_check(path, NULL, NULL) == 0, "cannot be checked at another address");
    munmap(squatter, 65536);
    heap = open_heap(0);
    need(heap != NULL, "cannot be opened once its address is free");
    need(tarn_close(heap) == 0, "cannot be closed");
}

/* A notice is for messages: whatever it says, the lock decides. */
static void
old_notice(void)
{
    doing = "a notice of a process that is no more, or another's";
    uint64_t pids[] = {1, 0, UINT64_MAX, 4194304};
    for (unsigned i = 0; i < sizeof pids / sizeof *pids; i++) {
        int file = open(path, O_RDWR);
        need(pwrite(file, &pids[i], sizeof pids[i], (off_t)TN_NOTICE_AT) == sizeof pids[i], "?");
        close(file);
        tarn_heap *heap = open_heap(0);
        need(heap != NULL && tarn_close(heap) == 0, "cannot be opened");
    }
}

int
main(int argc, char **argv)
{
    char journal[4096];
    if (argc < 2) {
        return 2;
    }
    path = argv[1];
    if (argc > 2) {
        doing = argv[2];
        write_and_die();
    }
    doing = "making";
    name_journal(journal, path);
    unlink(path);
    unlink(journal);
    tarn_heap *heap = tarn_create(path, &(tarn_options){.capacity = (size_t)4 << 20});
    need(heap != NULL, "cannot be made");
    tarn_set_root(heap, tarn_heap_zalloc(heap, sizeof(int)));
    need(tarn_close(heap) == 0, "cannot be closed");
    two_writers();
    left_behind();
    readers_stay();
    place_taken();
    old_notice();
    need(tarn_check(path, NULL, NULL) == 0, "is damaged in the end");
    unlink(path);
    return 0;
}
