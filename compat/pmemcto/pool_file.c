/*
 * A pool's file. It has all its blocks from the beginning and keeps them (TARN_RESERVE), so that
 * neither its size nor the disk's other users are ever felt by a program that has it open.
 */
#define _GNU_SOURCE
#include "cto_pool.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define HEAD  ((size_t)65536) /* what an image has before its sums, and the unit of its parts */
#define PAGES ((size_t)4096)  /* bytes for which there is one sum of eight */

#define refuse    tarn_pmemcto_refuse
#define translate tarn_pmemcto_translate

/* A pool's file that is being made. */
struct making {
    const char *path;
    int file;
    bool ours;   /* not the caller's, to be removed when it comes to nothing */
    bool begun;  /* there was an image in it: it has nothing else, then */
    size_t size; /* bytes, of the whole file */
    mode_t mode; /* as it shall be: meanwhile the owner may read and write */
};

/* The largest capacity whose image fits into so many bytes: docs/image-format.md. */
static size_t
capacity_in(size_t size)
{
    size_t sums = (size / PAGES * 8 + HEAD - 1) / HEAD * HEAD;
    return (size - HEAD - sums) / HEAD * HEAD;
}

static bool
is_pool_set(const char *path)
{
    static const char word[] = "PMEMPOOLSET";
    char head[sizeof word] = {0};
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        (void)!pread(file, head, sizeof head - 1, 0);
        close(file);
    }
    return memcmp(head, word, sizeof word) == 0;
}

static bool
make_file(struct making *making)
{
    making->file = open(making->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, making->mode);
    making->ours = making->file >= 0;
    if (making->file < 0) {
        int code = errno;
        refuse(code, making->path,
               code == EEXIST ? "is there already, and a pool size is given" : strerror(code));
    }
    return making->ours;
}

static bool
take_file(struct making *making)
{
    struct stat status;
    making->file = open(making->path, O_RDWR | O_CLOEXEC);
    if (making->file < 0 || fstat(making->file, &status) != 0) {
        int code = errno;
        refuse(code, making->path, strerror(code));
        return false;
    }
    if (!S_ISREG(status.st_mode)) {
        refuse(EINVAL, making->path, "is no regular file");
        return false;
    }
    making->size = (size_t)status.st_size;
    if (making->size < PMEMCTO_MIN_POOL) {
        refuse(EINVAL, making->path, "is smaller than PMEMCTO_MIN_POOL");
        return false;
    }
    return true;
}

static PMEMctopool *
make_pool(struct making *making, const char *layout)
{
    struct stat status;
    if (fstat(making->file, &status) != 0 || fchmod(making->file, status.st_mode | 0600) != 0) {
        return refuse(errno, making->path, strerror(errno));
    }
    tarn_heap *heap =
        tarn_create(making->path, &(tarn_options){.flags = TARN_SHARED | TARN_RESERVE,
                                                  .capacity = capacity_in(making->size),
                                                  .layout = layout});
    if (heap == NULL) {
        int code = errno;
        (void)!fchmod(making->file, status.st_mode);
        errno = code;
        return translate();
    }
    making->begun = true;
    int failed = posix_fallocate(making->file, 0, (off_t)making->size);
    if (failed == 0 && fchmod(making->file, status.st_mode) != 0) {
        failed = errno;
    }
    if (failed != 0) {
        tarn_close_without_commit(heap);
        return refuse(failed, making->path, "its space cannot be reserved");
    }
    return (PMEMctopool *)heap;
}

/* What was made is gone again; the caller's file is empty and as long as it was. */
static void
undo(const struct making *making)
{
    int saved = errno;
    if (making->ours) {
        unlink(making->path);
    } else if (making->begun) {
        (void)!ftruncate(making->file, 0);
        (void)!ftruncate(making->file, (off_t)making->size);
    }
    errno = saved;
}

PMEMctopool *
pmemcto_create(const char *path, const char *layout, size_t poolsize, mode_t mode)
{
    if (layout != NULL && strlen(layout) >= PMEMCTO_MAX_LAYOUT) {
        return refuse(EINVAL, path, "the layout's name is too long");
    }
    if (is_pool_set(path)) {
        return refuse(poolsize != 0 ? EEXIST : EINVAL, path, "pool sets are not supported");
    }
    if (poolsize != 0 && poolsize < PMEMCTO_MIN_POOL) {
        return refuse(EINVAL, path, "the pool is smaller than PMEMCTO_MIN_POOL");
    }
    struct making making = {.path = path, .file = -1, .size = poolsize, .mode = mode};
    PMEMctopool *pool = NULL;
    if (poolsize != 0 ? make_file(&making) : take_file(&making)) {
        pool = make_pool(&making, layout != NULL ? layout : "");
        if (pool == NULL) {
            undo(&making);
        }
    }
    int saved = errno;
    if (making.file >= 0) {
        close(making.file);
    }
    errno = saved;
    return pool;
}

PMEMctopool *
pmemcto_open(const char *path, const char *layout)
{
    if (is_pool_set(path)) {
        return refuse(EINVAL, path, "pool sets are not supported");
    }
    tarn_heap *heap =
        tarn_open(path, &(tarn_options){.flags = TARN_SHARED | TARN_RESERVE, .layout = layout});
    return heap != NULL ? (PMEMctopool *)heap : translate();
}

void
pmemcto_close(PMEMctopool *pcp)
{
    if (pcp != NULL && tarn_close(heap_of(pcp)) != 0) {
        translate();
        int saved = errno;
        tarn_close_without_commit(heap_of(pcp)); /* and the pool says that it was not closed */
        errno = saved;
    }
}

struct first {
    const char *path;
    bool said;
};

static bool
note_first(void *context, const char *what, uint64_t offset)
{
    struct first *first = context;
    (void)offset;
    refuse(EINVAL, first->path, what);
    first->said = true;
    return false;
}

int
pmemcto_check(const char *path, const char *layout)
{
    tarn_heap *heap = tarn_open(path, &(tarn_options){.flags = TARN_READ_ONLY, .layout = layout});
    if (heap == NULL) {
        int code = errno;
        translate();
        return code == EUCLEAN || code == EBADMSG ? 0 : -1;
    }
    tarn_close(heap);
    struct first first = {.path = path};
    if (tarn_check(path, note_first, &first) < 0) {
        translate();
        return -1;
    }
    return first.said ? 0 : 1;
}
