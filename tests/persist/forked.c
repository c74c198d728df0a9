/*
 * A fork's child has the heap as it was at the fork, whatever its parent commits and writes to the
 * file, until it ends: pages that it had not looked at before too.
 *
 *     forked FILE
 */
#include "beside.h"
#include "expect.h"
#include "say_fault.h"

#include <tarn/persist.h>

#include <sys/wait.h>

#define BLOCK   ((size_t)4 << 20)
#define NUMBERS (BLOCK / sizeof(uint64_t))

static const char *path;
static char journal[4096];

static void
set(uint64_t *numbers, uint64_t value)
{
    for (size_t i = 0; i < NUMBERS; i++) {
        numbers[i] = value;
    }
}

static bool
are(const uint64_t *numbers, uint64_t value)
{
    size_t i = 0;
    while (i < NUMBERS && numbers[i] == value) {
        i++;
    }
    return i == NUMBERS;
}

/* All of it in the file, and nothing of it in memory. */
static void
make(void)
{
    unlink(path);
    unlink(journal);
    tarn_heap *heap = tarn_create(path, &(tarn_options){.capacity = 8 * BLOCK});
    EXPECT(heap != NULL);
    uint64_t *numbers = tarn_heap_malloc(heap, BLOCK);
    set(numbers, 1);
    tarn_set_root(heap, numbers);
    EXPECT(tarn_checkpoint(heap) == 0);
    EXPECT(tarn_close(heap) == 0);
}

static void
look_and_use(tarn_heap *heap, int told)
{
    char byte;
    EXPECT(read(told, &byte, 1) == 0);
    uint64_t *numbers = tarn_root(heap);
    EXPECT(are(numbers, 1));
    EXPECT(tarn_check_heap(heap, say_fault, NULL) == 0);
    for (unsigned i = 0; i < 100; i++) {
        EXPECT(tarn_heap_malloc(heap, 3000) != NULL);
    }
    tarn_heap_free(heap, numbers);
    EXPECT(tarn_commit(heap) == -1 && errno == EPERM);
    tarn_close_without_commit(heap);
}

static void
wait_for(pid_t child)
{
    int status;
    waitpid(child, &status, 0);
    EXPECT(status == 0);
}

/* The parent writes, or frees, what the child has. */
static void
fork_and(unsigned flags, bool frees)
{
    int tell[2];
    make();
    EXPECT(pipe(tell) == 0);
    tarn_heap *heap = tarn_open(path, &(tarn_options){.flags = flags, .journal_most = 4096});
    EXPECT(heap != NULL);
    uint64_t *numbers = tarn_root(heap);
    pid_t child = fork();
    if (child == 0) {
        close(tell[1]);
        look_and_use(heap, tell[0]);
        _exit(0);
    }
    close(tell[0]);
    if (frees) {
        tarn_heap_free(heap, numbers);
        tarn_heap_trim(heap);
    } else {
        set(numbers, 2);
    }
    EXPECT(tarn_commit(heap) == 0);
    EXPECT(tarn_checkpoint(heap) == -1 && errno == EBUSY);
    close(tell[1]);
    wait_for(child);
    EXPECT(tarn_checkpoint(heap) == 0);
    EXPECT(frees || are(numbers, 2));
    EXPECT(tarn_close(heap) == 0);
    EXPECT(tarn_check(path, say_fault, NULL) == 0);
}

/* A child that closes its copy is no reader any more, nor is one that calls another program. */
static void
let_go(void)
{
    int tell[2];
    int told[2];
    char byte = 0;
    make();
    EXPECT(pipe(tell) == 0 && pipe(told) == 0);
    tarn_heap *heap = tarn_open(path, NULL);
    EXPECT(heap != NULL);
    pid_t child = fork();
    if (child == 0) {
        close(tell[1]);
        tarn_close_without_commit(heap);
        EXPECT(write(told[1], &byte, 1) == 1);
        EXPECT(read(tell[0], &byte, 1) == 0);
        _exit(0);
    }
    EXPECT(read(told[0], &byte, 1) == 1);
    set(tarn_root(heap), 3);
    EXPECT(tarn_checkpoint(heap) == 0);
    EXPECT(system("exit 0") == 0);
    EXPECT(tarn_checkpoint(heap) == 0);
    close(tell[1]);
    wait_for(child);
    EXPECT(tarn_close(heap) == 0);
}

/* A child of a reader, which closes at once: the writer waits for the child. */
static void
fork_a_reader(void)
{
    int tell[2];
    make();
    EXPECT(pipe(tell) == 0);
    tarn_heap *heap = tarn_open(path, &(tarn_options){.flags = TARN_READ_ONLY});
    EXPECT(heap != NULL);
    pid_t child = fork();
    if (child == 0) {
        char byte;
        close(tell[1]);
        EXPECT(read(tell[0], &byte, 1) == 0);
        EXPECT(are(tarn_root(heap), 1));
        tarn_close_without_commit(heap);
        _exit(0);
    }
    close(tell[0]);
    EXPECT(tarn_close(heap) == 0);
    heap = tarn_open(path, NULL);
    EXPECT(heap != NULL);
    set(tarn_root(heap), 2);
    EXPECT(tarn_checkpoint(heap) == -1 && errno == EBUSY);
    close(tell[1]);
    wait_for(child);
    EXPECT(tarn_checkpoint(heap) == 0);
    EXPECT(tarn_close(heap) == 0);
}

int
main(int argc, char **argv)
{
    if (argc < 2) {
        return 2;
    }
    path = argv[1];
    name_journal(journal, path);
    fork_and(0, false);
    fork_and(0, true);
    fork_and(TARN_PAGE_MAP, false);
    let_go();
    fork_a_reader();
    unlink(path);
    unlink(journal);
    return 0;
}
