#define _GNU_SOURCE
#include "os/file.h"

#include "os/aside.h"
#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PARTS_MOST 1024

#ifndef MADV_POPULATE_READ
#    define MADV_POPULATE_READ 22 /* Linux 5.14 */
#endif
#ifndef MAP_FIXED_NOREPLACE
#    define MAP_FIXED_NOREPLACE 0x100000 /* Linux 4.17 */
#endif

/* AddressSanitizer looks at what these are given; pages of an image have parts that are closed. */
#ifdef TARN_MEMCHECK
#    define pread(file, data, size, at) syscall(SYS_pread64, file, data, size, at)
#    define pwritev(file, parts, count, at)                                                        \
        syscall(SYS_pwritev, file, parts, (long)(count), (long)(at), 0L)
#endif

/* 0 or the errno of a call that returns -1, with the caller's put back. */
static int
outcome(long result, struct tn_aside aside)
{
    int failed = result < 0 ? errno : 0;
    tn_aside_end(aside);
    return failed;
}

int
tn_file_open(const char *path, unsigned how, unsigned mode, int *file)
{
    struct tn_aside aside = tn_aside_begin();
    int flags = O_CLOEXEC | (how & TN_FILE_WRITE ? O_RDWR : O_RDONLY);
    flags |= how & TN_FILE_CREATE ? O_CREAT : 0;
    flags |= how & TN_FILE_NEW ? O_CREAT | O_EXCL : 0;
    flags |= how & TN_FILE_EMPTY ? O_TRUNC : 0;
    flags |= how & TN_FILE_AT_ONCE ? O_NONBLOCK : 0;
    flags |= how & TN_FILE_NO_LINK ? O_NOFOLLOW : 0;
    do {
        *file = open(path, flags, (mode_t)mode);
    } while (*file < 0 && errno == EINTR);
    return outcome(*file, aside);
}

void
tn_file_close(int file)
{
    struct tn_aside aside = tn_aside_begin();
    if (file >= 0) {
        close(file);
    }
    tn_aside_end(aside);
}

int
tn_file_again(int file, unsigned how, int *again)
{
    char path[32];
    struct tn_aside aside = tn_aside_begin();
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    tn_aside_end(aside);
    return tn_file_open(path, how, 0, again);
}

int
tn_file_facts(int file, struct tn_file_facts *facts)
{
    struct tn_aside aside = tn_aside_begin();
    struct stat status;
    int failed = outcome(fstat(file, &status), aside);
    if (failed == 0) {
        facts->size = (uint64_t)status.st_size;
        facts->on_disk = (uint64_t)status.st_blocks * 512;
        facts->regular = S_ISREG(status.st_mode);
        facts->mode = status.st_mode & 0777;
        facts->owner = status.st_uid;
        facts->group = status.st_gid;
        facts->links = status.st_nlink;
    }
    return failed;
}

int
tn_file_is_at(int file, const char *path, bool *is)
{
    struct tn_aside aside = tn_aside_begin();
    struct stat open_one;
    struct stat named;
    int result = fstat(file, &open_one);
    *is = result == 0 && lstat(path, &named) == 0 && named.st_dev == open_one.st_dev &&
          named.st_ino == open_one.st_ino;
    return outcome(result, aside);
}

int
tn_file_name(int file, const char *path, char *name, size_t size)
{
    char link[32];
    char resolved[PATH_MAX];
    struct tn_aside aside = tn_aside_begin();
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, name, size);
    bool is = false;
    if (length > 0 && (size_t)length < size && name[0] == '/') {
        name[length] = 0;
        tn_file_is_at(file, name, &is);
    }
    if (!is) {
        const char *found = realpath(path, resolved) != NULL ? resolved : path;
        size_t bytes = strlen(found) + 1;
        if (bytes > size) {
            tn_aside_end(aside);
            return ENAMETOOLONG;
        }
        memcpy(name, found, bytes);
    }
    tn_aside_end(aside);
    return 0;
}

void
tn_file_liken(int file, const struct tn_file_facts *facts)
{
    struct tn_aside aside = tn_aside_begin();
    struct stat status;
    if (fstat(file, &status) == 0) {
        mode_t mode = (mode_t)facts->mode;
        bool same = status.st_uid == facts->owner && status.st_gid == facts->group;
        if (!same && fchown(file, facts->owner, facts->group) != 0 &&
            status.st_gid != facts->group && fchown(file, (uid_t)-1, facts->group) != 0) {
            mode &= ~(mode_t)S_IRWXG;
        }
        if ((status.st_mode & 0777) != mode) {
            (void)fchmod(file, mode);
        }
    }
    tn_aside_end(aside);
}

int
tn_file_read(int file, void *buffer, size_t size, uint64_t at, size_t *got)
{
    struct tn_aside aside = tn_aside_begin();
    *got = 0;
    while (*got < size) {
        ssize_t n = pread(file, (char *)buffer + *got, size - *got, (off_t)(at + *got));
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return outcome(n, aside);
        }
        if (n == 0) {
            break;
        }
        *got += (size_t)n;
    }
    tn_aside_end(aside);
    return 0;
}

int
tn_file_write_parts(int file, const struct iovec *parts, unsigned count, uint64_t at)
{
    struct tn_aside aside = tn_aside_begin();
    struct iovec rest[PARTS_MOST];
    memcpy(rest, parts, count * sizeof *parts);
    struct iovec *next = rest;
    while (count > 0) {
        ssize_t n = pwritev(file, next, (int)count, (off_t)at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return outcome(n, aside);
        }
        at += (uint64_t)n;
        size_t done = (size_t)n;
        while (count > 0 && done >= next->iov_len) {
            done -= next->iov_len;
            next++;
            count--;
        }
        if (count > 0) {
            next->iov_base = (char *)next->iov_base + done;
            next->iov_len -= done;
        }
    }
    tn_aside_end(aside);
    return 0;
}

int
tn_file_write(int file, const void *data, size_t size, uint64_t at)
{
    struct iovec part = {(void *)(uintptr_t)data, size};
    return tn_file_write_parts(file, &part, 1, at);
}

int
tn_file_sync(int file)
{
    struct tn_aside aside = tn_aside_begin();
    return outcome(fdatasync(file), aside);
}

void
tn_file_begin_sync(int file, uint64_t at, uint64_t size)
{
    struct tn_aside aside = tn_aside_begin();
    (void)sync_file_range(file, (off_t)at, (off_t)size, SYNC_FILE_RANGE_WRITE);
    tn_aside_end(aside);
}

int
tn_file_sync_folder(const char *path)
{
    char folder[4096];
    const char *slash = strrchr(path, '/');
    size_t length = slash != NULL ? (size_t)(slash - path) : 0;
    if (length >= sizeof folder) {
        return ENAMETOOLONG;
    }
    memcpy(folder, path, length);
    folder[length] = 0;
    const char *name = slash == NULL ? "." : length == 0 ? "/" : folder;
    int file;
    int failed = tn_file_open(name, TN_FILE_READ, 0, &file);
    if (failed == 0) {
        struct tn_aside aside = tn_aside_begin();
        failed = outcome(fsync(file), aside);
        tn_file_close(file);
    }
    return failed;
}

int
tn_file_resize(int file, uint64_t size)
{
    struct tn_aside aside = tn_aside_begin();
    long result;
    do {
        result = ftruncate(file, (off_t)size);
    } while (result < 0 && errno == EINTR);
    return outcome(result, aside);
}

int
tn_file_reserve(int file, uint64_t at, uint64_t size)
{
    struct tn_aside aside = tn_aside_begin();
    long result;
    do {
        result = fallocate(file, 0, (off_t)at, (off_t)size);
    } while (result < 0 && errno == EINTR);
    return outcome(result, aside);
}

int
tn_file_punch(int file, uint64_t at, uint64_t size)
{
    struct tn_aside aside = tn_aside_begin();
    long result;
    do {
        result =
            fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)size);
    } while (result < 0 && errno == EINTR);
    return outcome(result, aside);
}

int
tn_file_remove(const char *path)
{
    struct tn_aside aside = tn_aside_begin();
    return outcome(unlink(path), aside);
}

int
tn_file_rename_new(const char *from, const char *to)
{
    struct tn_aside aside = tn_aside_begin();
    long result = syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE);
    if (result < 0 && (errno == EINVAL || errno == ENOSYS)) { /* where there is no such call */
        result = link(from, to);
        if (result == 0) {
            unlink(from);
        }
    }
    return outcome(result, aside);
}

/* From where the file stands: a pipe has no other place. */
static int
write_all(int file, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(file, data, size);
        if (n < 0 && errno != EINTR) {
            return errno;
        }
        data += n > 0 ? n : 0;
        size -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

static int
write_in_place(const char *path, const void *data, size_t size, unsigned mode)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, (mode_t)mode);
    if (file < 0) {
        return errno;
    }
    int failed = write_all(file, data, size);
    return close(file) != 0 && failed == 0 ? errno : failed;
}

int
tn_file_replace(const char *path, const void *data, size_t size, unsigned mode)
{
    struct tn_aside aside = tn_aside_begin();
    char beside[PATH_MAX];
    struct stat status;
    bool there = lstat(path, &status) == 0;
    int length = snprintf(beside, sizeof beside, "%s-%jx", path, (uintmax_t)tn_os_random());
    int file = -1;
    if ((!there || S_ISREG(status.st_mode)) && length > 0 && (size_t)length < sizeof beside) {
        file = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, (mode_t)mode);
    }
    int failed = 0;
    if (file < 0) {
        failed = write_in_place(path, data, size, mode);
    } else {
        if (there) {
            struct tn_file_facts facts = {
                .mode = status.st_mode & 0777, .owner = status.st_uid, .group = status.st_gid};
            tn_file_liken(file, &facts);
        }
        failed = write_all(file, data, size);
        if ((close(file) != 0 || (failed == 0 && rename(beside, path) != 0)) && failed == 0) {
            failed = errno;
        }
        if (failed != 0) {
            unlink(beside);
        }
    }
    tn_aside_end(aside);
    return failed;
}

int
tn_file_next_data(int file, uint64_t *start, uint64_t *end)
{
    struct tn_aside aside = tn_aside_begin();
    off_t data = lseek(file, (off_t)*start, SEEK_DATA);
    off_t hole = data >= 0 ? lseek(file, data, SEEK_HOLE) : -1;
    int failed = outcome(hole, aside);
    *start = (uint64_t)data;
    *end = (uint64_t)hole;
    return failed;
}

int
tn_file_clone(int from, int to)
{
    struct tn_aside aside = tn_aside_begin();
    return outcome(ioctl(to, FICLONE, from), aside);
}

int
tn_file_lock(int file, uint64_t at, enum tn_file_lock kind, bool wait)
{
    struct tn_aside aside = tn_aside_begin();
    static const short types[] = {F_UNLCK, F_RDLCK, F_WRLCK};
    struct flock lock = {
        .l_type = types[kind], .l_whence = SEEK_SET, .l_start = (off_t)at, .l_len = 1};
    long result;
    do {
        result = fcntl(file, wait ? F_OFD_SETLKW : F_OFD_SETLK, &lock);
    } while (result < 0 && errno == EINTR);
    int failed = outcome(result, aside);
    return failed == EACCES ? EAGAIN : failed;
}

int
tn_map_reserve(void *start, size_t size, char **got)
{
    struct tn_aside aside = tn_aside_begin();
    int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    flags |= start != NULL ? MAP_FIXED_NOREPLACE : 0;
    char *place = mmap(start, size, PROT_NONE, flags, -1, 0);
    if (place == MAP_FAILED) {
        return outcome(-1, aside);
    }
    if (start != NULL && place != start) { /* a kernel that takes the address as a hint */
        munmap(place, size);
        tn_aside_end(aside);
        return EEXIST;
    }
    *got = place;
    tn_aside_end(aside);
    return 0;
}

int
tn_map_file(void *start, size_t size, int file, uint64_t at, enum tn_map_how how)
{
    struct tn_aside aside = tn_aside_begin();
    int access = how & TN_MAP_READ ? PROT_READ : PROT_READ | PROT_WRITE;
    int flags = MAP_FIXED | MAP_NORESERVE | (how & TN_MAP_SHARED ? MAP_SHARED : MAP_PRIVATE);
    return outcome(mmap(start, size, access, flags, file, (off_t)at) == MAP_FAILED ? -1 : 0, aside);
}

int
tn_map_zero(void *start, size_t size)
{
    struct tn_aside aside = tn_aside_begin();
    int flags = MAP_FIXED | MAP_NORESERVE | MAP_PRIVATE | MAP_ANONYMOUS;
    void *place = mmap(start, size, PROT_READ | PROT_WRITE, flags, -1, 0);
    return outcome(place == MAP_FAILED ? -1 : 0, aside);
}

int
tn_map_protect(void *start, size_t size, bool write)
{
    struct tn_aside aside = tn_aside_begin();
    return outcome(mprotect(start, size, write ? PROT_READ | PROT_WRITE : PROT_READ), aside);
}

int
tn_map_sync(void *start, size_t size)
{
    struct tn_aside aside = tn_aside_begin();
    return outcome(msync(start, size, MS_SYNC), aside);
}

int
tn_map_small_pages(void *start, size_t size)
{
    struct tn_aside aside = tn_aside_begin();
    return outcome(madvise(start, size, MADV_NOHUGEPAGE), aside);
}

void
tn_map_what_is_there(char *start, size_t size)
{
    int saved = errno;
    unsigned char there[1024];
    size_t page = tn_os_page_size();
    size_t step = sizeof there * page;
    for (size_t at = 0; at < size; at += step) {
        size_t count = ((size - at < step ? size - at : step) + page - 1) / page;
        if (mincore(start + at, count * page, there) != 0) {
            break;
        }
        for (size_t i = 0, end; i < count; i = end + 1) {
            for (end = i; end < count && (there[end] & 1) != 0; end++) {
            }
            if (end > i) {
                madvise(start + at + i * page, (end - i) * page, MADV_POPULATE_READ);
            }
        }
    }
    errno = saved;
}

size_t
tn_map_resident(const void *start, size_t size)
{
    struct tn_aside aside = tn_aside_begin();
    unsigned char in_memory[4096];
    size_t page = tn_os_page_size();
    size_t step = sizeof in_memory * page;
    size_t bytes = 0;
    for (size_t at = 0; at < size; at += step) {
        size_t part = size - at < step ? size - at : step;
        if (mincore((void *)((uintptr_t)start + at), part, in_memory) != 0) {
            break;
        }
        for (size_t i = 0; i < (part + page - 1) / page; i++) {
            bytes += in_memory[i] & 1 ? page : 0;
        }
    }
    tn_aside_end(aside);
    return bytes;
}

unsigned
tn_process_id(void)
{
    return (unsigned)getpid();
}

bool
tn_boot_id(uint64_t id[2])
{
    char text[36];
    size_t got = 0;
    int file;
    id[0] = 0;
    id[1] = 0;
    if (tn_file_open("/proc/sys/kernel/random/boot_id", TN_FILE_READ, 0, &file) != 0) {
        return false;
    }
    int failed = tn_file_read(file, text, sizeof text, 0, &got);
    tn_file_close(file);
    for (size_t i = 0; i < got && failed == 0; i++) {
        bool digit = text[i] >= '0' && text[i] <= '9';
        bool letter = text[i] >= 'a' && text[i] <= 'f';
        unsigned value = (unsigned)(digit ? text[i] - '0' : letter ? text[i] - 'a' + 10 : 0);
        if (digit || letter) {
            uint64_t *word = &id[i / 18];
            *word = *word << 4 | value;
        }
    }
    return failed == 0 && (id[0] | id[1]) != 0;
}
