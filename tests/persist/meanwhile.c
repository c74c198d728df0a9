/*
 * An image that is looked at while its writer goes on: a record that is not there yet when it is
 * looked for, and a seal of later commits, are no damage; and a writer that takes the image to
 * himself is not waited for. The writer works inside the looker's own reads, at the moment that the
 * test is about.
 *
 *     meanwhile FILE
 */
#include "beside.h"
#include "expect.h"
#include "say_fault.h"

#include <tarn/persist.h>

#include "persist/format.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#define BLOCK ((size_t)4 << 20)

/* Called by the library in place of the C library's (linked with --wrap). */
ssize_t __wrap_pread(int file, void *buffer, size_t size, off_t at);
ssize_t __real_pread(int file, void *buffer, size_t size, off_t at);

static const char *path;
static tarn_heap *heap;
static void (*work)(void); /* once, next to a read at this place */
static off_t place;
static unsigned reads; /* so many there come first */
static bool before;    /* or after it */

static void
do_work(bool now)
{
    void (*due)(void) = work;
    if (due != NULL && now == before && reads == 0) {
        work = NULL;
        due();
    }
}

ssize_t
__wrap_pread(int file, void *buffer, size_t size, off_t at)
{
    bool there = work != NULL && at == place;
    if (there) {
        do_work(true);
    }
    ssize_t got = __real_pread(file, buffer, size, at);
    if (there) {
        do_work(false);
        reads -= reads > 0;
    }
    return got;
}

static void
arm(void (*what)(void), off_t at, unsigned after_reads, bool before_it)
{
    work = what;
    place = at;
    reads = after_reads;
    before = before_it;
}

static void
commit_twice(void)
{
    for (unsigned i = 0; i < 2; i++) {
        ++*(uint64_t *)tarn_root(heap);
        EXPECT(tarn_commit(heap) == 0);
    }
}

static void
commit_and_close(void)
{
    commit_twice();
    EXPECT(tarn_close(heap) == 0);
}

static int locked; /* the file, by one who has the readers' lock alone, as a checkpoint has */

static void
lock_out_readers(void)
{
    locked = open(path, O_RDWR | O_CLOEXEC);
    struct flock lock = {
        .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = (off_t)TN_LOCK_READERS, .l_len = 1};
    EXPECT(locked >= 0 && fcntl(locked, F_OFD_SETLK, &lock) == 0);
}

static pid_t sharer;

/* The checkpoint has ended, and another process has the image open in shared mode. */
static void
become_shared(void)
{
    int pipes[2];
    EXPECT(pipe(pipes) == 0);
    close(locked);
    sharer = fork();
    if (sharer == 0) {
        heap = tarn_open(path, &(tarn_options){.flags = TARN_SHARED});
        EXPECT(write(pipes[1], &(char){heap != NULL}, 1) == 1);
        close(pipes[1]);
        pause();
    }
    char opened = 0;
    EXPECT(read(pipes[0], &opened, 1) == 1 && opened == 1);
    close(pipes[0]);
    close(pipes[1]);
}

/* Who waits for a checkpoint to end may come to wait for one who has the image to himself. */
static void
wait_for_nobody(void)
{
    lock_out_readers();
    arm(become_shared, TN_COPY_AT, 0, false);
    alarm(60);
    EXPECT(tarn_open(path, &(tarn_options){.flags = TARN_READ_ONLY}) == NULL && errno == EBUSY);
    EXPECT(work == NULL && strstr(tarn_error(), "shared mode") != NULL);
    alarm(0);
    kill(sharer, SIGKILL);
    waitpid(sharer, NULL, 0);
}

/* Where the journal's next record will be. */
static off_t
end_of_journal(void)
{
    tarn_image_figures figures;
    EXPECT(tarn_image_info(heap, &figures) == 0);
    return (off_t)(TN_PAGE + figures.journal_size);
}

int
main(int argc, char **argv)
{
    char journal[4096];
    if (argc < 2) {
        return 2;
    }
    path = argv[1];
    name_journal(journal, path);
    unlink(path);
    unlink(journal);
    heap = tarn_create(path, &(tarn_options){.capacity = 4 * BLOCK});
    EXPECT(heap != NULL);
    uint64_t *block = tarn_heap_malloc(heap, BLOCK); /* so much that closing seals it */
    EXPECT(block != NULL);
    memset(block, 1, BLOCK);
    tarn_set_root(heap, block);
    EXPECT(tarn_commit(heap) == 0);
    for (unsigned i = 0; i < 3; i++) {
        arm(commit_twice, end_of_journal(), 0, false);
        EXPECT(tarn_check(path, say_fault, NULL) == 0 && work == NULL);
    }
    arm(commit_and_close, TN_SEAL_AT, 1, true);
    EXPECT(tarn_check(path, say_fault, NULL) == 0 && work == NULL);
    EXPECT(tarn_check(path, say_fault, NULL) == 0);
    wait_for_nobody();
    unlink(path);
    unlink(journal);
    return 0;
}
