/* pma's interface: a normal end keeps, a crash goes back to the last commit. */
#include <pma.h>

#include "expect.h"

#include <sys/wait.h>

static int
run(const char *path, int (*what)(void))
{
    pid_t child = fork();
    if (child == 0) {
        if (pma_init(0, path) != 0) {
            _exit(99);
        }
        exit(what());
    }
    int status;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static int
begin(void)
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
    if (pma_commit() != 0) {
        return 98;
    }
    *count = 77;
    pma_free(pma_realloc(pma_malloc(10), 100));
    _exit(*count);
}

static int
look(void)
{
    pma_set_avail_mem(0xdeadul);
    pma_set_avail_mem(0);
    return *(int *)pma_get_root();
}

int
main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "pma.heap";
    unlink(path);
    EXPECT(strcmp(pma_version, PMA_H_VERSION) == 0);
    EXPECT(run(path, begin) == 99);
    FILE *made = fopen(path, "w");
    EXPECT(made != NULL && ftruncate(fileno(made), 64 << 20) == 0 && fclose(made) == 0);
    EXPECT(run(path, begin) == 1);
    EXPECT(run(path, begin) == 2);
    EXPECT(run(path, commit_then_die) == 77);
    EXPECT(run(path, look) == 3);
    EXPECT(unlink(path) == 0);
    return 0;
}
