/*
 * A trace as it lies in a file; docs/trace-format.md describes it. Shared by libtarn-record.so,
 * which writes it, and the tarn command, which reads it.
 */
#ifndef TARN_TRACE_FORMAT_H
#define TARN_TRACE_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#define TRACE_MAGIC       "TARNTRC1"
#define TRACE_CHUNK_MAGIC 0x4b4e4843u /* "CHNK" */

enum {
    TRACE_FINISHED = 1, /* the program came to its end */
    TRACE_CUT = 2,      /* the file could not grow: events are missing from some moment on */
};

/* All little-endian. */
struct trace_header {
    char magic[8];
    uint32_t version;     /* 1 */
    uint32_t flags;       /* TRACE_FINISHED... */
    uint64_t real_time;   /* nanoseconds since 1970 at the start of the recording */
    uint32_t process;     /* its id */
    uint32_t threads;     /* that allocated or freed */
    uint64_t end;         /* where the chunks end in the file */
    uint64_t first;       /* where they begin */
    uint32_t words_bytes; /* of the program's words, each with a closing zero, behind this header */
    uint32_t pointer_bytes;
    uint64_t reserved;
};

struct trace_chunk {
    uint32_t magic;
    uint32_t thread; /* numbers in order of appearance, from 0 */
    uint32_t room;   /* bytes from here to the next chunk */
    uint32_t used;   /* bytes of events behind this */
    uint64_t number; /* that the first event's counts from */
    uint64_t time;   /* nanoseconds since the start, that the first event's counts from */
};

_Static_assert(sizeof(struct trace_header) == 64, "trace header");
_Static_assert(sizeof(struct trace_chunk) == 32, "trace chunk");

/* The low four bits of an event's first byte. */
enum trace_op {
    TRACE_MALLOC = 1,  /* size, address */
    TRACE_CALLOC,      /* size (the product), address */
    TRACE_REALLOC,     /* address: what is to change; the same thread's next event is one of the
                          next two */
    TRACE_ALIGNED,     /* alignment's logarithm, size, address */
    TRACE_FREE,        /* address */
    TRACE_FREE_NULL,   /* nothing */
    TRACE_REALLOCATED, /* size, address: where it is now */
    TRACE_NOT_CHANGED, /* nothing: it stays as it was */
};

#define TRACE_NEXT       0x10u /* in the first byte: the number is the one before plus one */
#define TRACE_LONGEST    48u   /* bytes of an event, at most */
#define TRACE_ALIGN_UNIT 8u    /* addresses are counted in these */

#endif
