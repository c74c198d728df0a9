/*
 * Calls that would change a heap which is open for reading: each fails, does nothing, or ends the
 * process with one line.
 *
 *     reader_calls FILE
 */
#include "expect.h"
#include "say_fault.h"

#include <tarn/persist.h>
#include <tarn/tarn.h>

#include <signal.h>
#include <sys/wait.h>

#define LARGE ((size_t)1 << 20)

static tarn_heap *heap;
static char *small;
static char *large;

static void
free_small(void)
{
    tarn_free(small);
}

static void
free_large(void)
{
    tarn_free(large);
}

static void
free_in_heap(void)
{
    tarn_heap_free(heap, small);
}

static void
move(void)
{
    EXPECT(tarn_realloc(small, 10 * LARGE) == NULL);
}

static void
set_root(void)
{
    tarn_set_root(heap, small);
}

/* The process ends by abort, having said this and no more. */
static void
ends(void (*call)(void), const char *name, const char *block)
{
    char expected[128];
    char said[128] = {0};
    int status;
    int ends[2];
    EXPECT(pipe(ends) == 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], 2);
        call();
        _exit(0);
    }
    close(ends[1]);
    size_t got = 0;
    ssize_t part;
    while ((part = read(ends[0], said + got, sizeof said - 1 - got)) > 0) {
        got += (size_t)part;
    }
    close(ends[0]);
    waitpid(child, &status, 0);
    snprintf(expected, sizeof expected, "tarn: %s(%p): the image is open for reading [T313]\n",
             name, (const void *)block);
    if (strcmp(said, expected) != 0) {
        fprintf(stderr, "said \"%s\", not \"%s\"\n", said, expected);
    }
    EXPECT(strcmp(said, expected) == 0);
    EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

static void
make(const char *path)
{
    unlink(path);
    tarn_heap *made = tarn_create(path, &(tarn_options){.capacity = 8 * LARGE});
    EXPECT(made != NULL);
    EXPECT(tarn_set_named_root(made, "", made, 0, 0) == -1 && errno == EINVAL);
    EXPECT(tarn_set_named_root(made, "small", tarn_heap_strdup(made, "small"), 0, 0) == 0);
    EXPECT(tarn_set_named_root(made, "large", tarn_heap_malloc(made, LARGE), 0, 0) == 0);
    tarn_heap_free(made, tarn_heap_malloc(made, 2 * LARGE));
    EXPECT(tarn_close(made) == 0);
}

int
main(int argc, char **argv)
{
    if (argc < 2) {
        return 2;
    }
    make(argv[1]);
    heap = tarn_open(argv[1], &(tarn_options){.flags = TARN_READ_ONLY});
    EXPECT(heap != NULL);
    small = tarn_named_root(heap, "small", 0, 0);
    large = tarn_named_root(heap, "large", 0, 0);
    EXPECT(tarn_heap_malloc(heap, 10) == NULL && errno == ENOMEM);
    errno = 0;
    EXPECT(tarn_heap_malloc(heap, 2 * LARGE) == NULL && errno == ENOMEM);
    errno = 0;
    EXPECT(tarn_heap_realloc(heap, large, 2 * LARGE) == NULL && errno == ENOMEM);
    EXPECT(tarn_heap_realloc(heap, large, LARGE / 4) == large);
    EXPECT(!tarn_expand(large, 2 * LARGE));
    errno = 0;
    EXPECT(tarn_set_named_root(heap, "new", small, 0, 0) == -1 && errno == EROFS);
    EXPECT(tarn_heap_trim(heap) == 0);
    EXPECT(tarn_usable_size(small) >= 6 && strcmp(small, "small") == 0);
    ends(free_small, "tarn_free", small);
    ends(free_large, "tarn_free", large);
    ends(free_in_heap, "tarn_heap_free", small);
    ends(move, "tarn_realloc", small);
    ends(set_root, "tarn_set_root", small);
    EXPECT(tarn_check_heap(heap, say_fault, NULL) == 0);
    EXPECT(tarn_close(heap) == 0);
    unlink(argv[1]);
    return 0;
}
