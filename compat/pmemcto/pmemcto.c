/* libpmemcto's names on images in shared mode. A pool is a heap; its errno values are the manual's.
 */
#define _GNU_SOURCE
#include "libpmemcto.h"

#include <tarn/persist.h>
#include <tarn/tarn.h>

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static _Thread_local char message[512];
static void (*print_text)(const char *text);

static tarn_heap *
heap_of(PMEMctopool *pool)
{
    return (tarn_heap *)pool;
}

static void *
refuse(int code, const char *path, const char *why)
{
    snprintf(message, sizeof message, "%s: %s", path, why);
    errno = code;
    return NULL;
}

/* Tarn's errno as the manual has it. */
static void *
translate(void)
{
    snprintf(message, sizeof message, "%s", tarn_error());
    switch (errno) {
    case EBUSY:
        errno = EAGAIN;
        break;
    case EADDRINUSE:
        errno = ENOMEM;
        break;
    case EUCLEAN:
    case EBADMSG:
    case EROFS:
        errno = EINVAL;
        break;
    default:
        break;
    }
    return NULL;
}

const char *
pmemcto_check_version(unsigned major_required, unsigned minor_required)
{
    static char version[64];
    if (major_required == 0 && minor_required == 0) {
        snprintf(version, sizeof version, "libpmemcto %u.%u on tarn %s", PMEMCTO_MAJOR_VERSION,
                 PMEMCTO_MINOR_VERSION, tarn_version());
        return version;
    }
    if (major_required != PMEMCTO_MAJOR_VERSION) {
        return "libpmemcto major version mismatch";
    }
    if (minor_required > PMEMCTO_MINOR_VERSION) {
        return "libpmemcto minor version mismatch";
    }
    return NULL;
}

void
pmemcto_set_funcs(void *(*malloc_func)(size_t size), void (*free_func)(void *ptr),
                  void *(*realloc_func)(void *ptr, size_t size),
                  char *(*strdup_func)(const char *s), void (*print_func)(const char *s))
{
    (void)malloc_func, (void)free_func, (void)realloc_func, (void)strdup_func;
    print_text = print_func;
}

const char *
pmemcto_errormsg(void)
{
    return message;
}

/* Whether the file's head is zero as far as it goes; -1 with errno when it cannot be read. */
static int
is_blank(const char *path)
{
    char head[8192];
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return -1;
    }
    ssize_t got = pread(file, head, sizeof head, 0);
    close(file);
    for (ssize_t i = 0; i < got; i++) {
        if (head[i] != 0) {
            return 0;
        }
    }
    return got < 0 ? -1 : 1;
}

static bool
is_pool_set(const char *path)
{
    char head[12] = {0};
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        (void)!pread(file, head, sizeof head, 0);
        close(file);
    }
    return memcmp(head, "PMEMPOOLSET", 11) == 0;
}

PMEMctopool *
pmemcto_create(const char *path, const char *layout, size_t poolsize, mode_t mode)
{
    struct stat status;
    bool there = stat(path, &status) == 0;
    if (layout != NULL && strlen(layout) >= PMEMCTO_MAX_LAYOUT) {
        return refuse(EINVAL, path, "the layout's name is too long");
    }
    if (there && is_pool_set(path)) {
        return refuse(EINVAL, path, "pool sets are not supported");
    }
    if (there && poolsize != 0) {
        return refuse(EINVAL, path, "is there already, and a pool size is given");
    }
    if (there && is_blank(path) != 1) {
        return refuse(errno != 0 && is_blank(path) < 0 ? errno : EINVAL, path, "is not empty");
    }
    if (!there && poolsize == 0) {
        return refuse(ENOENT, path, "is not there, and no pool size is given");
    }
    size_t size = there ? (size_t)status.st_size : poolsize;
    if (size < PMEMCTO_MIN_POOL) {
        return refuse(EINVAL, path, "the pool is smaller than PMEMCTO_MIN_POOL");
    }
    tarn_heap *heap = tarn_create(path, &(tarn_options){.flags = TARN_SHARED,
                                                        .capacity = size,
                                                        .layout = layout != NULL ? layout : "",
                                                        .mode = 0600});
    if (heap == NULL) {
        return translate();
    }
    int file = open(path, O_RDWR | O_CLOEXEC);
    int failed = file < 0 ? errno : posix_fallocate(file, 0, (off_t)size);
    if (file >= 0) {
        if (!there && fchmod(file, mode) != 0) {
            failed = errno;
        }
        close(file);
    }
    if (failed != 0) {
        tarn_close_without_commit(heap);
        if (!there) {
            unlink(path);
        }
        return refuse(failed, path, "its space cannot be reserved");
    }
    return (PMEMctopool *)heap;
}

PMEMctopool *
pmemcto_open(const char *path, const char *layout)
{
    if (is_pool_set(path)) {
        return refuse(EINVAL, path, "pool sets are not supported");
    }
    tarn_heap *heap = tarn_open(path, &(tarn_options){.flags = TARN_SHARED, .layout = layout});
    return heap != NULL ? (PMEMctopool *)heap : translate();
}

void
pmemcto_close(PMEMctopool *pcp)
{
    if (pcp != NULL && tarn_close(heap_of(pcp)) != 0) {
        int saved = errno;
        translate();
        tarn_close_without_commit(heap_of(pcp)); /* and the pool says that it was not closed */
        errno = saved;
    }
}

struct first {
    char text[256];
};

static bool
note_first(void *context, const char *what, uint64_t offset)
{
    struct first *first = context;
    (void)offset;
    snprintf(first->text, sizeof first->text, "%s", what);
    return false;
}

int
pmemcto_check(const char *path, const char *layout)
{
    struct first first = {""};
    int found = tarn_check(path, note_first, &first);
    if (found < 0) {
        translate();
        return -1;
    }
    if (found > 0) {
        snprintf(message, sizeof message, "%s: %s", path, first.text);
        return 0;
    }
    if (layout == NULL) {
        return 1;
    }
    tarn_heap *heap = tarn_open(path, &(tarn_options){.flags = TARN_READ_ONLY, .layout = layout});
    if (heap == NULL) {
        bool mismatch = errno == EINVAL;
        translate();
        return mismatch ? 0 : -1;
    }
    tarn_close(heap);
    return 1;
}

void *
pmemcto_malloc(PMEMctopool *pcp, size_t size)
{
    return tarn_heap_malloc(heap_of(pcp), size);
}

void
pmemcto_free(PMEMctopool *pcp, void *ptr)
{
    tarn_heap_free(heap_of(pcp), ptr);
}

void *
pmemcto_calloc(PMEMctopool *pcp, size_t nmemb, size_t size)
{
    return tarn_heap_calloc(heap_of(pcp), nmemb, size);
}

void *
pmemcto_realloc(PMEMctopool *pcp, void *ptr, size_t size)
{
    return tarn_heap_realloc(heap_of(pcp), ptr, size);
}

void *
pmemcto_aligned_alloc(PMEMctopool *pcp, size_t alignment, size_t size)
{
    return tarn_heap_aligned_alloc(heap_of(pcp), alignment, size);
}

char *
pmemcto_strdup(PMEMctopool *pcp, const char *s)
{
    return tarn_heap_strdup(heap_of(pcp), s);
}

wchar_t *
pmemcto_wcsdup(PMEMctopool *pcp, const wchar_t *s)
{
    size_t bytes = (wcslen(s) + 1) * sizeof *s;
    wchar_t *copy = tarn_heap_malloc(heap_of(pcp), bytes);
    return copy != NULL ? memcpy(copy, s, bytes) : NULL;
}

size_t
pmemcto_malloc_usable_size(PMEMctopool *pcp, void *ptr)
{
    (void)pcp;
    return tarn_usable_size(ptr);
}

void
pmemcto_set_root_pointer(PMEMctopool *pcp, void *ptr)
{
    tarn_set_root(heap_of(pcp), ptr);
}

void *
pmemcto_get_root_pointer(PMEMctopool *pcp)
{
    return tarn_root(heap_of(pcp));
}

struct count {
    size_t blocks;
    size_t bytes;
};

static bool
count_block(void *context, void *block, size_t size)
{
    struct count *count = context;
    (void)block;
    count->blocks++;
    count->bytes += size;
    return true;
}

static void
say(const char *text)
{
    if (print_text != NULL) {
        print_text(text);
    } else {
        fputs(text, stderr);
    }
}

/* "g" leaves out what never changes; the other letters have nothing to leave out here. */
void
pmemcto_stats_print(PMEMctopool *pcp, const char *opts)
{
    char text[512];
    tarn_image_figures figures;
    struct count count = {0, 0};
    tarn_image_info(heap_of(pcp), &figures);
    tarn_heap_walk(heap_of(pcp), count_block, &count);
    if (opts == NULL || strchr(opts, 'g') == NULL) {
        snprintf(text, sizeof text, "tarn %s, pool at %p, capacity %zu bytes\n", tarn_version(),
                 figures.base, figures.capacity);
        say(text);
    }
    snprintf(text, sizeof text,
             "%zu blocks of %zu bytes, in slices of %zu bytes; %llu bytes on disk\n", count.blocks,
             count.bytes, figures.used, (unsigned long long)figures.file_space);
    say(text);
}
