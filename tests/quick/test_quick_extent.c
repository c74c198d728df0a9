/* One region as large as an address space allows: a terabyte in the wide form, which this file is
 * compiled in, of which only what is used is touched. Exit code 77: the system reserves no such
 * range. */
#define _GNU_SOURCE
#include "tarn/quick.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

static int failures;

static void
expect(int holds, const char *what)
{
    if (!holds) {
        printf("FAILED: %s\n", what);
        failures = 1;
    }
}

int
main(void)
{
    const size_t size = (size_t)1 << 40;
    const size_t large = size / 8 * 5;
    struct tarn_quick_stats stats;
    struct tarn_quick *q;
    unsigned char *object[1000];
    unsigned char *most;
    unsigned char *aligned;
    void *memory;
    size_t i;

    memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
                  -1, 0);
    if (memory == MAP_FAILED) {
        printf("skipped: no range of a terabyte\n");
        return 77;
    }
    q = tarn_quick_init(memory, size, 0, NULL);
    if (q == NULL) {
        printf("FAILED: no heap in a terabyte\n");
        return 1;
    }
    for (i = 0; i < 1000; i++) {
        object[i] = tarn_quick_malloc(q, i * 3);
        expect(object[i] != NULL, "a small object");
        memset(object[i], (int)i, i * 3);
    }
    most = tarn_quick_mallocz(q, large, 0);
    expect(most != NULL, "five eighths of it in one object");
    most[0] = 1;
    most[large - 1] = 2;
    expect(tarn_quick_mallocz(q, large, 0) == NULL, "the same again is refused");
    aligned = tarn_quick_mallocalign(q, 100, (size_t)1 << 30, 24, 0);
    expect(aligned != NULL && ((size_t)(uintptr_t)aligned & (((size_t)1 << 30) - 1)) == 24,
           "24 beyond a multiple of 2^30");
    expect(tarn_quick_check(q, NULL) == NULL, "every invariant");
    for (i = 0; i < 1000; i++) {
        expect(i == 0 || object[i][i * 3 - 1] == (unsigned char)i, "contents");
        tarn_quick_free(q, object[i]);
    }
    expect(most[0] == 1 && most[large - 1] == 2, "contents at both ends");
    tarn_quick_free(q, most);
    tarn_quick_free(q, aligned);
    tarn_quick_flush(q);
    tarn_quick_get_stats(q, &stats);
    expect(stats.objects == 0 && stats.used == 0 && stats.total > size - 1024, "all given back");
    expect(stats.peak > large, "the high-water mark");
    most = tarn_quick_mallocz(q, stats.largest, 0);
    expect(most != NULL && stats.largest > size - 1024, "all of it in one object");
    expect(tarn_quick_check(q, NULL) == NULL, "every invariant at the end");
    return failures;
}
