/* A program that lowers its own limit on address space after it has allocated. Started without a
 * limit its heap has reserved more than that: malloc goes on in what is reserved, and stays whole,
 * while the system has no address for anybody else. Started with a limit, a higher one, its heap
 * has reserved a sixteenth of that, and there is room for threads, mappings and libraries, and the
 * new limit holds for malloc too. Usage: limit_lowered */
#include "expect.h"
#include "threads/child.h"

#include <dlfcn.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum {
    MIB = 1 << 20,
    START_MIB = 8192,
    LATER_MIB = 1024,
    BLOCKS = 64
};

static void
lower(void)
{
    struct rlimit limit;
    EXPECT(getrlimit(RLIMIT_AS, &limit) == 0);
    limit.rlim_cur = (rlim_t)LATER_MIB * MIB;
    EXPECT(setrlimit(RLIMIT_AS, &limit) == 0);
}

static void *
work(void *unused)
{
    for (size_t i = 1; i < 3000; i++) {
        char *block = malloc(i);
        EXPECT(block != NULL);
        stamp(block, i, i);
        EXPECT(is_stamped(block, i, i));
        free(block);
    }
    return unused;
}

/* Blocks of a mebibyte, in all less than the limit. */
static void
allocate(void)
{
    static char *blocks[BLOCKS];
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(MIB);
        EXPECT(blocks[i] != NULL);
        stamp(blocks[i], 3000, i);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        EXPECT(is_stamped(blocks[i], 3000, i));
        free(blocks[i]);
    }
    work(NULL);
}

static void
started_without(void)
{
    pthread_t thread;
    work(NULL);
    lower();
    allocate();
    int error = pthread_create(&thread, NULL, work, NULL);
    EXPECT(error == 0 || error == EAGAIN);
    if (error == 0) {
        EXPECT(pthread_join(thread, NULL) == 0);
    }
    allocate();
}

static void
started_with(void)
{
    pthread_t thread;
    work(NULL);
    lower();
    EXPECT(pthread_create(&thread, NULL, work, NULL) == 0);
    EXPECT(pthread_join(thread, NULL) == 0);
    void *mapping =
        mmap(NULL, 64 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    EXPECT(mapping != MAP_FAILED);
    EXPECT(munmap(mapping, 64 * MIB) == 0);
    EXPECT(dlopen("libm.so.6", RTLD_NOW) != NULL);
    allocate();
    errno = 0;
    EXPECT(malloc(opaque_size((size_t)LATER_MIB * MIB)) == NULL && errno == ENOMEM);
    size_t taken = 0;
    while (malloc(opaque_size(MIB)) != NULL) {
        taken++;
    }
    EXPECT(taken >= LATER_MIB / 2 && taken < LATER_MIB);
}

int
main(int count, char **arguments)
{
    if (count > 1) {
        started_with();
        return 0;
    }
    struct rlimit limit;
    EXPECT(getrlimit(RLIMIT_AS, &limit) == 0);
    if (limit.rlim_cur != RLIM_INFINITY) {
        expect_skip("there is a limit on address space");
    }
    pid_t child = fork();
    if (child == 0) {
        started_without();
        _exit(0);
    }
    child_succeeds(child);
    child = fork();
    if (child == 0) {
        limit.rlim_cur = (rlim_t)START_MIB * MIB;
        EXPECT(setrlimit(RLIMIT_AS, &limit) == 0);
        execl("/proc/self/exe", arguments[0], "with", (char *)NULL);
        _exit(2);
    }
    child_succeeds(child);
    return 0;
}
