/* Kore's pools: what they give, and how each misuse ends. */
#include "expect.h"

#include <kore/kore.h>
#include <signal.h>
#include <sys/wait.h>

static struct kore_pool pool;
static char *volatile spoiled;

static void
put_twice(void)
{
    void *object = kore_pool_get(&pool);
    kore_pool_put(&pool, object);
    kore_pool_put(&pool, object);
}

static void
overrun(void)
{
    spoiled = kore_pool_get(&pool);
    spoiled[40] = 1;
    kore_pool_put(&pool, spoiled);
}

static void
write_to_free(void)
{
    spoiled = kore_pool_get(&pool);
    kore_pool_put(&pool, spoiled);
    spoiled[40] = 1;
    kore_pool_get(&pool);
}

static void
guarded_overrun(void)
{
    struct kore_pool guarded;
    kore_mem_guard = 1;
    kore_pool_init(&guarded, "guarded", 40, 4);
    spoiled = kore_pool_get(&guarded);
    spoiled[48] = 1;
}

static void
guarded_use_after_put(void)
{
    struct kore_pool guarded;
    kore_mem_guard = 1;
    kore_pool_init(&guarded, "guarded", 40, 4);
    spoiled = kore_pool_get(&guarded);
    kore_pool_put(&guarded, spoiled);
    spoiled[0] = 1;
}

/* The child ends by fatal's status and a line that ends as told, or by a signal. */
static void
ends(void (*commit)(void), const char *tail, int by_signal)
{
    int lines[2];
    char line[256] = "";
    int status;
    EXPECT(pipe(lines) == 0);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        dup2(lines[1], 2);
        commit();
        _exit(0);
    }
    close(lines[1]);
    ssize_t length = read(lines[0], line, sizeof line - 1);
    close(lines[0]);
    EXPECT(waitpid(child, &status, 0) == child && length >= 0);
    if (by_signal != 0) {
        EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == by_signal);
        return;
    }
    EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 1);
    EXPECT(strncmp(line, "fatal: objects: ", 16) == 0);
    EXPECT(strlen(line) >= strlen(tail) && strcmp(line + strlen(line) - strlen(tail), tail) == 0);
}

int
main(void)
{
    static void *objects[1000];
    kore_mem_init();
    kore_pool_init(&pool, "objects", 40, 100);
    for (size_t i = 0; i < 1000; i++) {
        objects[i] = kore_pool_get(&pool);
        EXPECT(is_aligned(objects[i], 16));
        memset(objects[i], (int)i, 40);
    }
    for (size_t i = 0; i < 1000; i++) {
        EXPECT(((unsigned char *)objects[i])[39] == (unsigned char)i);
        kore_pool_put(&pool, objects[i]);
    }
    EXPECT(kore_pool_get(&pool) == objects[999]);
    kore_pool_put(&pool, objects[999]);
    ends(put_twice, " was not busy\n", 0);
    ends(overrun, ": memory corruption detected\n", 0);
    ends(write_to_free, " was not free\n", 0);
    ends(guarded_overrun, NULL, SIGSEGV);
    ends(guarded_use_after_put, NULL, SIGSEGV);
    kore_pool_cleanup(&pool);
    kore_mem_cleanup();
    return 0;
}
