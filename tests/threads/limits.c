/* Starts and works under a limit on address space or data, and at the limit fails with NULL and
 * ENOMEM, keeps what is live, and works again when something was freed. Usage: limits as|data MIB:
 * the program sets the limit and starts itself anew. */
#include "expect.h"
#include "threads/child.h"

#include <pthread.h>
#include <sys/resource.h>

enum {
    MOST = 1 << 17
};

static void *held[MOST];

/* Takes blocks of one size until there are none, gives them back; returns how many there were. */
static size_t
exhaust(size_t size, size_t budget)
{
    size_t count = 0;
    while (count < MOST && count * size < budget) {
        errno = 0;
        held[count] = malloc(size);
        if (held[count] == NULL) {
            EXPECT(errno == ENOMEM);
            break;
        }
        stamp(held[count], size < 64 ? size : 64, count);
        count++;
    }
    for (size_t i = 0; i < count; i++) {
        EXPECT(is_stamped(held[i], size < 64 ? size : 64, i));
        free(held[i]);
    }
    return count;
}

static size_t
address_space(void)
{
    size_t pages = 0;
    FILE *file = fopen("/proc/self/statm", "r");
    EXPECT(file != NULL && fscanf(file, "%zu", &pages) == 1);
    fclose(file);
    return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* What cannot be had costs nothing, however often it is asked for. */
static void
ask_for_too_much(size_t limit)
{
    EXPECT(malloc(limit * 4) == NULL);
    size_t before = address_space();
    for (int i = 0; i < 80; i++) {
        EXPECT(malloc(limit * 4) == NULL && errno == ENOMEM);
    }
    EXPECT(address_space() <= before);
}

static void *
work_in_thread(void *unused)
{
    for (size_t i = 1; i < 2000; i++) {
        void *block = malloc(i);
        EXPECT(block != NULL);
        stamp(block, i, i);
        EXPECT(is_stamped(block, i, i));
        free(block);
    }
    return unused;
}

static int
work(size_t mebibytes)
{
    pthread_t thread;
    pthread_attr_t small;
    size_t limit = mebibytes << 20;
    size_t budget = limit > ((size_t)1 << 30) ? (size_t)1 << 30 : limit * 2;

    /* A quarter of the limit is there for the program, in small and in large blocks, time and
     * again. */
    for (int round = 0; round < 3; round++) {
        EXPECT(exhaust(1000, limit / 4 < ((size_t)64 << 20) ? limit / 4 : (size_t)64 << 20) *
                   1000 >=
               (limit / 4 < ((size_t)64 << 20) ? limit / 4 : (size_t)64 << 20));
        EXPECT(exhaust(limit / 64, limit / 4) >= 16);
    }
    EXPECT(pthread_attr_init(&small) == 0);
    EXPECT(pthread_attr_setstacksize(&small, 131072) == 0);
    for (int i = 0; i < 20; i++) {
        EXPECT(pthread_create(&thread, &small, work_in_thread, NULL) == 0);
        EXPECT(pthread_join(thread, NULL) == 0);
    }
    ask_for_too_much(limit);
    /* To the very end and back, in several sizes; then ordinary work goes on. */
    size_t first = exhaust(3 << 20, budget);
    exhaust(40000, budget);
    exhaust(1000, budget);
    EXPECT(exhaust(3 << 20, budget) + 2 >= first / 2);
    work_in_thread(NULL);
    /* What was freed may still count against the limit, so the C library may lack a stack. */
    if (pthread_create(&thread, &small, work_in_thread, NULL) == 0) {
        EXPECT(pthread_join(thread, NULL) == 0);
    } else {
        fprintf(stderr, "no room for a thread's stack after all was freed\n");
    }
    return 0;
}

int
main(int count, char **arguments)
{
    EXPECT(count >= 3);
    size_t mebibytes = strtoull(arguments[2], NULL, 10);
    if (count > 3) {
        return work(mebibytes);
    }
    struct rlimit limit = {mebibytes << 20, mebibytes << 20};
    pid_t child = fork();
    if (child == 0) {
        EXPECT(setrlimit(arguments[1][0] == 'a' ? RLIMIT_AS : RLIMIT_DATA, &limit) == 0);
        execl("/proc/self/exe", arguments[0], arguments[1], arguments[2], "work", (char *)NULL);
        _exit(2);
    }
    child_succeeds(child);
    return 0;
}
