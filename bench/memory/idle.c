/* Does an idle process give memory back? Builds a peak of mixed sizes, frees all but one block in
 * twenty, scattered, then sleeps without a call into the allocator, then frees the rest and sleeps
 * again, telling the resident set at each stage.
 *
 * The floor is the number of pages that the kept blocks lie on, as this allocator placed them: what
 * an allocator that cannot move blocks is bound to keep. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
    PAGE = 4096,
    KEEP_ONE_IN = 20,
    LARGE_ONE_IN = 10, /* blocks of 1 to 16 KiB among those of 16 to 256 bytes */
    CHURN_ROUNDS = 1,  /* times each block is replaced, on average, before the peak is taken */
    MOST_BLOCKS = 1 << 19,
};

static const size_t PEAK = 288000000; /* bytes live at the peak */

struct block {
    unsigned char *at;
    size_t size;
};

struct stage {
    const char *name;
    size_t resident;
};

static void
idle(time_t seconds)
{
    struct timespec rest = {.tv_sec = seconds};
    while (nanosleep(&rest, &rest) != 0) {
    }
}

static struct block
take(struct bench_random *random)
{
    size_t size = bench_below(random, LARGE_ONE_IN) == 0 ? bench_between(random, 1024, 16384)
                                                         : bench_between(random, 16, 256);
    struct block block = {.at = bench_checked(malloc(size), size), .size = size};
    memset(block.at, 0x5a, size);
    bench_stamp(block.at, size);
    return block;
}

static void
drop(struct block *block)
{
    bench_verify(block->at, block->size);
    free(block->at);
    block->at = NULL;
}

static int
by_address(const void *left, const void *right)
{
    uintptr_t a = (uintptr_t)((const struct block *)left)->at;
    uintptr_t b = (uintptr_t)((const struct block *)right)->at;
    return (a > b) - (a < b);
}

/* Bytes of the pages that the `count` blocks, in order of address, touch. */
static size_t
pages_under(const struct block *blocks, size_t count)
{
    size_t pages = 0;
    uintptr_t next = 0; /* first page not counted yet */
    for (size_t i = 0; i < count; i++) {
        uintptr_t first = (uintptr_t)blocks[i].at / PAGE;
        uintptr_t last = ((uintptr_t)blocks[i].at + blocks[i].size - 1) / PAGE;
        first = first < next ? next : first;
        if (last >= first) {
            pages += last - first + 1;
            next = last + 1;
        }
    }
    return pages * PAGE;
}

int
main(int argc, char **argv)
{
    /* Mapped, not allocated: this program's own needs shall not show in the allocator's figures. */
    struct block *blocks = mmap(NULL, MOST_BLOCKS * sizeof *blocks, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (blocks == MAP_FAILED)
        bench_die("no room for the table of blocks");
    unsigned divisor = argc > 1 ? (unsigned)strtoul(argv[1], NULL, 10) : 1;
    if (divisor == 0)
        bench_die("usage: %s [DIVISOR]: the peak and the pauses are divided by DIVISOR", argv[0]);
    const time_t pauses[] = {3 / (time_t)divisor, 9 / (time_t)divisor, 3 / (time_t)divisor};
    struct stage stages[5];
    struct bench_random random = {.state = 1};

    size_t before = bench_resident();
    size_t count = 0;
    for (size_t bytes = 0; bytes < PEAK / divisor; count++) {
        if (count == MOST_BLOCKS)
            bench_die("more than %d blocks", MOST_BLOCKS);
        blocks[count] = take(&random);
        bytes += blocks[count].size;
    }
    for (size_t i = 0; i < CHURN_ROUNDS * count; i++) {
        struct block *block = &blocks[bench_below(&random, count)];
        drop(block);
        *block = take(&random);
    }
    /* Whatever a real program still holds when its peak is over: a last small block. */
    struct block last = take(&random);
    stages[0] = (struct stage){"peak", bench_resident()};

    size_t kept = 0;
    size_t live = 0;
    for (size_t i = 0; i < count; i++) {
        if (bench_below(&random, KEEP_ONE_IN) == 0) {
            live += blocks[i].size;
            blocks[kept++] = blocks[i];
        } else {
            drop(&blocks[i]);
        }
    }
    /* The table's tail, and in its place a copy of its head: what follows frees in the scattered
     * order of the head and counts pages in the copy's. */
    struct block *sorted = blocks + MOST_BLOCKS / 2;
    madvise(blocks + MOST_BLOCKS / 8, MOST_BLOCKS / 8 * 7 * sizeof *blocks, MADV_DONTNEED);
    memcpy(sorted, blocks, kept * sizeof *blocks);
    stages[1] = (struct stage){"freed", bench_resident()};
    idle(pauses[0]);
    stages[2] = (struct stage){"idle 3 s", bench_resident()};
    idle(pauses[1]);
    stages[3] = (struct stage){"idle 12 s", bench_resident()};

    for (size_t i = 0; i < kept; i++)
        drop(&blocks[i]);
    idle(pauses[2]);
    stages[4] = (struct stage){"all freed + 3 s", bench_resident()};

    /* Only now: qsort may allocate, and printing does. */
    qsort(sorted, kept, sizeof sorted[0], by_address);
    for (size_t i = 0; i < 5; i++)
        printf("%s: %.1f\n", stages[i].name, (double)stages[i].resident / 1e6);
    printf("live: %.1f\nfloor: %.1f\n", (double)live / 1e6,
           (double)(pages_under(sorted, kept) + before) / 1e6);
    drop(&last);
    return 0;
}
