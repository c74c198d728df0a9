/*
 * Commits of an image that know from the kernel where page faults were: they find what the
 * committing thread stored, what another one did, and what a system call wrote into the image, each
 * alone and mixed; and look at next to nothing else. With `untold` the kernel keeps it to itself.
 *
 *     told_where FILE ROUNDS SEED [untold]
 */
#include "expect.h"

#include <tarn/persist.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdarg.h>
#include <sys/syscall.h>

#define PAGE    4096u
#define PAGES   16384u
#define COMMITS 12 /* of a round */

int __real_ioctl(int file, unsigned long request, ...);
int __wrap_ioctl(int file, unsigned long request, ...);
long __real_syscall(long number, ...);
long __wrap_syscall(long number, ...);

static bool untold;
static bool refused;
static unsigned long looks;

int
__wrap_ioctl(int file, unsigned long request, ...)
{
    va_list list;
    va_start(list, request);
    void *argument = va_arg(list, void *);
    va_end(list);
    looks++;
    return __real_ioctl(file, request, argument);
}

long
__wrap_syscall(long number, ...)
{
    va_list list;
    long a[6];
    va_start(list, number);
    for (unsigned i = 0; i < 6; i++) {
        a[i] = va_arg(list, long);
    }
    va_end(list);
    if (number == SYS_perf_event_open && untold) {
        refused = true;
        errno = EACCES;
        return -1;
    }
    long result = __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    refused = refused || (number == SYS_perf_event_open && result < 0);
    return result;
}

static tarn_heap *heap;
static char *data;
static uint32_t expected[PAGES];
static uint64_t seed;
static int pipes[2];

/* The other thread's task. */
static size_t its_page;
static uint32_t its_word;
static sem_t go;
static sem_t done;

static void
store(size_t page, uint32_t word)
{
    memcpy(data + page * PAGE + 64, &word, sizeof word);
}

static void *
other_thread(void *unused)
{
    (void)unused;
    for (;;) {
        sem_wait(&go);
        if (its_page == PAGES) {
            return NULL;
        }
        store(its_page, its_word);
        sem_post(&done);
    }
}

static uint64_t
draw(void)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return seed >> 33;
}

static void
change(unsigned how)
{
    size_t page = draw() % PAGES;
    uint32_t word = (uint32_t)draw();
    expected[page] = word;
    if (how == 0) {
        store(page, word);
    } else if (how == 1) {
        its_page = page;
        its_word = word;
        sem_post(&go);
        sem_wait(&done);
    } else {
        EXPECT(write(pipes[1], &word, sizeof word) == sizeof word);
        EXPECT(read(pipes[0], data + page * PAGE + 64, sizeof word) == sizeof word);
    }
    if (draw() % 4 == 0) { /* a fault that changes nothing */
        (void)*(volatile char *)(data + draw() % PAGES * PAGE);
    }
}

static void
compare(void)
{
    for (size_t i = 0; i < PAGES; i++) {
        uint32_t word;
        memcpy(&word, data + i * PAGE + 64, sizeof word);
        EXPECT(word == expected[i]);
    }
}

static void
mixed(unsigned rounds)
{
    pthread_t other;
    EXPECT(pipe(pipes) == 0 && sem_init(&go, 0, 0) == 0 && sem_init(&done, 0, 0) == 0);
    EXPECT(pthread_create(&other, NULL, other_thread, NULL) == 0);
    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned i = 0; i < COMMITS; i++) {
            unsigned only = (unsigned)(draw() % 4);
            for (uint64_t n = draw() % 5; n > 0; n--) {
                change(only < 3 ? only : (unsigned)(draw() % 3));
            }
            EXPECT(tarn_commit(heap) == 0);
        }
        EXPECT(tarn_rollback(heap) == 0); /* what no commit found is gone */
        compare();
    }
    its_page = PAGES;
    sem_post(&go);
    pthread_join(other, NULL);
}

static void
alone(void)
{
    for (size_t i = 0; i < PAGES; i++) {
        store(i, expected[i]);
    }
    for (unsigned i = 0; i < 4; i++) { /* until it is noted */
        change(0);
        EXPECT(tarn_commit(heap) == 0);
        EXPECT(tarn_commit(heap) == 0);
    }
    looks = 0;
    for (unsigned i = 0; i < 200; i++) {
        size_t page = i * 7919u % PAGES;
        store(page, ++expected[page]);
        EXPECT(tarn_commit(heap) == 0);
    }
    printf("%lu looks at page tables in 200 commits of a page%s\n", looks,
           refused ? ", not told where" : "");
    EXPECT(refused || looks <= 220);
}

int
main(int argc, char **argv)
{
    char journal[4096];
    EXPECT(argc >= 4);
    untold = argc > 4;
    seed = strtoull(argv[3], NULL, 10);
    snprintf(journal, sizeof journal, "%.4000s-journal", argv[1]);
    unlink(argv[1]);
    unlink(journal);
    heap = tarn_create(argv[1], &(tarn_options){.flags = TARN_PROCESS,
                                                .capacity = (size_t)256 << 20,
                                                .journal_most = (size_t)1 << 30});
    EXPECT(heap != NULL);
    data = tarn_heap_zalloc(heap, (size_t)PAGES * PAGE);
    EXPECT(data != NULL);
    tarn_set_root(heap, data);
    EXPECT(tarn_commit(heap) == 0);
    mixed((unsigned)strtoul(argv[2], NULL, 10));
    alone();
    EXPECT(tarn_rollback(heap) == 0);
    compare();
    tarn_close_without_commit(heap);
    unlink(argv[1]);
    unlink(journal);
    return 0;
}
