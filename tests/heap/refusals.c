/* Memory that the system refuses, at every call that asks for some: the n-th fails, once or from
 * then on. Nothing is damaged, allocation says NULL with ENOMEM, and all works again afterwards.
 * The wrappers replace the system room's functions at link time. */
#include "heap/first_class.h"
#include "os/os.h"
#include "tarn/heap.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static size_t calls;
static size_t failing; /* the call that fails, 0: none */
static bool from_then_on;

static bool
fails(void)
{
    calls++;
    return failing != 0 && (calls == failing || (from_then_on && calls > failing));
}

void *__real_tn_os_reserve(size_t size, size_t align);
bool __real_tn_os_commit(void *start, size_t size);
bool __real_tn_os_show(void *start, size_t size);
bool __real_tn_os_purge(void *start, size_t size);
bool __real_tn_os_move(void *from, void *to, size_t size);
bool __real_tn_os_renew(void *start, size_t size);
void *__wrap_tn_os_reserve(size_t size, size_t align);
bool __wrap_tn_os_commit(void *start, size_t size);
bool __wrap_tn_os_show(void *start, size_t size);
bool __wrap_tn_os_purge(void *start, size_t size);
bool __wrap_tn_os_move(void *from, void *to, size_t size);
bool __wrap_tn_os_renew(void *start, size_t size);

void *
__wrap_tn_os_reserve(size_t size, size_t align)
{
    return fails() ? NULL : __real_tn_os_reserve(size, align);
}

bool
__wrap_tn_os_commit(void *start, size_t size)
{
    return !fails() && __real_tn_os_commit(start, size);
}

bool
__wrap_tn_os_show(void *start, size_t size)
{
    return !fails() && __real_tn_os_show(start, size);
}

bool
__wrap_tn_os_purge(void *start, size_t size)
{
    return !fails() && __real_tn_os_purge(start, size);
}

bool
__wrap_tn_os_move(void *from, void *to, size_t size)
{
    return !fails() && __real_tn_os_move(from, to, size);
}

bool
__wrap_tn_os_renew(void *start, size_t size)
{
    return !fails() && __real_tn_os_renew(start, size);
}

static void
require(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "call %zu of %s failing: %s\n", failing, from_then_on ? "all" : "one",
                what);
        exit(1);
    }
}

#define BLOCKS 700

static size_t
size_of_block(size_t i)
{
    static const size_t sizes[] = {16, 100, 1000, 5000, 20000, 70000, 400000, 3000000};
    return sizes[i * 7 % 8] + i;
}

/* Allocates, grows, frees and checks; blocks that could not be had are left out. */
static void
work(void)
{
    static unsigned char *blocks[BLOCKS];
    tarn_heap *heap = tarn_heap_new();
    if (heap == NULL) {
        require(errno == ENOMEM, "no heap, and errno is not ENOMEM");
        return;
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        size_t size = size_of_block(i);
        errno = 0;
        blocks[i] = tarn_heap_malloc(heap, size);
        require(blocks[i] != NULL || errno == ENOMEM, "NULL without ENOMEM");
        if (blocks[i] != NULL) {
            blocks[i][0] = (unsigned char)i;
            blocks[i][size - 1] = (unsigned char)i;
        }
        if (i % 5 == 4 && blocks[i - 2] != NULL) {
            tarn_heap_free(heap, blocks[i - 2]);
            blocks[i - 2] = NULL;
        }
        if (i % 9 == 8 && blocks[i] != NULL) {
            unsigned char *more = tarn_heap_realloc(heap, blocks[i], size * 3);
            if (more != NULL) {
                blocks[i] = more;
                require(more[0] == (unsigned char)i && more[size - 1] == (unsigned char)i,
                        "contents lost in realloc");
            }
        }
    }
    require(tarn_heap_check(heap) == NULL, "an invariant is broken");
    for (size_t i = 0; i < BLOCKS; i++) {
        if (blocks[i] != NULL) {
            require(blocks[i][0] == (unsigned char)i &&
                        blocks[i][size_of_block(i) - 1] == (unsigned char)i,
                    "contents lost");
            tarn_heap_free(heap, blocks[i]);
        }
        blocks[i] = NULL;
    }
    tarn_heap_trim(heap);
    require(tarn_heap_check(heap) == NULL, "an invariant is broken after all is freed");
    tarn_heap_destroy(heap);
}

int
main(void)
{
    work(); /* the process heap and this thread's cache are there */
    calls = 0;
    work();
    size_t all = calls;
    for (int forever = 0; forever < 2; forever++) {
        from_then_on = forever;
        for (failing = 1; failing <= all; failing++) {
            calls = 0;
            work();
        }
    }
    failing = 0;
    work();
    printf("%zu calls, each failed once and for good\n", all);
    return all > 20 ? 0 : 1;
}
