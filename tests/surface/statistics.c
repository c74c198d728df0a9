/* What the allocator says of itself is true: mallinfo2 and mallinfo follow what is live,
 * malloc_info writes well-formed XML, malloc_stats writes to stderr and to nothing else. */
#include "expect.h"

#include <fcntl.h>
#include <malloc.h>
#include <pthread.h>

enum {
    BLOCKS = 10000,
    SMALL = 1000,
    MIB = 1 << 20
};

static void *blocks[BLOCKS];

static size_t
live_bytes(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

static void
allocate_small(void)
{
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(SMALL);
        EXPECT(blocks[i] != NULL);
        memset(blocks[i], 1, SMALL);
    }
}

static void *
allocate_elsewhere(void *unused)
{
    allocate_small();
    return unused;
}

static void
follows_live_bytes(void)
{
    size_t start = live_bytes();
    allocate_small();
    size_t full = live_bytes();
    EXPECT(full >= start + (size_t)BLOCKS * SMALL);
    EXPECT(full <= start + (size_t)BLOCKS * SMALL * 5 / 4);
    for (int i = 0; i < BLOCKS; i++) {
        free(blocks[i]);
    }
    EXPECT(live_bytes() <= start + MIB);

    size_t before = live_bytes();
    void *large = malloc((size_t)32 * MIB);
    EXPECT(large != NULL);
    EXPECT(live_bytes() >= before + (size_t)32 * MIB);
    EXPECT(live_bytes() <= before + (size_t)34 * MIB);
    free(large);
    EXPECT(live_bytes() <= before + MIB);

    /* Blocks of a thread that has ended are live too, and go when another thread frees them. */
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, allocate_elsewhere, NULL) == 0);
    EXPECT(pthread_join(thread, NULL) == 0);
    EXPECT(live_bytes() >= before + (size_t)BLOCKS * SMALL);
    for (int i = 0; i < BLOCKS; i++) {
        free(blocks[i]);
    }
    EXPECT(live_bytes() <= before + MIB);

    struct mallinfo2 wide = mallinfo2();
    struct mallinfo narrow = mallinfo();
    EXPECT((size_t)narrow.uordblks + MIB >= wide.uordblks);
    EXPECT((size_t)narrow.uordblks <= wide.uordblks + MIB);
}

static void
writes_xml(void)
{
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    EXPECT(stream != NULL);
    EXPECT(malloc_info(0, stream) == 0);
    EXPECT(fclose(stream) == 0);
    EXPECT(strncmp(text, "<malloc version=", 16) == 0);
    EXPECT(strstr(text, "</malloc>") != NULL);
    size_t open = 0;
    size_t close = 0;
    for (size_t i = 0; i < length; i++) {
        open += text[i] == '<';
        close += text[i] == '>';
    }
    EXPECT(open == close);
    free(text);
    EXPECT(malloc_info(1, stderr) != 0);
}

static void
writes_to_stderr(void)
{
    char name[] = "/tmp/statistics-XXXXXX";
    int file = mkstemp(name);
    int saved = dup(2);
    EXPECT(file >= 0 && saved >= 0);
    EXPECT(unlink(name) == 0);
    EXPECT(dup2(file, 2) == 2);
    malloc_stats();
    fflush(stderr);
    off_t written = lseek(file, 0, SEEK_END);
    EXPECT(dup2(saved, 2) == 2);
    EXPECT(written > 0);
    close(file);
    close(saved);
}

int
main(void)
{
    follows_live_bytes();
    writes_xml();
    writes_to_stderr();
    return 0;
}
