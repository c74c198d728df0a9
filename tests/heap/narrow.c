/* A machine that gives little: one that promises no more memory than it has (overcommit mode 2:
 * what is made writable counts, what is only reserved does not), and one whose addresses end at
 * 2^39. Allocation says NULL with ENOMEM at the end of it, nothing is lost, and all can be had
 * again once it was freed. The wrappers replace the system room's functions at link time. */
#include "os/os.h"
#include "tarn/heap.h"
#include "tarn/tarn.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static size_t may_commit = SIZE_MAX; /* bytes */
static size_t may_reserve = SIZE_MAX;

void *__real_tn_os_reserve(size_t size, size_t align);
bool __real_tn_os_commit(void *start, size_t size);
void __real_tn_os_release(void *start, size_t size);
void *__wrap_tn_os_reserve(size_t size, size_t align);
bool __wrap_tn_os_commit(void *start, size_t size);
void __wrap_tn_os_release(void *start, size_t size);

void *
__wrap_tn_os_reserve(size_t size, size_t align)
{
    if (size > may_reserve || align > may_reserve) {
        return NULL;
    }
    void *start = __real_tn_os_reserve(size, align);
    if (start != NULL && may_reserve != SIZE_MAX) {
        may_reserve -= size;
    }
    return start;
}

void
__wrap_tn_os_release(void *start, size_t size)
{
    __real_tn_os_release(start, size);
    if (may_reserve != SIZE_MAX) {
        may_reserve += size;
    }
}

bool
__wrap_tn_os_commit(void *start, size_t size)
{
    if (size > may_commit || !__real_tn_os_commit(start, size)) {
        return false;
    }
    may_commit -= size;
    return true;
}

static void
require(bool condition, const char *what)
{
    if (!condition) {
        fprintf(stderr, "%s\n", what);
        exit(1);
    }
}

#define MOST (1 << 20)

/* Blocks of a size until there are no more, or most bytes; all freed again. Returns the bytes. */
static size_t
exhaust(size_t size, size_t most)
{
    static unsigned char **blocks;
    size_t count = 0;
    if (blocks == NULL) {
        blocks = mmap(NULL, MOST * sizeof *blocks, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    }
    while (count < MOST && count * size < most) {
        errno = 0;
        blocks[count] = tarn_malloc(size);
        if (blocks[count] == NULL) {
            require(errno == ENOMEM, "NULL without ENOMEM");
            break;
        }
        blocks[count][0] = (unsigned char)count;
        blocks[count][size - 1] = (unsigned char)count;
        count++;
    }
    for (size_t i = 0; i < count; i++) {
        require(blocks[i][0] == (unsigned char)i && blocks[i][size - 1] == (unsigned char)i,
                "contents lost");
        tarn_free(blocks[i]);
    }
    require(tarn_heap_check(tarn_heap_process()) == NULL, "an invariant is broken");
    return count * size;
}

int
main(int count, char **words)
{
    bool commit = count > 1 && strcmp(words[1], "commit") == 0;
    size_t most = (size_t)128 << 20;
    if (commit) {
        may_commit = most;
    } else {
        may_reserve = (size_t)1 << 39;
        most = (size_t)256 << 20;
    }
    static const size_t sizes[] = {100, 3000, 20000, 70000, 1 << 20, 100};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        size_t had = exhaust(sizes[i], 2 * most);
        size_t wanted = commit ? most / 2 : sizes[i] * 1000 < most ? sizes[i] * 1000 : most;
        if (had < wanted) {
            fprintf(stderr, "%zu bytes in blocks of %zu, %zu could be had\n", had, sizes[i], most);
            return 1;
        }
        if (commit) {
            require(had <= most, "more than was promised");
        }
    }
    errno = 0;
    require(tarn_malloc((size_t)1 << 39) == NULL && errno == ENOMEM, "more than there is");
    return 0;
}
