/* What pma.h promises, each in a process of its own, as pma_init is for once in a process; and what
 * Tarn adds: a normal end keeps, a crash goes back to the last commit. */
#include <pma.h>

#include "expect.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define FAILED 99 /* pma_init did */
#define BLOCKS 3000

static const char *path;
static char said[65536]; /* by the last process, on stderr */

/* Runs a function in a process of its own and keeps what it said. */
static int
in_child(int (*what)(void))
{
    int pipes[2];
    EXPECT(pipe(pipes) == 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(pipes[1], 2);
        close(pipes[0]);
        close(pipes[1]);
        exit(what());
    }
    close(pipes[1]);
    size_t length = 0;
    ssize_t got;
    while ((got = read(pipes[0], said + length, sizeof said - 1 - length)) > 0) {
        length += (size_t)got;
    }
    said[length] = 0;
    close(pipes[0]);
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static int (*inner)(void);

static int
init_then(void)
{
    return pma_init(1, path) != 0 ? FAILED : inner();
}

static int
run(int (*what)(void))
{
    inner = what;
    return in_child(init_then);
}

static void
write_file(const char *text, off_t size)
{
    int file = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
    EXPECT(file >= 0 && ftruncate(file, size) == 0);
    EXPECT(pwrite(file, text, strlen(text), 0) == (ssize_t)strlen(text));
    close(file);
}

/* ---- pma_init ---- */

static int verbose;

static int
init(void)
{
    int result = pma_init(verbose, path);
    EXPECT((result != 0) == (pma_errno != 0));
    return result != 0 ? FAILED : 0;
}

static int
init_of_nothing(void)
{
    const char *kept = path;
    path = NULL;
    int result = init();
    path = kept;
    return result;
}

static int
init_twice(void)
{
    return pma_init(1, NULL) == 0 && pma_init(1, NULL) != 0 && pma_errno != 0 ? 7 : 0;
}

static void
use_late(void)
{
    void *block = pma_malloc(1);
    pma_free(block);
    _exit(block == NULL && errno == EINVAL ? 12 : 1);
}

/* Before pma_init, after one that failed, which may be called again, and after the heap's end. */
static int
use_without_heap(void)
{
    for (unsigned i = 0; i < 2; i++) {
        errno = 0;
        EXPECT(pma_malloc(10) == NULL && errno == EINVAL && pma_errno == EINVAL);
        EXPECT(pma_calloc(10, 10) == NULL && pma_realloc(NULL, 10) == NULL);
        EXPECT(pma_commit() == -1);
        pma_free(NULL);
        EXPECT(i == 1 || pma_init(0, "/nowhere/no file") == ENOENT);
    }
    atexit(use_late);
    EXPECT(pma_init(0, path) == 0);
    EXPECT(pma_malloc(10) != NULL);
    return 0;
}

static void
verbosity(void)
{
    unlink(path);
    verbose = 0;
    EXPECT(in_child(init) == FAILED && said[0] == 0);
    verbose = 1;
    EXPECT(in_child(init) == FAILED && strstr(said, path) != NULL);
    EXPECT(in_child(init_of_nothing) == 0 && said[0] == 0);
    verbose = 2;
    EXPECT(in_child(init_of_nothing) == 0 && said[0] != 0);
    verbose = 4;
    EXPECT(in_child(init_of_nothing) == FAILED);
    verbose = -1;
    EXPECT(in_child(init_of_nothing) == FAILED);
    verbose = 2;
    setenv("PMA_VERBOSITY", "0", 1);
    EXPECT(in_child(init) == FAILED && said[0] == 0);
    EXPECT(in_child(init_of_nothing) == 0 && said[0] == 0);
    setenv("PMA_VERBOSITY", "much", 1);
    EXPECT(in_child(init_of_nothing) == FAILED && said[0] != 0);
    setenv("PMA_VERBOSITY", "5", 1);
    EXPECT(in_child(init_of_nothing) == FAILED);
    unsetenv("PMA_VERBOSITY");
    EXPECT(in_child(init_twice) == 7);
}

static void
files(void)
{
    verbose = 1;
    unlink(path);
    EXPECT(in_child(init) == FAILED && strstr(said, strerror(ENOENT)) != NULL);
    EXPECT(mkdir(path, 0700) == 0);
    EXPECT(in_child(init) == FAILED && strstr(said, "regular") != NULL);
    EXPECT(rmdir(path) == 0);
    write_file("", 0);
    EXPECT(in_child(init) == FAILED && strstr(said, "size") != NULL);
    write_file("", (4 << 20) + 100);
    EXPECT(in_child(init) == FAILED && strstr(said, "multiple") != NULL);
    write_file("a text", 4 << 20);
    EXPECT(in_child(init) == FAILED && said[0] != 0);
    write_file("", 4 << 20);
    EXPECT(in_child(init) == 0 && said[0] == 0);
    EXPECT(in_child(init) == 0 && said[0] == 0);
}

static int
use_ordinary(void)
{
    EXPECT(pma_init(0, NULL) == 0);
    char *block = pma_malloc(10);
    memset(block, 1, 10);
    block = pma_realloc(block, 1000);
    EXPECT(block[9] == 1);
    free(block); /* it is malloc's */
    pma_free(malloc(10));
    pma_free(NULL);
    unsigned char *zero = pma_calloc(100, 10);
    EXPECT(is_zero(zero, 1000));
    pma_free(zero);
    EXPECT(pma_commit() == 0);
    pma_check_and_dump();
    pma_set_avail_mem(1);
    return 5;
}

/* ---- blocks and the root ---- */

static int
fill_up(void)
{
    void **all = NULL;
    void **block;
    size_t bytes = 0;
    while ((block = pma_malloc(10000)) != NULL) {
        *block = all;
        all = block;
        bytes += 10000;
    }
    EXPECT(errno == ENOMEM);
    EXPECT(bytes > 2 << 20 && bytes < 4 << 20);
    for (; all != NULL; all = block) {
        block = *all;
        pma_free(all);
    }
    EXPECT(pma_calloc(SIZE_MAX / 2, 3) == NULL && errno == ENOMEM);
    pma_free(NULL);
    pma_free(pma_malloc(0));
    pma_free(pma_realloc(pma_realloc(NULL, 10), 1000));
    return 6;
}

static int
count_up(void)
{
    int *count = pma_get_root();
    if (count == NULL) {
        count = pma_calloc(1, sizeof *count);
        pma_set_root(count);
    }
    return ++*count;
}

static int
commit_then_die(void)
{
    int *count = pma_get_root();
    ++*count;
    EXPECT(pma_commit() == 0);
    *count = 77;
    pma_free(pma_realloc(pma_malloc(10), 100));
    _exit(*count);
}

static int
count_in_child(void)
{
    pid_t child = fork();
    if (child == 0) {
        int *count = pma_get_root();
        *count = 50;
        EXPECT(pma_commit() == -1 && errno == EPERM && pma_errno == EPERM);
        exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    EXPECT(status == 0);
    return *(int *)pma_get_root();
}

static int
look(void)
{
    return *(int *)pma_get_root();
}

static int
root_of_null(void)
{
    pma_set_root(NULL);
    return pma_get_root() == NULL ? 8 : 0;
}

/* ---- the whole heap ---- */

static int
dump(void)
{
    for (int i = 0; i < 5; i++) {
        EXPECT(pma_malloc(48) != NULL);
    }
    pma_check_and_dump();
    return 0;
}

static size_t
words_of(unsigned long *const *freed, const size_t *sizes, unsigned long value)
{
    size_t found = 0;
    for (size_t i = 0; i < BLOCKS; i++) {
        const volatile unsigned long *words = freed[i];
        for (size_t k = 1; k < sizes[i] / sizeof *words; k++) {
            found += words[k] == value;
        }
    }
    return found;
}

/* Nothing is left of what was in freed blocks, wherever they lie, and live ones are unharmed. */
static int
overwrite(void)
{
    static unsigned long *freed[BLOCKS];
    static unsigned long *live[BLOCKS];
    static size_t sizes[BLOCKS];
    uint64_t seed = 1;
    for (size_t i = 0; i < BLOCKS; i++) {
        sizes[i] = 16 + next_random(&seed) % 700 / 8 * 8;
        freed[i] = pma_malloc(sizes[i]);
        live[i] = pma_malloc(64);
        for (size_t k = 0; k < sizes[i] / sizeof **freed; k++) {
            freed[i][k] = 0x5ec4e7;
        }
        stamp(live[i], 64, i);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        pma_free(freed[i]);
    }
    EXPECT(words_of(freed, sizes, 0x5ec4e7) > 0);
    pma_set_avail_mem(0xdeadbeef);
    EXPECT(words_of(freed, sizes, 0x5ec4e7) == 0);
    EXPECT(words_of(freed, sizes, 0xdeadbeef) > 0);
    pma_set_avail_mem(0);
    EXPECT(words_of(freed, sizes, 0xdeadbeef) == 0);
    for (size_t i = 0; i < BLOCKS; i++) {
        EXPECT(is_stamped(live[i], 64, i));
    }
    return 9;
}

int
main(int argc, char **argv)
{
    path = argc > 1 ? argv[1] : "pma.heap";
    unlink(path);
    EXPECT(strcmp(pma_version, PMA_H_VERSION) == 0);
    verbosity();
    files();
    EXPECT(in_child(use_without_heap) == 12);
    EXPECT(in_child(use_ordinary) == 5);
    EXPECT(run(fill_up) == 6);
    EXPECT(run(count_up) == 1);
    EXPECT(run(count_up) == 2);
    EXPECT(run(commit_then_die) == 77);
    EXPECT(run(look) == 3);
    EXPECT(run(count_in_child) == 3 && said[0] != 0);
    EXPECT(run(look) == 3);
    EXPECT(run(root_of_null) == 8);
    EXPECT(run(dump) == 0);
    EXPECT(strstr(said, "0 faults") != NULL && strstr(said, "5 blocks of 48 bytes") != NULL);
    write_file("", 64 << 20);
    EXPECT(run(overwrite) == 9);
    char journal[4200];
    snprintf(journal, sizeof journal, "%.4100s-journal", path);
    EXPECT(unlink(path) == 0);
    unlink(journal);
    return 0;
}
