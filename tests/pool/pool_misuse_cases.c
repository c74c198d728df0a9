/* Each misuse of a pool ends the process by SIGABRT (a guard page: SIGSEGV) with one exact line.
 * A case writes the addresses its line must name to a pipe, then does wrong. */
#include "expect.h"

#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>
#include <tarn/pool.h>
#include <tarn/tarn.h>

struct misuse {
    const char *name;
    void (*commit)(void);
    const char *line; /* %p: the addresses told, in turn; NULL: SIGSEGV and no line */
};

static int told[2];

static void
tell(const void *address)
{
    EXPECT(write(told[1], &address, sizeof address) == sizeof address);
}

static tarn_pool *
nodes(unsigned flags)
{
    return tarn_pool_new(48, &(struct tarn_pool_options){.name = "nodes", .flags = flags});
}

static void
double_free(void)
{
    tarn_pool *pool = nodes(TARN_POOL_CHECK);
    void *p = tarn_pool_alloc(pool);
    tarn_pool_free(pool, p);
    tarn_pool_free(pool, tarn_pool_alloc(pool));
    tell(p);
    tarn_pool_free(pool, p);
}

static void
double_free_shared(void)
{
    tarn_pool *pool = nodes(TARN_POOL_CHECK | TARN_POOL_SHARED);
    void *p = tarn_pool_alloc(pool);
    tarn_pool_free(pool, p);
    tell(p);
    tarn_pool_free(pool, p);
}

/* Without the option: when the pointer leaves the cache. */
static void
late_double_free(unsigned flags)
{
    static void *objects[600];
    tarn_pool *pool = nodes(flags);
    EXPECT(tarn_pool_alloc_many(pool, objects, 600) == 600);
    tell(objects[3]);
    tarn_pool_free(pool, objects[3]);
    tarn_pool_free_many(pool, objects, 600);
    tarn_pool_close(pool);
}

static void
double_free_late(void)
{
    late_double_free(0);
}

static void
double_free_late_shared(void)
{
    late_double_free(TARN_POOL_SHARED);
}

static void
double_free_at_close(void)
{
    tarn_pool *pool = nodes(0);
    void *p = tarn_pool_alloc(pool);
    tarn_pool_free(pool, p);
    tell(p);
    tarn_pool_free(pool, p);
    tarn_pool_close(pool);
}

static void
foreign(void)
{
    static long outside;
    tarn_pool *pool = nodes(TARN_POOL_CHECK);
    tell(&outside);
    tarn_pool_free(pool, &outside);
}

static void
foreign_late(void)
{
    static long outside;
    static void *objects[600];
    tarn_pool *pool = nodes(0);
    EXPECT(tarn_pool_alloc_many(pool, objects, 600) == 600);
    objects[3] = &outside;
    tell(&outside);
    tarn_pool_free_many(pool, objects, 600);
}

static void
heap_block(void)
{
    tarn_pool *pool = nodes(TARN_POOL_CHECK);
    void *p = tarn_heap_malloc(tarn_heap_process(), 48);
    tell(p);
    tarn_pool_free(pool, p);
}

static void
interior(void)
{
    tarn_pool *pool = nodes(TARN_POOL_CHECK);
    char *p = tarn_pool_alloc(pool);
    tell(p + 8);
    tell(p);
    tarn_pool_free(pool, p + 8);
}

static void
other_pool(void)
{
    tarn_pool *pool = nodes(TARN_POOL_CHECK);
    tarn_pool *other = tarn_pool_new(24, &(struct tarn_pool_options){.name = "edges"});
    void *p = tarn_pool_alloc(other);
    tell(p);
    tarn_pool_free(pool, p);
}

static void
never_allocated(void)
{
    tarn_pool *pool = tarn_pool_new(
        48,
        &(struct tarn_pool_options){.name = "nodes", .flags = TARN_POOL_CHECK, .block_size = 4800});
    char *p = tarn_pool_alloc(pool);
    tell(p + 48000);
    tarn_pool_free(pool, p + 48000);
}

static void
overrun(void)
{
    tarn_pool *pool = nodes(TARN_POOL_CANARY);
    char *p = opaque(tarn_pool_alloc(pool));
    p[48] = 1;
    tell(p);
    tarn_pool_free(pool, p);
}

static void
use_after_free(void)
{
    tarn_pool *pool = nodes(TARN_POOL_POISON);
    char *p = opaque(tarn_pool_alloc(pool));
    tarn_pool_free(pool, p);
    p[17] = 1;
    tell(p);
    tarn_pool_alloc(pool);
}

static void
guard_after(void)
{
    tarn_pool *pool = nodes(TARN_POOL_GUARD);
    volatile char *p = tarn_pool_alloc(pool);
    p[47] = 1;
    p[48] = 1;
}

static void
guard_freed(void)
{
    tarn_pool *pool = nodes(TARN_POOL_GUARD);
    volatile char *p = tarn_pool_alloc(pool);
    *p = 1;
    tarn_pool_free(pool, (void *)(uintptr_t)p);
    (void)*p;
}

static void *
allocate_elsewhere(void *pool)
{
    return tarn_pool_alloc(pool);
}

static void
other_thread(void)
{
    pthread_t thread;
    tarn_pool *pool = nodes(TARN_POOL_CHECK);
    pthread_create(&thread, NULL, allocate_elsewhere, pool);
    pthread_join(thread, NULL);
}

static void
close_with_objects(void)
{
    tarn_pool *pool = nodes(0);
    void *objects[3];
    tarn_pool_alloc_many(pool, objects, 3);
    tarn_pool_free(pool, objects[0]);
    tell(objects[1]);
    tarn_pool_close(pool);
}

static void
close_with_one(void)
{
    tarn_pool *pool = nodes(TARN_POOL_SHARED);
    tell(tarn_pool_alloc(pool));
    tarn_pool_close(pool);
}

static void
heap_free(void)
{
    tarn_pool *pool = nodes(0);
    void *p = tarn_pool_alloc(pool);
    tell(p);
    tarn_heap_free(tarn_heap_process(), p);
}

#define POOL "(pool \"nodes\", 48-byte objects)"

static const struct misuse misuses[] = {
    {"double_free", double_free, "tarn: tarn_pool_free(%p): already free " POOL " [T201]"},
    {"double_free_shared", double_free_shared,
     "tarn: tarn_pool_free(%p): already free " POOL " [T201]"},
    {"double_free_late", double_free_late,
     "tarn: tarn_pool_free_many(%p): already free " POOL " [T201]"},
    {"double_free_late_shared", double_free_late_shared,
     "tarn: tarn_pool_free_many(%p): already free " POOL " [T201]"},
    {"double_free_at_close", double_free_at_close,
     "tarn: tarn_pool_free(%p): already free " POOL " [T201]"},
    {"foreign", foreign, "tarn: tarn_pool_free(%p): not allocated by tarn " POOL " [T202]"},
    {"foreign_late", foreign_late,
     "tarn: tarn_pool_free_many(%p): not allocated by tarn " POOL " [T202]"},
    {"heap_block", heap_block, "tarn: tarn_pool_free(%p): not from a pool " POOL " [T203]"},
    {"interior", interior,
     "tarn: tarn_pool_free(%p): not the start of an object (8 bytes into %p, pool \"nodes\", "
     "48-byte objects) [T205]"},
    {"other_pool", other_pool,
     "tarn: tarn_pool_free(%p): from another pool, \"edges\" of 24-byte objects " POOL " [T204]"},
    {"never_allocated", never_allocated,
     "tarn: tarn_pool_free(%p): never allocated " POOL " [T206]"},
    {"overrun", overrun, "tarn: tarn_pool_free(%p): written past its end " POOL " [T207]"},
    {"use_after_free", use_after_free,
     "tarn: tarn_pool_alloc() = %p: written to while it was free, at byte 17 " POOL " [T208]"},
    {"guard_after", guard_after, NULL},
    {"guard_freed", guard_freed, NULL},
    {"other_thread", other_thread,
     "tarn: tarn_pool_alloc: called by a thread that does not own the pool " POOL " [T209]"},
    {"close_with_objects", close_with_objects,
     "tarn: tarn_pool_close: 2 objects are still out, the first at %p " POOL " [T210]"},
    {"close_with_one", close_with_one,
     "tarn: tarn_pool_close: 1 object is still out, the first at %p " POOL " [T210]"},
    {"heap_free", heap_free,
     "tarn: tarn_heap_free(%p): an object of a pool, for tarn_pool_free " POOL " [T105]"},
};

static size_t
read_all(int file, void *into, size_t most)
{
    size_t length = 0;
    ssize_t got;
    while ((got = read(file, (char *)into + length, most - length)) > 0) {
        length += (size_t)got;
    }
    return length;
}

static bool
is_stopped(const struct misuse *misuse)
{
    int lines[2];
    EXPECT(pipe(told) == 0 && pipe(lines) == 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(lines[1], 2);
        signal(SIGABRT, SIG_DFL);
        signal(SIGSEGV, SIG_DFL);
        misuse->commit();
        _exit(0);
    }
    close(told[1]);
    close(lines[1]);
    char line[1024] = "";
    char expected[1024] = "";
    void *addresses[2] = {NULL, NULL};
    int status;
    read_all(lines[0], line, sizeof line - 1);
    read_all(told[0], addresses, sizeof addresses);
    EXPECT(waitpid(child, &status, 0) == child);
    close(told[0]);
    close(lines[0]);
    if (misuse->line == NULL) {
        return WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV && line[0] == 0;
    }
    char *at = expected;
    size_t next = 0;
    for (const char *f = misuse->line; *f != 0; f++) {
        if (f[0] == '%' && f[1] == 'p') {
            at += sprintf(at, "%p", addresses[next++]);
            f++;
        } else {
            *at++ = *f;
        }
    }
    *at++ = '\n';
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGABRT || strcmp(line, expected) != 0) {
        fprintf(stderr, "%s: status %d, line: %sexpected: %s", misuse->name, status, line,
                expected);
        return false;
    }
    return true;
}

int
main(void)
{
    int failures = 0;
    for (size_t i = 0; i < sizeof misuses / sizeof *misuses; i++) {
        if (!is_stopped(&misuses[i])) {
            fprintf(stderr, "%s: not stopped as it should be\n", misuses[i].name);
            failures++;
        }
    }
    return failures != 0;
}
