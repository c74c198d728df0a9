/* libpmemcto's manual, sentence by sentence, and its example as it stands there. */
#include <libpmemcto.h>

#include "expect.h"

#include <sys/stat.h>
#include <sys/wait.h>

#define POOL (PMEMCTO_MIN_POOL * 2)

static char printed[4096];

static void
keep(const char *text)
{
    strncat(printed, text, sizeof printed - strlen(printed) - 1);
}

static void
refusals(const char *path)
{
    static char layout[PMEMCTO_MAX_LAYOUT + 1];
    memset(layout, 'x', PMEMCTO_MAX_LAYOUT);
    errno = 0;
    EXPECT(pmemcto_create(path, layout, POOL, 0600) == NULL && errno == EINVAL);
    EXPECT(pmemcto_create(path, "a", PMEMCTO_MIN_POOL - 1, 0600) == NULL && errno == EINVAL);
    EXPECT(access(path, F_OK) != 0);
    EXPECT(pmemcto_open(path, NULL) == NULL && errno == ENOENT);
    EXPECT(pmemcto_create(path, "a", 0, 0600) == NULL);
    EXPECT(pmemcto_errormsg()[0] != 0);
    layout[PMEMCTO_MAX_LAYOUT - 1] = 0;
    PMEMctopool *pool = pmemcto_create(path, layout, PMEMCTO_MIN_POOL, 0600);
    EXPECT(pool != NULL);
    pmemcto_close(pool);
    EXPECT(pmemcto_check(path, layout) == 1);
    EXPECT(unlink(path) == 0);
}

static void
calls(const char *path)
{
    PMEMctopool *pool = pmemcto_create(path, "calls", POOL, 0640);
    EXPECT(pool != NULL);
    struct stat status;
    EXPECT(stat(path, &status) == 0 && (status.st_mode & 0777) == 0640);
    EXPECT((size_t)status.st_blocks * 512 >= POOL);
    EXPECT(pmemcto_get_root_pointer(pool) == NULL);
    unsigned char *p = pmemcto_calloc(pool, 100, 10);
    for (int i = 0; i < 1000; i++) {
        EXPECT(p[i] == 0);
        p[i] = (unsigned char)i;
    }
    p = pmemcto_realloc(pool, p, 200000);
    for (int i = 0; i < 1000; i++) {
        EXPECT(p[i] == (unsigned char)i);
    }
    EXPECT(pmemcto_malloc_usable_size(pool, p) >= 200000);
    EXPECT(pmemcto_malloc_usable_size(pool, NULL) == 0);
    pmemcto_realloc(pool, p, 0);
    for (size_t align = 2; align <= (size_t)4 << 20; align *= 2) {
        void *aligned = pmemcto_aligned_alloc(pool, align, 4);
        EXPECT(aligned != NULL && (uintptr_t)aligned % align == 0);
        pmemcto_free(pool, aligned);
    }
    errno = 0;
    EXPECT(pmemcto_aligned_alloc(pool, 3, 4) == NULL && errno == EINVAL);
    EXPECT(pmemcto_malloc(pool, POOL) == NULL && errno == ENOMEM);
    EXPECT(pmemcto_calloc(pool, SIZE_MAX, 2) == NULL && errno == ENOMEM);
    pmemcto_free(pool, NULL);
    wchar_t *wide = pmemcto_wcsdup(pool, L"wide");
    EXPECT(wcscmp(wide, L"wide") == 0);
    char *text = pmemcto_strdup(pool, "text");
    pmemcto_set_root_pointer(pool, text);
    pmemcto_set_funcs(NULL, NULL, NULL, NULL, keep);
    pmemcto_stats_print(pool, NULL);
    EXPECT(strstr(printed, "blocks") != NULL);
    pmemcto_close(pool);
    EXPECT(pmemcto_open(path, "other") == NULL && errno == EINVAL);
    EXPECT(pmemcto_check(path, "other") == 0);
    EXPECT(pmemcto_check(path, "calls") == 1);
    EXPECT(pmemcto_create(path, "calls", POOL, 0600) == NULL && errno == EINVAL);
    EXPECT(pmemcto_create(path, "calls", 0, 0600) == NULL && errno == EINVAL);
    pool = pmemcto_open(path, "calls");
    EXPECT(pool != NULL);
    EXPECT(strcmp(pmemcto_get_root_pointer(pool), "text") == 0);
    pmemcto_free(pool, text);
    pmemcto_free(pool, wide);
    pid_t child = fork();
    if (child == 0) {
        _exit(pmemcto_open(path, NULL) == NULL && errno == EAGAIN ? 0 : 1);
    }
    int end;
    waitpid(child, &end, 0);
    EXPECT(end == 0);
    pmemcto_close(pool);
    EXPECT(unlink(path) == 0);
}

static void
crash(const char *path)
{
    PMEMctopool *pool = pmemcto_create(path, NULL, POOL, 0600);
    EXPECT(pool != NULL);
    pmemcto_close(pool);
    pid_t child = fork();
    if (child == 0) {
        pool = pmemcto_open(path, "");
        pmemcto_malloc(pool, 100);
        _exit(pool == NULL);
    }
    int end;
    waitpid(child, &end, 0);
    EXPECT(end == 0);
    EXPECT(pmemcto_open(path, NULL) == NULL && errno == EINVAL);
    EXPECT(pmemcto_check(path, NULL) == 0);
    EXPECT(unlink(path) == 0);
}

static void
own_file(const char *path)
{
    FILE *made = fopen(path, "w");
    EXPECT(made != NULL && ftruncate(fileno(made), (off_t)POOL) == 0 && fclose(made) == 0);
    EXPECT(pmemcto_create(path, "own", POOL, 0600) == NULL && errno == EINVAL);
    PMEMctopool *pool = pmemcto_create(path, "own", 0, 0600);
    EXPECT(pool != NULL);
    pmemcto_close(pool);
    EXPECT(unlink(path) == 0);
}

int
main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "pmemcto.pool";
    unlink(path);
    EXPECT(pmemcto_check_version(PMEMCTO_MAJOR_VERSION, PMEMCTO_MINOR_VERSION) == NULL);
    EXPECT(pmemcto_check_version(2, 0) != NULL);
    EXPECT(pmemcto_check_version(1, 1) != NULL);
    EXPECT(pmemcto_check_version(0, 0) != NULL);
    refusals(path);
    calls(path);
    crash(path);
    own_file(path);
    return 0;
}
