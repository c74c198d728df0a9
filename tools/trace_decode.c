/*
 * The recorder's chunks put in order: each event lands at its number, then addresses become slots.
 */
#include "command.h"
#include "trace_events.h"

#include <stdlib.h>
#include <string.h>

/* An event as the file has it. */
struct raw {
    uint64_t time;
    uint64_t size;
    uint64_t address; /* in units */
    uint16_t thread;
    uint8_t op; /* 0: none was written under this number */
    uint8_t align_log;
};

/* Where live objects are: address to slot, by open addressing (Knuth, TAOCP 3, 6.4, algorithm L).
 */
struct index {
    uint64_t *addresses; /* 0: free */
    uint32_t *slots;
    size_t mask;
    size_t live;
    uint32_t *spare; /* slots that are free again, the last first */
    size_t spares;
    size_t spare_room;
};

struct reader {
    const unsigned char *at;
    const unsigned char *end;
    bool bad;
};

static uint64_t
get(struct reader *reader)
{
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (reader->at == reader->end) {
            break;
        }
        unsigned char byte = *reader->at++;
        number |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return number;
        }
    }
    reader->bad = true;
    return 0;
}

/* Hands each event of a chunk to raws, where that is not NULL; returns whether all are whole. */
static bool
decode_chunk(const struct trace_chunk *chunk, const unsigned char *events, struct raw *raws,
             size_t most, uint64_t *last)
{
    struct reader reader = {events, events + chunk->used, false};
    uint64_t number = chunk->number;
    uint64_t time = chunk->time;
    uint64_t address = 0;
    while (reader.at < reader.end) {
        unsigned char first = *reader.at++;
        struct raw raw = {.op = first & 0x0f, .thread = (uint16_t)chunk->thread};
        number += first & TRACE_NEXT ? 1 : get(&reader);
        time += get(&reader);
        raw.time = time;
        if (raw.op == TRACE_ALIGNED) {
            raw.align_log = (uint8_t)get(&reader);
        }
        if (raw.op == TRACE_MALLOC || raw.op == TRACE_CALLOC || raw.op == TRACE_ALIGNED ||
            raw.op == TRACE_REALLOCATED) {
            raw.size = get(&reader);
        }
        if (raw.op != TRACE_FREE_NULL && raw.op != TRACE_NOT_CHANGED) {
            uint64_t apart = get(&reader);
            address += (apart >> 1) ^ (0 - (apart & 1));
            raw.address = address;
        }
        if (reader.bad || raw.op == 0 || raw.op > TRACE_NOT_CHANGED || raw.align_log > 47 ||
            number == 0) {
            return false;
        }
        *last = number > *last ? number : *last;
        if (raws != NULL && number <= most) {
            raws[number - 1] = raw;
        }
    }
    return true;
}

/* Goes over all chunks. */
static bool
decode_chunks(const char *command, const char *path, const unsigned char *data, size_t size,
              struct raw *raws, size_t most, uint64_t *last)
{
    const struct trace_header *header = (const struct trace_header *)data;
    size_t end = header->end < size ? (size_t)header->end : size;
    struct trace_chunk chunk;
    for (size_t at = (size_t)header->first; at < end && end - at >= sizeof chunk;) {
        memcpy(&chunk, data + at, sizeof chunk);
        if (chunk.magic == 0 && chunk.used == 0) {
            /* Taken, but not begun when the program was killed; chunks start at multiples of the
             * smallest. */
            at += 16 * 1024;
            continue;
        }
        bool whole = chunk.magic == TRACE_CHUNK_MAGIC && chunk.room >= sizeof chunk &&
                     chunk.used <= chunk.room - sizeof chunk &&
                     chunk.used <= end - at - sizeof chunk;
        if (!whole || !decode_chunk(&chunk, data + at + sizeof chunk, raws, most, last)) {
            command_fail(command, "%s: the chunk at %zu is damaged", path, at);
            return false;
        }
        at += chunk.room;
    }
    return true;
}

static size_t
home(const struct index *index, uint64_t address)
{
    return (size_t)((address * 0x9e3779b97f4a7c15u) >> 20) & index->mask;
}

static size_t
find(const struct index *index, uint64_t address)
{
    size_t i = home(index, address);
    while (index->addresses[i] != 0 && index->addresses[i] != address) {
        i = (i + 1) & index->mask;
    }
    return i;
}

static bool
widen(struct index *index)
{
    struct index wider = *index;
    size_t room = index->mask == 0 ? 1 << 16 : (index->mask + 1) * 2;
    wider.mask = room - 1;
    wider.addresses = calloc(room, sizeof *wider.addresses);
    wider.slots = calloc(room, sizeof *wider.slots);
    if (wider.addresses == NULL || wider.slots == NULL) {
        free(wider.addresses);
        free(wider.slots);
        return false;
    }
    for (size_t i = 0; index->addresses != NULL && i <= index->mask; i++) {
        if (index->addresses[i] != 0) {
            size_t to = find(&wider, index->addresses[i]);
            wider.addresses[to] = index->addresses[i];
            wider.slots[to] = index->slots[i];
        }
    }
    free(index->addresses);
    free(index->slots);
    *index = wider;
    return true;
}

static bool
insert(struct index *index, uint64_t address, uint32_t slot)
{
    if ((index->mask == 0 || index->live * 2 > index->mask) && !widen(index)) {
        return false;
    }
    size_t i = find(index, address);
    index->addresses[i] = address;
    index->slots[i] = slot;
    index->live++;
    return true;
}

/* Takes the entry out, moving those behind it that would no longer be found (algorithm R). */
static uint32_t
take(struct index *index, size_t i)
{
    uint32_t slot = index->slots[i];
    size_t hole = i;
    index->live--;
    for (size_t at = (i + 1) & index->mask; index->addresses[at] != 0;
         at = (at + 1) & index->mask) {
        size_t apart = (at - home(index, index->addresses[at])) & index->mask;
        if (apart >= ((at - hole) & index->mask)) {
            index->addresses[hole] = index->addresses[at];
            index->slots[hole] = index->slots[at];
            hole = at;
        }
    }
    index->addresses[hole] = 0;
    return slot;
}

static bool
spare(struct index *index, uint32_t slot)
{
    if (index->spares == index->spare_room) {
        size_t room = index->spare_room == 0 ? 1024 : index->spare_room * 2;
        uint32_t *larger = realloc(index->spare, room * sizeof *larger);
        if (larger == NULL) {
            return false;
        }
        index->spare = larger;
        index->spare_room = room;
    }
    index->spare[index->spares++] = slot;
    return true;
}

/* What each thread's realloc is changing; slot plus one, 0: nothing. */
struct pending {
    uint32_t slot;
    uint64_t address;
};

/* An object appears at an address. */
static bool
appear(struct trace *trace, struct index *index, const struct raw *raw, struct trace_event *event)
{
    size_t i = index->mask == 0 ? 0 : find(index, raw->address);
    if (index->mask != 0 && index->addresses[i] != 0) {
        struct trace_event end = *event;
        end.op = TRACE_FREE;
        end.size = 0;
        end.slot = take(index, i);
        trace->unseen++;
        if (!trace_add(trace, &end) || !spare(index, end.slot)) {
            return false;
        }
    }
    if (event->op != TRACE_REALLOC) {
        event->slot = index->spares > 0 ? index->spare[--index->spares] : trace->slots++;
    }
    return insert(index, raw->address, event->slot) && trace_add(trace, event);
}

static bool
translate(struct trace *trace, struct index *index, const struct raw *raw, struct pending *pending)
{
    struct trace_event event = {.time = raw->time,
                                .size = raw->size,
                                .thread = raw->thread,
                                .op = raw->op,
                                .align_log = raw->align_log};
    size_t i = index->mask == 0 ? 0 : find(index, raw->address);
    bool known = index->mask != 0 && index->addresses[i] != 0;
    switch (raw->op) {
    case TRACE_FREE_NULL:
        return trace_add(trace, &event);
    case TRACE_FREE:
        if (!known) {
            trace->unknown++;
            return true;
        }
        event.slot = take(index, i);
        return trace_add(trace, &event) && spare(index, event.slot);
    case TRACE_REALLOC:
        pending->slot = known ? take(index, i) + 1 : 0;
        pending->address = raw->address;
        return true;
    case TRACE_NOT_CHANGED:
        return pending->slot == 0 || insert(index, pending->address, pending->slot - 1);
    case TRACE_REALLOCATED:
        if (pending->slot == 0) {
            trace->unknown++;
            event.op = TRACE_MALLOC;
        } else {
            event.op = TRACE_REALLOC;
            event.slot = pending->slot - 1;
        }
        pending->slot = 0;
        return appear(trace, index, raw, &event);
    default:
        return appear(trace, index, raw, &event);
    }
}

static bool
translate_all(struct trace *trace, const struct raw *raws, size_t count)
{
    struct index index = {0};
    struct pending *pending = calloc(UINT16_MAX + 1u, sizeof *pending);
    bool fine = pending != NULL;
    for (size_t i = 0; fine && i < count; i++) {
        if (raws[i].op == 0) {
            trace->missing++;
        } else {
            fine = translate(trace, &index, &raws[i], &pending[raws[i].thread]);
        }
    }
    free(pending);
    free(index.addresses);
    free(index.slots);
    free(index.spare);
    return fine;
}

static void
copy_words(struct trace *trace, const struct trace_header *header, const unsigned char *data,
           size_t size)
{
    size_t length = header->words_bytes;
    length = length < sizeof trace->words ? length : sizeof trace->words - 1;
    length = length < size - sizeof *header ? length : size - sizeof *header;
    memcpy(trace->words, data + sizeof *header, length);
    for (size_t i = 0; i + 1 < length; i++) {
        trace->words[i] = trace->words[i] == 0 ? ' ' : trace->words[i];
    }
    trace->words[length] = 0;
}

bool
trace_decode(const char *command, const char *path, const unsigned char *data, size_t size,
             struct trace *trace)
{
    const struct trace_header *header = (const struct trace_header *)data;
    uint64_t last = 0;
    if (size < sizeof *header || header->first < sizeof *header) {
        command_fail(command, "%s: is truncated", path);
        return false;
    }
    if (header->version != 1) {
        command_fail(command, "%s: a trace of version %u; this program reads version 1", path,
                     header->version);
        return false;
    }
    if (!decode_chunks(command, path, data, size, NULL, 0, &last)) {
        return false;
    }
    /* Numbers are dense but for what a kill left out, so a wild one is damage. */
    if (last > size) {
        command_fail(command, "%s: an event's number is damaged", path);
        return false;
    }
    struct raw *raws = calloc((size_t)last + 1, sizeof *raws);
    bool fine = raws != NULL;
    if (fine) {
        decode_chunks(command, path, data, size, raws, (size_t)last, &last);
        fine = translate_all(trace, raws, (size_t)last);
    }
    free(raws);
    if (!fine) {
        command_fail(command, "%s: no memory", path);
        return false;
    }
    trace->timed = true;
    trace->threads = header->threads;
    trace->finished = (header->flags & TRACE_FINISHED) != 0;
    trace->cut = (header->flags & TRACE_CUT) != 0;
    copy_words(trace, header, data, size);
    return true;
}
