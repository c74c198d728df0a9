#define _GNU_SOURCE
#include "base/bits.h"
#include "base/error_code.h"
#include "base/text.h"
#include "os/aside.h"
#include "os/file.h"
#include "os/os.h"
#include "os/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <time.h>
#include <unistd.h>

#ifndef MADV_POPULATE_WRITE
#    define MADV_POPULATE_WRITE 23 /* Linux 5.14 */
#endif
#ifndef MADV_WIPEONFORK
#    define MADV_WIPEONFORK 18 /* Linux 4.14 */
#endif
#ifndef MREMAP_DONTUNMAP
#    define MREMAP_DONTUNMAP 4 /* Linux 5.7 */
#endif

#define CODE_ROOM  16  /* for " [T101]" and the end of a line */
#define KEPT_LEAST 240 /* descriptors a program is likely to use lie below */

size_t
tn_os_page_size(void)
{
    return getauxval(AT_PAGESZ);
}

void *
tn_os_reserve(size_t size, size_t align)
{
    int saved = errno;
    size_t page = tn_os_page_size();
    size_t slack = align > page ? align - page : 0;
    char *start = NULL;
    if (size + slack >= size) {
        start =
            mmap(NULL, size + slack, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (start == MAP_FAILED) {
            start = NULL;
        }
    }
    if (start != NULL && slack != 0) {
        char *aligned = (char *)tn_align_up((uintptr_t)start, align);
        size_t before = (size_t)(aligned - start);
        if (before != 0) {
            munmap(start, before);
        }
        if (before != slack) {
            munmap(aligned + size, slack - before);
        }
        start = aligned;
    }
    errno = saved;
    return start;
}

void
tn_os_release(void *start, size_t size)
{
    int saved = errno;
    munmap(start, size);
    errno = saved;
}

/* What is asked for may end within a page where pages are larger than 4 KiB. Access is given to all
 * pages that have a part of it, and restricted, and memory taken back, only of those that lie in it
 * as a whole. */
static char *
page_up(const void *p)
{
    return (char *)tn_align_up((uintptr_t)p, tn_os_page_size());
}

static char *
page_down(const void *p)
{
    return (char *)tn_align_down((uintptr_t)p, tn_os_page_size());
}

static bool
restrict_access(char *start, size_t size, int access)
{
    char *from = page_up(start);
    char *to = page_down(start + size);
    return from >= to || mprotect(from, (size_t)(to - from), access) == 0;
}

bool
tn_os_commit(void *start, size_t size)
{
    int saved = errno;
    char *from = page_down(start);
    char *to = page_up((char *)start + size);
    bool done = mprotect(from, (size_t)(to - from), PROT_READ | PROT_WRITE) == 0;
    TN_PROBE2(tarn, commit, start, size);
    errno = saved;
    return done;
}

bool
tn_os_show(void *start, size_t size)
{
    int saved = errno;
    bool done = restrict_access(start, size, PROT_READ);
    errno = saved;
    return done;
}

bool
tn_os_forbid(void *start, size_t size)
{
    int saved = errno;
    bool done = restrict_access(start, size, PROT_NONE);
    errno = saved;
    return done;
}

static _Atomic size_t purged;

size_t
tn_os_purged(void)
{
    return atomic_load_explicit(&purged, memory_order_relaxed);
}

bool
tn_os_purge(void *start, size_t size)
{
    int saved = errno;
    bool whole = page_up(start) == start && page_down((char *)start + size) == (char *)start + size;
    bool done = whole && madvise(start, size, MADV_DONTNEED) == 0;
    TN_PROBE2(tarn, purge, start, size);
    atomic_fetch_add_explicit(&purged, done ? size : 0, memory_order_relaxed);
    errno = saved;
    return done;
}

void
tn_os_populate(void *start, size_t size)
{
    int saved = errno;
    madvise(start, size, MADV_POPULATE_WRITE);
    errno = saved;
}

void
tn_os_huge_pages(void *start, size_t size, bool want)
{
    int saved = errno;
    madvise(start, size, want ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    errno = saved;
}

bool
tn_os_wipe_on_fork(void *start, size_t size)
{
    int saved = errno;
    bool done = madvise(start, size, MADV_WIPEONFORK) == 0;
    errno = saved;
    return done;
}

static bool
map_anew(void *start, size_t size)
{
    return mmap(start, size, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) == start;
}

bool
tn_os_move(void *from, void *to, size_t size)
{
    int saved = errno;
    bool done =
        mremap(from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, to) == to;
    if (!done) { /* some kernels unmap the target before they look at the source */
        map_anew(to, size);
    }
    errno = saved;
    return done;
}

bool
tn_os_renew(void *start, size_t size)
{
    int saved = errno;
    bool done = map_anew(start, size);
    TN_PROBE2(tarn, purge, start, size);
    atomic_fetch_add_explicit(&purged, done ? size : 0, memory_order_relaxed);
    errno = saved;
    return done;
}

size_t
tn_os_address_limit(void)
{
    int saved = errno;
    struct rlimit limit;
    size_t bytes = SIZE_MAX;
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
        bytes = (size_t)limit.rlim_cur;
    }
    errno = saved;
    return bytes;
}

/* Asked once: a sandbox that the program enters later may end it at the question. */
size_t
tn_os_memory(void)
{
    static _Atomic size_t known;
    size_t bytes = atomic_load_explicit(&known, memory_order_relaxed);
    if (bytes != 0) {
        return bytes;
    }
    int saved = errno;
    struct sysinfo info;
    bytes = TN_GIB;
    if (sysinfo(&info) == 0) {
        bytes = tn_max((size_t)info.totalram * info.mem_unit, 1);
    }
    errno = saved;
    atomic_store_explicit(&known, bytes, memory_order_relaxed);
    return bytes;
}

bool
tn_os_beyond_memory(size_t size)
{
    if (size <= tn_os_memory()) {
        return false;
    }
    int saved = errno;
    struct sysinfo info;
    bool beyond = sysinfo(&info) == 0 &&
                  size / info.mem_unit > (size_t)info.totalram + (size_t)info.totalswap;
    int file;
    if (beyond && tn_file_open("/proc/sys/vm/overcommit_memory", TN_FILE_READ, 0, &file) == 0) {
        char mode = 0;
        size_t got;
        (void)tn_file_read(file, &mode, 1, 0, &got);
        tn_file_close(file);
        beyond = mode != '1';
    }
    errno = saved;
    return beyond;
}

uint64_t
tn_os_random(void)
{
    struct tn_aside aside = tn_aside_begin();
    uint64_t number;
    if (getrandom(&number, sizeof number, GRND_NONBLOCK) != (ssize_t)sizeof number) {
        struct timespec now;
        clock_gettime(CLOCK_MONOTONIC, &now);
        const uint64_t *auxiliary = (const uint64_t *)getauxval(AT_RANDOM);
        number =
            tn_mix((uint64_t)now.tv_nsec) ^ (auxiliary != NULL ? *auxiliary : 0) ^ (uintptr_t)&now;
    }
    tn_aside_end(aside);
    return number;
}

uint64_t
tn_os_milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* The start of a file of the system's, as a text; empty where it cannot be read. */
static void
read_text(const char *name, char *text, size_t size)
{
    ssize_t length = 0;
    struct tn_aside aside = tn_aside_begin();
    int file = open(name, O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        length = read(file, text, size - 1);
        close(file);
    }
    tn_aside_end(aside);
    text[length > 0 ? length : 0] = 0;
}

static size_t
number_at(const char *text)
{
    size_t n = 0;
    for (; *text >= '0' && *text <= '9'; text++) {
        n = n * 10 + (size_t)(*text - '0');
    }
    return n;
}

/* Word i of a text, counting from 0. */
static const char *
word_at(const char *text, unsigned i)
{
    while (*text != 0 && i > 0) {
        i -= *text++ == ' ';
    }
    return text;
}

/* By files, not by getrusage: a process that has shut itself in may still read. */
void
tn_os_usage(struct tn_os_usage *usage)
{
    int saved = errno;
    char text[4096];
    read_text("/proc/self/stat", text, sizeof text);
    const char *name_end = strrchr(text, ')');
    const char *from_state = name_end != NULL ? word_at(name_end, 1) : text;
    usage->faults = number_at(word_at(from_state, 7));
    usage->faults_read = number_at(word_at(from_state, 9));
    usage->resident = number_at(word_at(from_state, 21)) * tn_os_page_size();
    read_text("/proc/self/status", text, sizeof text);
    const char *most = strstr(text, "VmHWM:");
    usage->resident_most = 0;
    if (most != NULL) {
        most += strcspn(most, "0123456789");
        usage->resident_most = number_at(most) * TN_KIB;
    }
    errno = saved;
}

uint64_t
tn_os_nanoseconds(void)
{
    struct timespec now = {0, 0};
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void
tn_os_program(char *path, size_t size)
{
    int saved = errno;
    ssize_t length = readlink("/proc/self/exe", path, size - 1);
    path[length > 0 ? length : 0] = 0;
    errno = saved;
}

uint64_t
tn_os_cpu_milliseconds(void)
{
    struct timespec used = {0, 0};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000 + (uint64_t)used.tv_nsec / 1000000;
}

unsigned
tn_os_process(void)
{
    return (unsigned)getpid();
}

static int kept_stderr = STDERR_FILENO;

void
tn_os_keep_stderr(void)
{
    int saved = errno;
    int copy = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, KEPT_LEAST);
    if (copy < 0) {
        copy = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
    }
    kept_stderr = copy; /* -1: there is none, and what has its number later is not ours */
    errno = saved;
}

static void
print_to(int file, const char *text, size_t length)
{
    struct tn_aside aside = tn_aside_begin();
    while (length > 0) {
        ssize_t written = write(file, text, length);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            break;
        }
        text += written;
        length -= (size_t)written;
    }
    tn_aside_end(aside);
}

void
tn_os_print(const char *text, size_t length)
{
    print_to(STDERR_FILENO, text, length);
}

void
tn_os_print_last(const char *text, size_t length)
{
    print_to(kept_stderr, text, length);
}

void
tn_os_die(const char *format, ...)
{
    char line[512 + CODE_ROOM];
    size_t length = tn_text(line, sizeof line - CODE_ROOM, "tarn: ");
    va_list arguments;
    va_start(arguments, format);
    length += tn_text_list(line + length, sizeof line - CODE_ROOM - length, format, arguments);
    va_end(arguments);
    const char *code = tn_error_code(line);
    if (code != NULL) {
        length += tn_text(line + length, CODE_ROOM - 1, " [%s]", code);
    }
    line[length++] = '\n';
    tn_os_print(line, length);
    abort();
}
