/*
 * libtarn-record.so, preloaded before libtarn.so: writes down every allocation of the program and
 * hands it to Tarn. The file is TARN_TOOL_TRACE's; only the process TARN_TOOL_PROCESS writes it.
 * With TARN_TOOL_TRACE_CHILDREN each further process that is started has a file of its own, with
 * its id behind the name.
 *
 * Each thread writes into a chunk of the file that is mapped shared: what is written is the
 * kernel's at once, so that nothing is lost by a kill, and nothing has to be flushed. The gate is a
 * page that the kernel makes zero in a fork's child, however it is made: the child writes nothing.
 */
#include "record_events.h"

#include "trace_format.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum {
    HEADER_ROOM = 4096,
    FIRST_CHUNK = 16 * 1024,
    LARGEST_CHUNK = 256 * 1024,
    NO_THREAD = -1
};

/* What a thread is writing. */
struct writer {
    struct trace_chunk *chunk; /* NULL: none yet */
    unsigned char *at;
    unsigned char *limit; /* no event begins beyond */
    uint64_t number;
    uint64_t time;
    uintptr_t address; /* the one before, in units */
    long thread;       /* its number plus one; 0: none yet */
    bool busy;         /* getting a chunk, which may allocate */
};

static _Thread_local struct writer writer __attribute__((tls_model("initial-exec")));
static atomic_uint *gate; /* 1 while recording; a page of its own */
static atomic_uint begun;
static struct trace_header *header;
static char file_name[4096];
static atomic_ulong next_number = 1;
static atomic_ulong file_end = HEADER_ROOM;
static atomic_uint threads;
static uint64_t start_time;
static pthread_key_t thread_end;
static bool has_thread_end;

static uint64_t
clock_now(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void *
map_file(uint64_t offset, size_t size, int more)
{
    int file = open(file_name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | more, 0666);
    void *at = MAP_FAILED;
    if (file >= 0 && posix_fallocate(file, (off_t)offset, (off_t)size) == 0) {
        at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, (off_t)offset);
    }
    if (file >= 0) {
        close(file);
    }
    return at == MAP_FAILED ? NULL : at;
}

static void
leave_chunk(void *unused)
{
    (void)unused;
    if (writer.chunk != NULL && atomic_load_explicit(gate, memory_order_relaxed) != 0) {
        munmap(writer.chunk, writer.chunk->room);
    }
    writer.chunk = NULL;
    writer.at = writer.limit = NULL;
}

static void
copy_words(void)
{
    int file = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    if (file >= 0) {
        ssize_t got = read(file, header + 1, HEADER_ROOM - sizeof *header);
        header->words_bytes = got > 0 ? (uint32_t)got : 0;
        close(file);
    }
}

/* Finds the file's name in the environment; false: this process is not to be recorded. */
static bool
find_name(void)
{
    const char *name = getenv("TARN_TOOL_TRACE");
    const char *process = getenv("TARN_TOOL_PROCESS");
    bool own = process != NULL && atol(process) == (long)getpid();
    if (name == NULL || (!own && getenv("TARN_TOOL_TRACE_CHILDREN") == NULL)) {
        return false;
    }
    const char *form = own ? "%s" : "%s.%ld";
    int length = own ? snprintf(file_name, sizeof file_name, "%s", name)
                     : snprintf(file_name, sizeof file_name, form, name, (long)getpid());
    return length > 0 && length < (int)sizeof file_name;
}

static void
begin(void)
{
    if (environ == NULL || atomic_exchange(&begun, 1) != 0) {
        return;
    }
    int saved = errno;
    void *page =
        mmap(NULL, HEADER_ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED || madvise(page, HEADER_ROOM, MADV_WIPEONFORK) != 0 || !find_name()) {
        errno = saved;
        return;
    }
    header = map_file(0, HEADER_ROOM, O_CREAT | O_TRUNC);
    if (header != NULL) {
        memcpy(header->magic, TRACE_MAGIC, sizeof header->magic);
        header->version = 1;
        header->process = (uint32_t)getpid();
        header->real_time = clock_now(CLOCK_REALTIME);
        header->first = header->end = HEADER_ROOM;
        header->pointer_bytes = sizeof(void *);
        copy_words();
        start_time = clock_now(CLOCK_MONOTONIC);
        gate = page;
        atomic_store(gate, 1);
    }
    errno = saved;
}

/* Made here and not in begin, which may come before the C library is ready for it. */
__attribute__((constructor)) static void
start(void)
{
    begin();
    has_thread_end = pthread_key_create(&thread_end, leave_chunk) == 0;
}

__attribute__((destructor)) static void
finish(void)
{
    if (gate != NULL && atomic_load(gate) != 0) {
        header->flags |= TRACE_FINISHED;
    }
}

static void
stop(void)
{
    atomic_store(gate, 0);
    header->flags |= TRACE_CUT;
}

/* The header's end, by which readers go, only rises; several threads may be here. */
static void
raise_end(uint64_t end)
{
    uint64_t seen = __atomic_load_n(&header->end, __ATOMIC_RELAXED);
    while (seen < end && !__atomic_compare_exchange_n(&header->end, &seen, end, true,
                                                      __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
    }
}

static bool
next_chunk(void)
{
    int saved = errno;
    size_t size = FIRST_CHUNK;
    writer.busy = true;
    if (writer.chunk != NULL) {
        size = writer.chunk->room * 4 < LARGEST_CHUNK ? writer.chunk->room * 4 : LARGEST_CHUNK;
        munmap(writer.chunk, writer.chunk->room);
    }
    uint64_t offset = atomic_fetch_add(&file_end, size);
    struct trace_chunk *chunk = map_file(offset, size, 0);
    writer.chunk = chunk;
    if (chunk == NULL) {
        writer.at = writer.limit = NULL;
        stop();
    } else {
        if (writer.thread == 0) {
            writer.thread = (long)atomic_fetch_add(&threads, 1) + 1;
            header->threads = atomic_load(&threads);
        }
        if (has_thread_end) {
            pthread_setspecific(thread_end, chunk);
        }
        chunk->thread = (uint32_t)writer.thread - 1;
        chunk->room = (uint32_t)size;
        chunk->number = writer.number;
        chunk->time = writer.time;
        chunk->magic = TRACE_CHUNK_MAGIC;
        writer.at = (unsigned char *)(chunk + 1);
        writer.limit = (unsigned char *)chunk + size - TRACE_LONGEST;
        writer.address = 0;
        raise_end(offset + size);
    }
    writer.busy = false;
    errno = saved;
    return chunk != NULL;
}

static unsigned char *
put(unsigned char *at, uint64_t number)
{
    while (number >= 0x80) {
        *at++ = (unsigned char)(number | 0x80);
        number >>= 7;
    }
    *at++ = (unsigned char)number;
    return at;
}

static unsigned char *
put_address(unsigned char *at, const void *p)
{
    uintptr_t address = (uintptr_t)p / TRACE_ALIGN_UNIT;
    intptr_t apart = (intptr_t)(address - writer.address);
    writer.address = address;
    return put(at, ((uint64_t)apart << 1) ^ (uint64_t)(apart >> (sizeof apart * 8 - 1)));
}

bool
record_on(void)
{
    if (gate == NULL) {
        begin();
    }
    return gate != NULL && atomic_load_explicit(gate, memory_order_relaxed) != 0 && !writer.busy;
}

void
record_event(enum trace_op op, const void *p, size_t size, unsigned align_log)
{
    if (!record_on() || (writer.at >= writer.limit && !next_chunk())) {
        return;
    }
    unsigned char *first = writer.at;
    unsigned char *at = first + 1;
    uint64_t number = atomic_fetch_add_explicit(&next_number, 1, memory_order_acq_rel);
    uint64_t time = clock_now(CLOCK_MONOTONIC) - start_time;
    *first = (unsigned char)op;
    if (number == writer.number + 1) {
        *first |= TRACE_NEXT;
    } else {
        at = put(at, number - writer.number);
    }
    at = put(at, time - writer.time);
    if (op == TRACE_ALIGNED) {
        *at++ = (unsigned char)align_log;
    }
    if (op == TRACE_MALLOC || op == TRACE_CALLOC || op == TRACE_ALIGNED ||
        op == TRACE_REALLOCATED) {
        at = put(at, size);
    }
    if (op != TRACE_FREE_NULL && op != TRACE_NOT_CHANGED) {
        at = put_address(at, p);
    }
    writer.number = number;
    writer.time = time;
    writer.at = at;
    /* What a kill leaves is whole events. */
    atomic_signal_fence(memory_order_release);
    writer.chunk->used = (uint32_t)(at - (unsigned char *)(writer.chunk + 1));
}
