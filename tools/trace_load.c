#include "command.h"
#include "trace_events.h"

#include <errno.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const unsigned char xz_magic[6] = {0xfd, '7', 'z', 'X', 'Z', 0};

static unsigned char *
read_whole(const char *command, const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        command_fail(command, "%s: %s", path, strerror(errno));
        return NULL;
    }
    size_t room = 1 << 16;
    size_t got = 0;
    unsigned char *data = malloc(room);
    size_t more = 0;
    while (data != NULL && (more = fread(data + got, 1, room - got, file)) > 0) {
        got += more;
        if (got == room) {
            unsigned char *larger = realloc(data, room *= 2);
            if (larger == NULL) {
                free(data);
            }
            data = larger;
        }
    }
    bool failed = ferror(file) != 0;
    int reason = errno;
    fclose(file);
    if (data == NULL || failed) {
        command_fail(command, "%s: %s", path, data == NULL ? "no memory" : strerror(reason));
        free(data);
        return NULL;
    }
    *size = got;
    return data;
}

static unsigned char *
unpack(const char *command, const char *path, const unsigned char *packed, size_t packed_size,
       size_t *size)
{
    lzma_stream stream = LZMA_STREAM_INIT;
    size_t room = packed_size * 8 + 4096;
    unsigned char *data = malloc(room);
    lzma_ret state = lzma_stream_decoder(&stream, UINT64_MAX, LZMA_CONCATENATED);
    stream.next_in = packed;
    stream.avail_in = packed_size;
    while (state == LZMA_OK && data != NULL) {
        size_t done = (size_t)stream.total_out;
        if (done == room) {
            unsigned char *larger = realloc(data, room *= 2);
            if (larger == NULL) {
                free(data);
                data = NULL;
                break;
            }
            data = larger;
        }
        stream.next_out = data + done;
        stream.avail_out = room - done;
        state = lzma_code(&stream, LZMA_FINISH);
    }
    *size = (size_t)stream.total_out;
    lzma_end(&stream);
    if (state != LZMA_STREAM_END) {
        command_fail(command, "%s: %s", path,
                     state == LZMA_BUF_ERROR ? "is truncated: the xz data end too early"
                     : data == NULL          ? "no memory"
                                             : "its xz data are damaged");
        free(data);
        return NULL;
    }
    return data;
}

unsigned char *
trace_load(const char *command, const char *path, size_t *size)
{
    unsigned char *data = read_whole(command, path, size);
    if (data == NULL || *size < sizeof xz_magic || memcmp(data, xz_magic, sizeof xz_magic) != 0) {
        return data;
    }
    unsigned char *unpacked = unpack(command, path, data, *size, size);
    free(data);
    return unpacked;
}

bool
trace_add(struct trace *trace, const struct trace_event *event)
{
    if (trace->count == trace->room) {
        size_t room = trace->room == 0 ? 4096 : trace->room * 2;
        struct trace_event *larger = realloc(trace->events, room * sizeof *larger);
        if (larger == NULL) {
            return false;
        }
        trace->events = larger;
        trace->room = room;
    }
    trace->events[trace->count++] = *event;
    return true;
}

void
trace_drop(struct trace *trace)
{
    free(trace->events);
    memset(trace, 0, sizeof *trace);
}

/* MTRACE01: a header of 64 bytes, then records of 12. */
static uint32_t
word_at(const unsigned char *data)
{
    return (uint32_t)data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 |
           (uint32_t)data[3] << 24;
}

static bool
read_plain(const char *command, const char *path, const unsigned char *data, size_t size,
           struct trace *trace)
{
    enum {
        HEAD = 64,
        RECORD = 12
    };
    size_t count = size < HEAD ? 0 : word_at(data + 16) | (size_t)word_at(data + 20) << 32;
    if (size < HEAD || (size - HEAD) / RECORD < count) {
        command_fail(command, "%s: is truncated: %zu events are not there", path, count);
        return false;
    }
    trace->slots = word_at(data + 8);
    trace->finished = true;
    unsigned char *live = calloc(1, (size_t)trace->slots + 1);
    for (size_t i = 0; live != NULL && i < count; i++) {
        const unsigned char *record = data + HEAD + i * RECORD;
        struct trace_event event = {.time = i,
                                    .size = word_at(record + 8),
                                    .slot = word_at(record + 4),
                                    .thread = (uint16_t)(record[2] | record[3] << 8),
                                    .op = record[0],
                                    .align_log = record[1]};
        bool birth =
            event.op == TRACE_MALLOC || event.op == TRACE_CALLOC || event.op == TRACE_ALIGNED;
        bool named = event.op != TRACE_FREE_NULL;
        if (event.op < TRACE_MALLOC || event.op > TRACE_FREE_NULL || event.align_log > 40 ||
            (named && (event.slot >= trace->slots || live[event.slot] == birth))) {
            command_fail(command, "%s: event %zu is damaged", path, i);
            free(live);
            return false;
        }
        if (named) {
            live[event.slot] = event.op != TRACE_FREE;
        }
        if (event.thread >= trace->threads) {
            trace->threads = event.thread + 1u;
        }
        if (!trace_add(trace, &event)) {
            free(live);
            live = NULL;
        }
    }
    if (live == NULL) {
        command_fail(command, "%s: no memory", path);
        return false;
    }
    free(live);
    return true;
}

bool
trace_read(const char *command, const char *path, struct trace *trace)
{
    size_t size = 0;
    memset(trace, 0, sizeof *trace);
    unsigned char *data = trace_load(command, path, &size);
    bool read = data != NULL;
    if (read && size >= 8 && memcmp(data, "MTRACE01", 8) == 0) {
        read = read_plain(command, path, data, size, trace);
    } else if (read && size >= 8 && memcmp(data, TRACE_MAGIC, 8) == 0) {
        read = trace_decode(command, path, data, size, trace);
    } else if (read) {
        command_fail(command, "%s: is no trace", path);
        read = false;
    }
    free(data);
    if (!read) {
        trace_drop(trace);
    }
    return read;
}
