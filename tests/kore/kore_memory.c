/* Kore's memory calls: sizes, contents, tags, zeroing, and how a program ends that asks for too
 * much, with and without a fatal() of its own. */
#include "expect.h"

#include <kore/kore.h>
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum {
    THREADS = 4,
    ROUNDS = 20000
};

#ifdef WITH_FATAL
void fatal(const char *format, const char *text);

/* The program's own way to end; the format is always "%s". */
void
fatal(const char *format, const char *text)
{
    fprintf(stderr, "own fatal(%s): %s\n", format, text);
    exit(3);
}
#    define ENDS_WITH "own fatal(%s): "
#    define STATUS    3
#else
#    define ENDS_WITH "fatal: "
#    define STATUS    1
#endif

/* Runs a function in a child: it must end with this status and exactly this on stderr. */
static void
expect_end(void (*function)(void), int status, const char *text)
{
    int ends[2];
    char written[512];
    size_t length = 0;
    EXPECT(pipe(ends) == 0);
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child == 0) {
        dup2(ends[1], 2);
        close(ends[0]);
        close(ends[1]);
        function();
        _exit(0);
    }
    close(ends[1]);
    ssize_t got;
    while ((got = read(ends[0], written + length, sizeof written - 1 - length)) > 0) {
        length += (size_t)got;
    }
    close(ends[0]);
    written[length] = 0;
    int how;
    EXPECT(waitpid(child, &how, 0) == child);
    if (strcmp(written, text) != 0) {
        fprintf(stderr, "wanted: %sgot: %s", text, written);
    }
    EXPECT(strcmp(written, text) == 0);
    EXPECT(status < 0 ? WIFSIGNALED(how) && WTERMSIG(how) == -status
                      : WIFEXITED(how) && WEXITSTATUS(how) == status);
}

static void
sizes(void)
{
    for (size_t size = 0; size < 3000000; size = size < 9000 ? size + 1 : size * 4 / 3) {
        char *block = kore_malloc(size);
        EXPECT(is_aligned(block, owed_alignment(size)));
        stamp(block, size != 0 ? size : 8, size);
        EXPECT(is_stamped(block, size != 0 ? size : 8, size));
        if (size % 2 == 0) {
            kore_free(block);
        } else {
            kore_free_zero(block);
        }
    }
    kore_free(NULL);
    kore_free_zero(NULL);
}

static void
growing_and_shrinking(void)
{
    uint64_t random = 1;
    char *block = NULL;
    size_t had = 0;
    for (int i = 0; i < 4000; i++) {
        size_t size = next_random(&random) % (i % 50 == 0 ? 300000 : 12000);
        block = kore_realloc(block, size);
        EXPECT(block != NULL);
        EXPECT(is_stamped(block, had < size ? had : size, 7));
        stamp(block, size, 7);
        had = size;
    }
    kore_free(block);
}

static void
zeroed(void)
{
    for (size_t size = 1; size < 200000; size = size * 3 + 1) {
        void *dirty = kore_malloc(size * 3);
        memset(dirty, 0xff, size * 3);
        kore_free(dirty);
        char *block = kore_calloc(3, size);
        EXPECT(is_zero(block, size * 3));
        kore_free(block);
    }
    kore_free(kore_calloc(0, 8));
    kore_free(kore_calloc(8, 0));
    char text[40];
    memset(text, 'x', sizeof text);
    kore_mem_zero(text + 8, 16);
    EXPECT(text[7] == 'x' && is_zero(text + 8, 16) && text[24] == 'x');
    kore_mem_zero(NULL, 5);

    /* What kore_free_zero and kore_realloc leave behind is nothing. */
    unsigned char *secret = kore_malloc(5000);
    memset(secret, 0x77, 5000);
    kore_free_zero(secret);
    unsigned char *after = kore_malloc(5000);
    if (after == secret) {
        EXPECT(is_zero(after, 5000));
    }
    memset(after, 0x55, 5000);
    unsigned char *shorter = kore_realloc(after, 4990);
    EXPECT(shorter == after && is_zero(shorter + 4990, 10));
    kore_free(shorter);
}

static void
strings(void)
{
    char *copy = kore_strdup("tarn");
    EXPECT(strcmp(copy, "tarn") == 0);
    kore_free(copy);
    copy = kore_strdup("");
    EXPECT(copy[0] == 0);
    kore_free(copy);
}

static void
tags(void)
{
    void *blocks[1000];
    EXPECT(kore_mem_lookup(5) == NULL);
    for (uint32_t i = 0; i < 1000; i++) {
        blocks[i] = i % 2 == 0 ? kore_malloc_tagged(i * 20, i) : kore_malloc(i * 20);
        if (i % 2 == 1) {
            kore_mem_tag(blocks[i], i);
        }
    }
    for (uint32_t i = 0; i < 1000; i++) {
        EXPECT(kore_mem_lookup(i) == blocks[i]);
    }
    kore_mem_untag(blocks[3]);
    EXPECT(kore_mem_lookup(3) == NULL);
    kore_mem_untag(blocks[3]);
    kore_mem_tag(blocks[3], 5000);
    EXPECT(kore_mem_lookup(5000) == blocks[3]);
    for (uint32_t i = 0; i < 1000; i++) {
        kore_free(blocks[i]);
        EXPECT(kore_mem_lookup(i) == NULL);
    }
    EXPECT(kore_mem_lookup(5000) == NULL);

    char *kept = kore_malloc_tagged(100, 9);
    char *moved = kore_realloc(kept, 100000);
    EXPECT(moved != kept && kore_mem_lookup(9) == NULL);
    kore_mem_tag(moved, 9);
    kore_mem_cleanup();
    EXPECT(kore_mem_lookup(9) == NULL);
    kore_mem_tag(moved, 9);
    kore_free(moved);
}

static void
region(void)
{
    unsigned char *start = kore_mmap_region(100000);
    EXPECT(is_aligned(start, 4096) && is_zero(start, 100000));
    start[99999] = 1;
    EXPECT(munmap(start, 100000) == 0);
}

static void *
churn(void *seed)
{
    uint64_t random = (uintptr_t)seed;
    void *held[64] = {NULL};
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t r = next_random(&random);
        void **slot = &held[r % 64];
        kore_free(*slot);
        *slot = kore_malloc(r >> 8 & 0xfff);
        if (r % 1000 == 0) {
            uint32_t own = (uint32_t)((uintptr_t)seed << 16) + (uint32_t)i;
            kore_mem_tag(*slot, own);
            EXPECT(kore_mem_lookup(own) == *slot);
        }
    }
    for (int i = 0; i < 64; i++) {
        kore_free(held[i]);
    }
    return NULL;
}

static void
many_threads(void)
{
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++) {
        EXPECT(pthread_create(&threads[i], NULL, churn, (void *)(i + 1)) == 0);
    }
    for (int i = 0; i < THREADS; i++) {
        EXPECT(pthread_join(threads[i], NULL) == 0);
    }
}

static void
ask_too_much(void)
{
    kore_free(kore_malloc(opaque_size((size_t)1 << 60)));
}

static void
resize_too_much(void)
{
    kore_free(kore_realloc(kore_malloc(10), opaque_size((size_t)1 << 60)));
}

static void
multiply_too_much(void)
{
    kore_free(kore_calloc(opaque_size(SIZE_MAX / 2), 3));
}

static void
map_too_much(void)
{
    kore_mmap_region(opaque_size((size_t)1 << 60));
}

static void
tag_twice(void)
{
    kore_malloc_tagged(8, 77);
    kore_malloc_tagged(8, 77);
}

int
main(void)
{
    kore_free(kore_malloc(100)); /* before the pools are set up */
    kore_mem_init();
    sizes();
    growing_and_shrinking();
    zeroed();
    strings();
    tags();
    region();
    many_threads();
    expect_end(ask_too_much, STATUS,
               ENDS_WITH "kore_malloc(1152921504606846976): Cannot allocate memory\n");
    expect_end(resize_too_much, STATUS,
               ENDS_WITH "kore_realloc(1152921504606846976): Cannot allocate memory\n");
    expect_end(multiply_too_much, STATUS, ENDS_WITH "kore_calloc(): memb * len > SIZE_MAX\n");
    expect_end(map_too_much, STATUS, ENDS_WITH "kore_mmap_region: mmap: Cannot allocate memory\n");
    expect_end(tag_twice, STATUS, ENDS_WITH "kore_mem_tag: tag 77 taken\n");
    return 0;
}
