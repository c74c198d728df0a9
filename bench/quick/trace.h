/* Allocation traces (MTRACE01): a 64-byte header and records of 12 bytes, little-endian. */
#ifndef TRACE_H
#define TRACE_H

#include <stddef.h>
#include <stdint.h>

enum {
    TRACE_MALLOC = 1,
    TRACE_CALLOC,
    TRACE_REALLOC,
    TRACE_ALIGN,
    TRACE_FREE,
    TRACE_FREE_NULL
};

struct trace_event {
    uint8_t op;
    uint8_t align; /* log2, for TRACE_ALIGN */
    uint16_t thread;
    uint32_t id;   /* slot of the object */
    uint32_t size; /* bytes asked for */
};

struct trace {
    char name[32];
    uint32_t slots;
    uint64_t events;
    uint64_t peak; /* bytes asked for and live, at most */
    struct trace_event *event;
    void **object; /* one for each slot */
    uint32_t *size;
};

/* Reads FILE.mt, or FILE.mt.xz through the xz program. Returns 0 when it cannot. */
int trace_load(struct trace *trace, const char *path);
void trace_drop(struct trace *trace);

/* Calls `use` with the path of each trace found, those of the repository's own folder and the
 * external ones (TARN_TRACES, else ../shared/traces), and says on stderr when there are no external
 * ones. Returns how many there were. */
int trace_each(void (*use)(const char *path));

#endif
