#include "calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define EVENTS_MOST 100000

static enum calls_fault fault;
static unsigned long target;
static unsigned long count;
static int fault_error;
static bool other_boot;
static struct calls_event *events;
static size_t event_count;

void
calls_inject(enum calls_fault kind, unsigned long n, int error)
{
    fault = kind;
    target = n;
    fault_error = error;
    count = 0;
}

void
calls_start_anew(void)
{
    other_boot = true;
}

unsigned long
calls_count(void)
{
    return count;
}

void
calls_record(void)
{
    events = mmap(NULL, EVENTS_MOST * sizeof *events, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

const struct calls_event *
calls_events(size_t *number)
{
    *number = event_count;
    return events;
}

bool
calls_have(enum calls_kind kind)
{
    size_t i = 0;
    while (i < event_count && events[i].kind != kind) {
        i++;
    }
    return i < event_count;
}

int __real_fstat(int fd, struct stat *status);

static struct calls_event *
note(enum calls_kind kind, int fd)
{
    if (events == NULL || event_count == EVENTS_MOST) {
        return NULL;
    }
    struct calls_event *event = &events[event_count++];
    event->kind = kind;
    struct stat status;
    if (fd >= 0 && __real_fstat(fd, &status) == 0) {
        event->file = status.st_ino;
        if (S_ISDIR(status.st_mode)) {
            event->kind = CALLS_SYNC_FOLDER;
        }
    }
    return event;
}

void
calls_mark(uint64_t at, uint64_t size)
{
    struct calls_event *event = note(CALLS_MARK, -1);
    event->at = at;
    event->size = size;
}

/* True: the call fails, errno set. */
static bool
due(void)
{
    if (fault == CALLS_NONE) {
        return false;
    }
    unsigned long n = __atomic_add_fetch(&count, 1, __ATOMIC_RELAXED);
    if (n < target || (n > target && fault != CALLS_ON)) {
        return false;
    }
    if (fault == CALLS_DIE) {
        _exit(9);
    }
    if (fault == CALLS_DIE_AFTER || fault == CALLS_SHORT) {
        return false;
    }
    errno = fault_error;
    return true;
}

/* After a call that was let through. */
static void
done(void)
{
    if (fault == CALLS_DIE_AFTER && count == target) {
        _exit(9);
    }
}

#define WRAP(type, name, parameters, arguments)                                                    \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;                                                                 \
    type __wrap_##name parameters                                                                  \
    {                                                                                              \
        if (due()) {                                                                               \
            return (type)-1;                                                                       \
        }                                                                                          \
        type result = __real_##name arguments;                                                     \
        done();                                                                                    \
        return result;                                                                             \
    }

WRAP(ssize_t, pread, (int fd, void *data, size_t size, off_t at), (fd, data, size, at))
WRAP(void *, mmap, (void *at, size_t size, int access, int how, int fd, off_t from),
     (at, size, access, how, fd, from))
WRAP(int, mprotect, (void *at, size_t size, int access), (at, size, access))
WRAP(int, madvise, (void *at, size_t size, int advice), (at, size, advice))
WRAP(int, fstat, (int fd, struct stat *status), (fd, status))

#define PROTOTYPE(type, name, parameters)                                                          \
    type __real_##name parameters;                                                                 \
    type __wrap_##name parameters;

PROTOTYPE(int, open, (const char *path, int flags, ...))
PROTOTYPE(ssize_t, pwritev, (int fd, const struct iovec *parts, int number, off_t at))
PROTOTYPE(int, fdatasync, (int fd))
PROTOTYPE(int, fsync, (int fd))
PROTOTYPE(int, ftruncate, (int fd, off_t size))
PROTOTYPE(int, fallocate, (int fd, int how, off_t at, off_t size))
PROTOTYPE(int, msync, (void *at, size_t size, int how))
PROTOTYPE(int, unlink, (const char *path))
PROTOTYPE(int, ioctl, (int fd, unsigned long request, ...))
PROTOTYPE(int, fcntl, (int fd, int command, ...))
PROTOTYPE(long, syscall, (long number, ...))

static void
set_name(struct calls_event *event, const char *path)
{
    const char *slash = strrchr(path, '/');
    strncpy(event->name, slash != NULL ? slash + 1 : path, sizeof event->name - 1);
}

int
__wrap_open(const char *path, int flags, ...)
{
    va_list list;
    va_start(list, flags);
    mode_t mode = (flags & O_CREAT) != 0 ? va_arg(list, mode_t) : 0;
    va_end(list);
    if (other_boot && strcmp(path, "/proc/sys/kernel/random/boot_id") == 0) {
        errno = ENOENT;
        return -1;
    }
    if (due()) {
        return -1;
    }
    struct stat status;
    bool fresh = (flags & O_CREAT) != 0 && stat(path, &status) != 0;
    int fd = __real_open(path, flags, mode);
    if (fd >= 0 && fresh) {
        struct calls_event *event = note(CALLS_CREATE, fd);
        if (event != NULL) {
            set_name(event, path);
        }
    }
    done();
    return fd;
}

static void
note_write(int fd, const struct iovec *parts, int number, off_t at, ssize_t written)
{
    struct calls_event *event = written > 0 ? note(CALLS_WRITE, fd) : NULL;
    if (event == NULL) {
        return;
    }
    event->at = (uint64_t)at;
    event->size = (uint64_t)written;
    event->data =
        __real_mmap(NULL, event->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    size_t copied = 0;
    for (int i = 0; i < number && copied < event->size; i++) {
        size_t part = event->size - copied;
        part = part < parts[i].iov_len ? part : parts[i].iov_len;
        memcpy(event->data + copied, parts[i].iov_base, part);
        copied += part;
    }
}

ssize_t
__wrap_pwritev(int fd, const struct iovec *parts, int number, off_t at)
{
    static bool failing;
    if (failing) {
        failing = false;
        errno = fault_error;
        return -1;
    }
    if (due()) {
        return -1;
    }
    if (fault == CALLS_SHORT && count == target) {
        size_t total = 0;
        for (int i = 0; i < number; i++) {
            total += parts[i].iov_len;
        }
        struct iovec half = {parts[0].iov_base,
                             parts[0].iov_len < total / 2 ? parts[0].iov_len : (total + 1) / 2};
        failing = true;
        ssize_t part = __real_pwritev(fd, &half, 1, at);
        note_write(fd, &half, 1, at, part);
        return part;
    }
    ssize_t result = __real_pwritev(fd, parts, number, at);
    note_write(fd, parts, number, at, result);
    done();
    return result;
}

int
__wrap_fdatasync(int fd)
{
    if (due()) {
        int error = errno;
        note(CALLS_SYNC_FAILED, fd);
        errno = error;
        return -1;
    }
    int result = __real_fdatasync(fd);
    struct calls_event *event = note(CALLS_SYNC, fd);
    if (event != NULL) {
        event->at = count;
    }
    done();
    return result;
}

int
__wrap_fsync(int fd)
{
    if (due()) {
        return -1;
    }
    int result = __real_fsync(fd);
    note(CALLS_SYNC, fd);
    done();
    return result;
}

int
__wrap_msync(void *at, size_t size, int how)
{
    if (due()) {
        int error = errno;
        note(CALLS_SYNC_FAILED, -1);
        errno = error;
        return -1;
    }
    int result = __real_msync(at, size, how);
    note(CALLS_SYNC_MEMORY, -1);
    done();
    return result;
}

int
__wrap_ftruncate(int fd, off_t size)
{
    if (due()) {
        return -1;
    }
    int result = __real_ftruncate(fd, size);
    struct calls_event *event = note(CALLS_RESIZE, fd);
    if (event != NULL) {
        event->size = (uint64_t)size;
    }
    done();
    return result;
}

int
__wrap_fallocate(int fd, int how, off_t at, off_t size)
{
    if (due()) {
        return -1;
    }
    int result = __real_fallocate(fd, how, at, size);
    struct calls_event *event =
        result == 0 ? note((how & FALLOC_FL_PUNCH_HOLE) != 0 ? CALLS_PUNCH : CALLS_RESERVE, fd)
                    : NULL;
    if (event != NULL) {
        event->at = (uint64_t)at;
        event->size = (uint64_t)size;
    }
    done();
    return result;
}

int
__wrap_unlink(const char *path)
{
    if (due()) {
        return -1;
    }
    int result = __real_unlink(path);
    struct calls_event *event = result == 0 ? note(CALLS_REMOVE, -1) : NULL;
    if (event != NULL) {
        set_name(event, path);
    }
    done();
    return result;
}

int
__wrap_ioctl(int fd, unsigned long request, ...)
{
    va_list list;
    va_start(list, request);
    void *argument = va_arg(list, void *);
    va_end(list);
    if (due()) {
        return -1;
    }
    int result = __real_ioctl(fd, request, argument);
    done();
    return result;
}

int
__wrap_fcntl(int fd, int command, ...)
{
    va_list list;
    va_start(list, command);
    void *argument = va_arg(list, void *);
    va_end(list);
    if (due()) {
        return -1;
    }
    int result = __real_fcntl(fd, command, argument);
    done();
    return result;
}

/* A futex that fails would be a broken machine, not a fault to survive. */
long
__wrap_syscall(long number, ...)
{
    va_list list;
    long a[6];
    va_start(list, number);
    for (unsigned i = 0; i < 6; i++) {
        a[i] = va_arg(list, long);
    }
    va_end(list);
    if ((number == SYS_userfaultfd || number == SYS_perf_event_open) && due()) {
        return -1;
    }
    return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
