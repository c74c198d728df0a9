/* Records the allocations of an unmodified program as a trace (MTRACE01), for the test folder:
 *
 *   cc -O2 -shared -fPIC record.c -o record.so
 *   TRACE_FILE=out.mt LD_PRELOAD=./record.so PROGRAM ARGUMENTS
 *
 * Single-threaded programs only. Holds sizes and object numbers, no addresses and no data. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void __libc_free(void *);

enum {
    SLOTS = 1 << 20,
    BUFFER = 4096
};

struct event {
    uint8_t op, align;
    uint16_t thread;
    uint32_t id, size;
};

struct place {
    void *object;
    uint32_t id, size;
};

static struct place *table;
static uint32_t *unused;
static uint32_t unused_count, slots;
static struct event buffer[BUFFER];
static unsigned fill;
static int file = -2;
static uint64_t events, live, peak, total;
static uint32_t blocks, peak_blocks, largest, count[7];

static void
flush(void)
{
    if (write(file, buffer, fill * sizeof *buffer) < 0) {
        _exit(99);
    }
    fill = 0;
}

static void
finish(void)
{
    unsigned char head[64] = "MTRACE01";
    uint32_t other = count[2] + count[4];

    flush();
    memcpy(head + 8, &slots, 4);
    memcpy(head + 16, &events, 8);
    memcpy(head + 24, &peak, 8);
    memcpy(head + 32, &total, 8);
    memcpy(head + 40, &peak_blocks, 4);
    memcpy(head + 44, &largest, 4);
    memcpy(head + 48, &count[1], 4);
    memcpy(head + 52, &count[5], 4);
    memcpy(head + 56, &count[3], 4);
    memcpy(head + 60, &other, 4);
    if (pwrite(file, head, sizeof head, 0) < 0) {
        _exit(99);
    }
    file = -1;
}

static int
ready(void)
{
    if (file == -2) {
        const char *path = getenv("TRACE_FILE");
        char zero[64] = {0};

        file = -1;
        table = mmap(NULL, SLOTS * sizeof *table, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        unused = mmap(NULL, SLOTS * sizeof *unused, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (path != NULL && table != MAP_FAILED && unused != MAP_FAILED) {
            file = open(path, O_CREAT | O_TRUNC | O_RDWR | O_CLOEXEC, 0644);
            unsetenv("LD_PRELOAD");
            if (write(file, zero, sizeof zero) < 0) {
                _exit(99);
            }
            atexit(finish);
        }
    }
    return file >= 0;
}

static struct place *
find(void *object)
{
    uint32_t i = (uint32_t)((uintptr_t)object >> 4) * 2654435761u % SLOTS;

    while (table[i].object != NULL && table[i].object != object) {
        i = (i + 1) % SLOTS;
    }
    return &table[i];
}

static void
note(uint8_t op, uint32_t id, size_t size)
{
    struct event event = {op, 0, 0, id, (uint32_t)size};

    buffer[fill++] = event;
    events++;
    count[op]++;
    total += size;
    largest = size > largest ? (uint32_t)size : largest;
    if (fill == BUFFER) {
        flush();
    }
}

static void
born(uint8_t op, void *object, size_t size)
{
    struct place *place = find(object);

    place->object = object;
    place->id = unused_count != 0 ? unused[--unused_count] : slots++;
    place->size = (uint32_t)size;
    live += size;
    peak = live > peak ? live : peak;
    blocks++;
    peak_blocks = blocks > peak_blocks ? blocks : peak_blocks;
    note(op, place->id, size);
}

/* Takes the object out of the table and closes the gap in its run. */
static void
forget(struct place *place)
{
    uint32_t i = (uint32_t)(place - table);
    struct place moved;

    live -= place->size;
    place->object = NULL;
    for (i = (i + 1) % SLOTS; table[i].object != NULL; i = (i + 1) % SLOTS) {
        moved = table[i];
        table[i].object = NULL;
        *find(moved.object) = moved;
    }
}

void *
malloc(size_t size)
{
    void *object = __libc_malloc(size);

    if (object != NULL && ready()) {
        born(1, object, size);
    }
    return object;
}

void *
calloc(size_t n, size_t size)
{
    void *object = __libc_calloc(n, size);

    if (object != NULL && ready()) {
        born(2, object, n * size);
    }
    return object;
}

void
free(void *object)
{
    if (ready()) {
        struct place *place = object != NULL ? find(object) : NULL;

        if (object == NULL) {
            note(6, 0xffffffffu, 0);
        } else if (place->object != NULL) {
            unused[unused_count++] = place->id;
            blocks--;
            note(5, place->id, 0);
            forget(place);
        }
    }
    __libc_free(object);
}

void *
realloc(void *object, size_t size)
{
    struct place *place;
    uint32_t id;
    void *result;

    if (object == NULL) {
        return malloc(size);
    }
    if (size == 0) {
        free(object);
        return NULL;
    }
    result = __libc_realloc(object, size);
    if (result == NULL || !ready()) {
        return result;
    }
    place = find(object);
    if (place->object == NULL) {
        born(1, result, size);
        return result;
    }
    id = place->id;
    forget(place);
    place = find(result);
    place->object = result;
    place->id = id;
    place->size = (uint32_t)size;
    live += size;
    peak = live > peak ? live : peak;
    note(3, id, size);
    return result;
}
