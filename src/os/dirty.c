#define _GNU_SOURCE
#include "os/dirty.h"

#include "os/file.h"
#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The kernel's words, which headers before Linux 6.7 do not have. Names are ours. */
#define WATCH_API       0xAAu
#define WATCH_USER_ONLY 1
#define WATCH_ASYNC     ((uint64_t)1 << 15)
#define REGISTER_WP     ((uint64_t)1 << 1)
#define SCAN_PROTECT    ((uint64_t)1 << 0)
#define PAGE_WRITTEN    ((uint64_t)1 << 1)
#define PAGE_FILE       ((uint64_t)1 << 2)
#define PAGE_PRESENT    ((uint64_t)1 << 3)
#define PAGE_SWAPPED    ((uint64_t)1 << 4)
#define PAGE_ZERO       ((uint64_t)1 << 5)
#define MAP_PRESENT     ((uint64_t)1 << 63)
#define MAP_SWAPPED     ((uint64_t)1 << 62)
#define MAP_FILE        ((uint64_t)1 << 61)
#define REGIONS         512
#define MAP_WORDS       512

struct watch_api {
    uint64_t api;
    uint64_t features;
    uint64_t ioctls;
};

struct watch_register {
    uint64_t start;
    uint64_t size;
    uint64_t mode;
    uint64_t ioctls;
};

struct region {
    uint64_t start;
    uint64_t end;
    uint64_t categories;
};

struct scan {
    uint64_t size;
    uint64_t flags;
    uint64_t start;
    uint64_t end;
    uint64_t walk_end;
    uint64_t regions;
    uint64_t region_count;
    uint64_t pages_most;
    uint64_t inverted;
    uint64_t mask;
    uint64_t any;
    uint64_t wanted;
};

#define IOCTL_API      _IOWR(WATCH_API, 0x3F, struct watch_api)
#define IOCTL_REGISTER _IOWR(WATCH_API, 0x00, struct watch_register)
#define IOCTL_SCAN     _IOWR('f', 16, struct scan)

/* ioctl takes an int, but for glibc's. */
#ifdef __GLIBC__
#    define REQUEST(number) (number)
#else
#    define REQUEST(number) ((int)(number))
#endif

static int
call(int file, unsigned long request, void *argument)
{
    int saved = errno;
    int result;
    do {
        result = ioctl(file, REQUEST(request), argument);
    } while (result < 0 && errno == EINTR);
    int failed = result < 0 ? errno : 0;
    errno = saved;
    return failed;
}

static int
open_watch(struct tn_dirty *dirty)
{
    int saved = errno;
    long file = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK | WATCH_USER_ONLY);
    int failed = file < 0 ? errno : 0;
    errno = saved;
    if (failed != 0) {
        return failed;
    }
    struct watch_api api = {.api = WATCH_API, .features = WATCH_ASYNC};
    struct scan nothing = {.size = sizeof nothing};
    failed = call((int)file, IOCTL_API, &api);
    if (failed == 0) {
        failed = call(dirty->page_map, IOCTL_SCAN, &nothing);
    }
    if (failed != 0) {
        tn_file_close((int)file);
        return failed;
    }
    dirty->watch = (int)file;
    dirty->kind = TN_DIRTY_WATCH;
    return 0;
}

int
tn_dirty_open(struct tn_dirty *dirty, enum tn_dirty_kind wanted)
{
    dirty->kind = TN_DIRTY_NONE;
    dirty->watch = -1;
    int failed = tn_file_open("/proc/self/pagemap", TN_FILE_READ, 0, &dirty->page_map);
    if (failed != 0) {
        return failed;
    }
    if (wanted == TN_DIRTY_PAGE_MAP || open_watch(dirty) != 0) {
        dirty->kind = TN_DIRTY_PAGE_MAP;
    }
    return 0;
}

void
tn_dirty_close(struct tn_dirty *dirty)
{
    if (dirty->kind != TN_DIRTY_NONE) {
        tn_file_close(dirty->watch);
        tn_file_close(dirty->page_map);
    }
    dirty->kind = TN_DIRTY_NONE;
}

int
tn_dirty_watch(struct tn_dirty *dirty, void *start, size_t size)
{
    if (dirty->kind != TN_DIRTY_WATCH) {
        return 0;
    }
    struct watch_register range = {(uintptr_t)start, size, REGISTER_WP, 0};
    return call(dirty->watch, IOCTL_REGISTER, &range);
}

/* One step of a scan: fills regions from scan->start on. Returns how many, or -errno. */
static int
step(struct tn_dirty *dirty, struct scan *scan)
{
    int saved = errno;
    int count;
    do {
        count = ioctl(dirty->page_map, REQUEST(IOCTL_SCAN), scan);
    } while (count < 0 && errno == EINTR);
    count = count < 0 ? -errno : count;
    errno = saved;
    scan->start = scan->walk_end;
    return count;
}

/* The kernel allocates room for as many as it is asked for, with each call. */
static uint64_t
regions_for(const struct scan *scan)
{
    uint64_t pages = (scan->end - scan->start) / tn_os_page_size();
    return pages < REGIONS ? pages : REGIONS;
}

/* Reports what a scan matches, region by region. */
static int
scan_all(struct tn_dirty *dirty, struct scan *scan,
         void (*found)(void *context, char *start, size_t size), void *context)
{
    struct region regions[REGIONS];
    scan->size = sizeof *scan;
    scan->regions = (uintptr_t)regions;
    scan->region_count = regions_for(scan);
    scan->wanted = PAGE_WRITTEN;
    while (scan->start < scan->end) {
        int count = step(dirty, scan);
        if (count < 0) {
            return -count;
        }
        size_t pages = 0;
        for (int i = 0; i < count; i++) {
            size_t size = (size_t)(regions[i].end - regions[i].start);
            pages += size / tn_os_page_size();
            found(context, (char *)(uintptr_t)regions[i].start, size);
        }
        if (scan->pages_most != 0 && pages >= scan->pages_most) {
            return 0;
        }
        scan->pages_most -= scan->pages_most != 0 ? pages : 0;
    }
    return 0;
}

/* The kernel is fast when asked for nothing but what is not protected: then it looks at its page
 * tables alone. */
static int
collect_watched(struct tn_dirty *dirty, char *start, size_t size, size_t most, bool protect,
                void (*found)(void *context, char *start, size_t size), void *context)
{
    struct scan scan = {
        .flags = protect ? SCAN_PROTECT : 0,
        .start = (uintptr_t)start,
        .end = (uintptr_t)start + size,
        .pages_most = most == SIZE_MAX ? 0 : most,
        .mask = PAGE_WRITTEN,
    };
    return scan_all(dirty, &scan, found, context);
}

int
tn_dirty_protect(struct tn_dirty *dirty, char *start, size_t size)
{
    struct scan scan = {
        .size = sizeof scan,
        .flags = SCAN_PROTECT,
        .start = (uintptr_t)start,
        .end = (uintptr_t)start + size,
        .mask = PAGE_WRITTEN,
        .wanted = PAGE_WRITTEN,
    };
    int failed = 0;
    while (failed >= 0 && scan.start < scan.end) {
        failed = step(dirty, &scan);
    }
    return failed < 0 ? -failed : 0;
}

int
tn_dirty_private(struct tn_dirty *dirty, char *start, size_t size,
                 void (*found)(void *context, char *start, size_t size), void *context)
{
    struct scan scan = {
        .start = (uintptr_t)start,
        .end = (uintptr_t)start + size,
        .inverted = PAGE_FILE | PAGE_ZERO,
        .mask = PAGE_FILE | PAGE_ZERO,
        .any = PAGE_PRESENT | PAGE_SWAPPED,
    };
    return scan_all(dirty, &scan, found, context);
}

uint64_t
tn_dirty_faults(void)
{
    struct rusage usage;
    int saved = errno;
    bool known = getrusage(RUSAGE_SELF, &usage) == 0;
    errno = saved;
    return known ? (uint64_t)usage.ru_minflt + (uint64_t)usage.ru_majflt : UINT64_MAX;
}

static int
collect_private(struct tn_dirty *dirty, char *start, size_t size,
                void (*found)(void *context, char *start, size_t size), void *context)
{
    uint64_t words[MAP_WORDS];
    size_t page = tn_os_page_size();
    size_t pages = size / page;
    size_t first = (uintptr_t)start / page;
    for (size_t i = 0; i < pages; i += MAP_WORDS) {
        size_t count = pages - i < MAP_WORDS ? pages - i : MAP_WORDS;
        size_t got;
        int failed = tn_file_read(dirty->page_map, words, count * sizeof *words,
                                  (first + i) * sizeof *words, &got);
        if (failed != 0 || got != count * sizeof *words) {
            return failed != 0 ? failed : EIO;
        }
        for (size_t k = 0; k < count;) {
            bool there = (words[k] & (MAP_PRESENT | MAP_SWAPPED)) != 0;
            if (!there || (words[k] & MAP_FILE) != 0) {
                k++;
                continue;
            }
            size_t end = k + 1;
            while (end < count && (words[end] & (MAP_PRESENT | MAP_SWAPPED)) != 0 &&
                   (words[end] & MAP_FILE) == 0) {
                end++;
            }
            found(context, start + (i + k) * page, (end - k) * page);
            k = end;
        }
    }
    return 0;
}

int
tn_dirty_collect(struct tn_dirty *dirty, char *start, size_t size, size_t most, bool protect,
                 void (*found)(void *context, char *start, size_t size), void *context)
{
    if (dirty->kind == TN_DIRTY_WATCH) {
        return collect_watched(dirty, start, size, most, protect, found, context);
    }
    return collect_private(dirty, start, size, found, context);
}
