/*
 * A file system in memory that is full: a checkpoint for which there is no room, and a writer that
 * is killed then, leave an image that opens at the last commit, with no more room than there was;
 * and goes on once there is some.
 *
 *     full FOLDER
 */
#include "own_mounts.h"
#include "say_fault.h"

#include <tarn/persist.h>

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define MIB ((size_t)1 << 20)

static char path[4096];
static char filler[4096];

static void
write_and_die(void)
{
    tarn_heap *heap = tarn_create(path, &(tarn_options){.capacity = 256 * MIB});
    EXPECT(heap != NULL);
    int *number = tarn_heap_zalloc(heap, sizeof *number);
    tarn_set_root(heap, number);
    *number = 1;
    EXPECT(tarn_commit(heap) == 0);
    char *block = tarn_heap_malloc(heap, 40 * MIB);
    memset(block, 1, 40 * MIB);
    *number = 2;
    EXPECT(tarn_commit(heap) == -1 && errno == ENOSPC);
    tarn_heap_free(heap, block);
    *number = 3;
    EXPECT(tarn_commit(heap) == 0);
    EXPECT(tarn_checkpoint(heap) == -1 && errno == ENOSPC);
    memset(tarn_heap_malloc(heap, 15 * MIB), 2, 15 * MIB);
    *number = 4;
    EXPECT(tarn_commit(heap) == 0);
    EXPECT(tarn_checkpoint(heap) == -1 && errno == ENOSPC);
    kill(getpid(), SIGKILL);
}

static void
fill_up(void)
{
    static char bytes[4096];
    int file = open(filler, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    EXPECT(file >= 0);
    while (write(file, bytes, sizeof bytes) > 0) {
    }
    close(file);
}

int
main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : "/tmp/tarn-full";
    int status;
    snprintf(path, sizeof path, "%.4000s/full.tarn", folder);
    snprintf(filler, sizeof filler, "%.4000s/filler", folder);
    own_mounts_enter();
    (void)!mkdir(folder, 0700);
    if (mount("tarn", folder, "tmpfs", 0, "size=32m") != 0) {
        expect_skip("no mounts of one's own");
    }
    if (fork() == 0) {
        write_and_die();
    }
    wait(&status);
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    fill_up();
    tarn_heap *heap = tarn_open(path, NULL);
    if (heap == NULL) {
        fprintf(stderr, "full: %s\n", tarn_error());
        return 1;
    }
    EXPECT(*(int *)tarn_root(heap) == 4);
    tarn_close_without_commit(heap);
    EXPECT(unlink(filler) == 0);
    EXPECT(mount("tarn", folder, "tmpfs", MS_REMOUNT, "size=96m") == 0);
    EXPECT(tarn_check(path, say_fault, NULL) == 0);
    heap = tarn_open(path, NULL);
    EXPECT(heap != NULL && *(int *)tarn_root(heap) == 4);
    EXPECT(tarn_checkpoint(heap) == 0);
    EXPECT(tarn_close(heap) == 0);
    EXPECT(tarn_check(path, say_fault, NULL) == 0);
    return 0;
}
