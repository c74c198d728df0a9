/* libpmemcto's names on images in shared mode: a pool is a heap. */
#define _GNU_SOURCE
#include "cto_pool.h"

#include "block_table.h"

#include <tarn/tarn.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Thread_local char message[512];
static void (*print_text)(const char *text);

/* ---- errors ---- */

void *
tarn_pmemcto_refuse(int code, const char *path, const char *why)
{
    snprintf(message, sizeof message, "%s: %s", path, why);
    errno = code;
    return NULL;
}

void *
tarn_pmemcto_translate(void)
{
    int code = errno;
    snprintf(message, sizeof message, "%s", tarn_error());
    switch (code) {
    case EBUSY:
        code = EAGAIN;
        break;
    case EADDRINUSE:
        code = ENOMEM;
        break;
    case EUCLEAN:
    case EBADMSG:
        code = EINVAL;
        break;
    default:
        break;
    }
    errno = code;
    return NULL;
}

const char *
pmemcto_errormsg(void)
{
    return message;
}

/* Passes a block on, or says why there is none. */
static void *
given(void *block)
{
    if (block == NULL) {
        snprintf(message, sizeof message, "%s",
                 errno == EINVAL ? "the alignment is no power of two"
                                 : "not enough memory in the pool");
    }
    return block;
}

/* ---- the library ---- */

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

/* ---- blocks ---- */

void *
pmemcto_malloc(PMEMctopool *pcp, size_t size)
{
    return given(tarn_heap_malloc(heap_of(pcp), size));
}

void
pmemcto_free(PMEMctopool *pcp, void *ptr)
{
    tarn_heap_free(heap_of(pcp), ptr);
}

void *
pmemcto_calloc(PMEMctopool *pcp, size_t nmemb, size_t size)
{
    return given(tarn_heap_calloc(heap_of(pcp), nmemb, size));
}

void *
pmemcto_realloc(PMEMctopool *pcp, void *ptr, size_t size)
{
    if (size == 0 && ptr != NULL) {
        tarn_heap_free(heap_of(pcp), ptr);
        return NULL;
    }
    return given(tarn_heap_realloc(heap_of(pcp), ptr, size));
}

void *
pmemcto_aligned_alloc(PMEMctopool *pcp, size_t alignment, size_t size)
{
    return given(tarn_heap_aligned_alloc(heap_of(pcp), alignment, size));
}

char *
pmemcto_strdup(PMEMctopool *pcp, const char *s)
{
    return given(tarn_heap_strdup(heap_of(pcp), s));
}

wchar_t *
pmemcto_wcsdup(PMEMctopool *pcp, const wchar_t *s)
{
    size_t bytes = (wcslen(s) + 1) * sizeof *s;
    wchar_t *copy = given(tarn_heap_malloc(heap_of(pcp), bytes));
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

/* ---- figures ---- */

/* The file that PMEMCTO_LOG_FILE names, with the process's number behind a closing "-"; else
 * stderr. */
static FILE *
log_file(void)
{
    char name[4096];
    char number[16] = "";
    const char *wanted = getenv("PMEMCTO_LOG_FILE");
    size_t length = wanted != NULL ? strlen(wanted) : 0;
    if (length == 0 || length >= sizeof name - sizeof number) {
        return stderr;
    }
    if (wanted[length - 1] == '-') {
        snprintf(number, sizeof number, "%d", (int)getpid());
    }
    snprintf(name, sizeof name, "%s%s", wanted, number);
    FILE *file = fopen(name, "a");
    return file != NULL ? file : stderr;
}

static void
say(const char *text)
{
    if (print_text != NULL) {
        print_text(text);
        return;
    }
    FILE *file = log_file();
    fputs(text, file);
    if (file != stderr) {
        fclose(file);
    }
}

static bool
is_wanted(const char *opts, char letter)
{
    return opts == NULL || strchr(opts, letter) == NULL;
}

void
pmemcto_stats_print(PMEMctopool *pcp, const char *opts)
{
    char text[256];
    struct tarn_block_table table;
    tarn_image_figures figures;
    tarn_image_info(heap_of(pcp), &figures);
    tarn_block_table_fill(&table, heap_of(pcp));
    if (is_wanted(opts, 'g')) {
        snprintf(text, sizeof text, "tarn %s, pool at %p, capacity %zu bytes\n", tarn_version(),
                 figures.base, figures.capacity);
        say(text);
    }
    if (is_wanted(opts, 'm')) {
        snprintf(text, sizeof text, "%zu blocks of %zu bytes\n", table.blocks, table.bytes);
        say(text);
    }
    if (is_wanted(opts, 'a')) {
        snprintf(text, sizeof text, "%zu bytes of slices in use, %zu in memory\n", figures.used,
                 figures.resident);
        say(text);
    }
    if (is_wanted(opts, 'b')) {
        say("small blocks by size:\n");
        tarn_block_table_say_small(&table, say);
    }
    if (is_wanted(opts, 'l')) {
        say("large blocks by size:\n");
        tarn_block_table_say_large(&table, say);
    }
}
