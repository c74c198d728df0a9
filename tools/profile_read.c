#include "profile_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    PART = 1 << 16,
    VARINT = 0,
    FIXED64 = 1,
    BYTES = 2,
    FIXED32 = 5
};

struct cursor {
    const unsigned char *at;
    const unsigned char *end;
    bool broken;
};

struct field {
    unsigned number;
    uint64_t value;
    struct cursor bytes;
};

static uint64_t
varint(struct cursor *cursor)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64 && cursor->at < cursor->end; shift += 7) {
        unsigned byte = *cursor->at++;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            return value;
        }
    }
    cursor->broken = true;
    cursor->at = cursor->end;
    return 0;
}

static bool
next(struct cursor *cursor, struct field *field)
{
    if (cursor->at >= cursor->end) {
        return false;
    }
    uint64_t key = varint(cursor);
    size_t left = (size_t)(cursor->end - cursor->at);
    uint64_t length = 0;
    *field = (struct field){.number = (unsigned)(key >> 3)};
    switch (key & 7) {
    case VARINT:
        field->value = varint(cursor);
        return !cursor->broken;
    case BYTES:
        length = varint(cursor);
        left = (size_t)(cursor->end - cursor->at);
        break;
    case FIXED64:
        length = 8;
        break;
    case FIXED32:
        length = 4;
        break;
    default:
        length = UINT64_MAX;
        break;
    }
    if (cursor->broken || length > left) {
        cursor->broken = true;
        return false;
    }
    field->bytes = (struct cursor){cursor->at, cursor->at + length, false};
    cursor->at += length;
    return true;
}

static unsigned char *
inflate_file(struct profile_file *profile, const char *path, size_t *size)
{
    unsigned char *bytes = NULL;
    size_t room = 0;
    int got = 0;
    *size = 0;
    errno = 0;
    gzFile file = gzopen(path, "rb");
    if (file == NULL) {
        snprintf(profile->error, sizeof profile->error, "%s cannot be opened: %s", path,
                 strerror(errno != 0 ? errno : ENOMEM));
        return NULL;
    }
    do {
        *size += (size_t)got;
        if (room - *size < PART) {
            room = room * 2 + PART;
            unsigned char *more = realloc(bytes, room);
            if (more == NULL) {
                got = -1;
                break;
            }
            bytes = more;
        }
        got = gzread(file, bytes + *size, PART);
    } while (got > 0);
    int closed = gzclose(file);
    if (got < 0 || closed != Z_OK || *size == 0) {
        snprintf(profile->error, sizeof profile->error, "%s is damaged or cut short", path);
        free(bytes);
        return NULL;
    }
    return bytes;
}

/* Room for one more element, zero; NULL: no memory. */
static void *
append(void *array, size_t *count, size_t size)
{
    void *more = array;
    if ((*count & (*count - 1)) == 0) { /* full: 0, 1, 2, 4 ... */
        more = realloc(array, (*count == 0 ? 1 : *count * 2) * size);
        if (more == NULL) {
            abort();
        }
    }
    memset((char *)more + *count * size, 0, size);
    ++*count;
    return more;
}

static void
read_sample(struct profile_file *profile, struct cursor cursor)
{
    struct field field;
    profile->samples = append(profile->samples, &profile->sample_count, sizeof *profile->samples);
    struct profile_sample *sample = &profile->samples[profile->sample_count - 1];
    while (next(&cursor, &field)) {
        struct cursor list = field.bytes;
        if (field.number == 1) {
            while (list.at < list.end) {
                sample->places = append(sample->places, &sample->depth, sizeof *sample->places);
                sample->places[sample->depth - 1] = varint(&list);
            }
        } else if (field.number == 2) {
            for (int i = 0; i < PROFILE_VALUES && list.at < list.end; i++) {
                sample->values[i] = varint(&list);
            }
        }
    }
}

/* Numbers of mappings and places count from 1 in the order of the file, as the library has them. */
static bool
read_message(struct profile_file *profile, struct cursor cursor, struct cursor **strings,
             size_t *string_count)
{
    struct field field;
    struct field part;
    while (next(&cursor, &field)) {
        struct cursor inner = field.bytes;
        if (field.number == 2) {
            read_sample(profile, inner);
        } else if (field.number == 3) {
            profile->mappings =
                append(profile->mappings, &profile->mapping_count, sizeof *profile->mappings);
            struct profile_mapping *mapping = &profile->mappings[profile->mapping_count - 1];
            while (next(&inner, &part)) {
                uint64_t *places[] = {NULL, NULL, &mapping->start, &mapping->end, &mapping->offset};
                if (part.number >= 2 && part.number <= 4) {
                    *places[part.number] = part.value;
                } else if (part.number == 5) {
                    mapping->number = part.value;
                }
            }
        } else if (field.number == 4) {
            profile->places =
                append(profile->places, &profile->place_count, sizeof *profile->places);
            struct profile_place *place = &profile->places[profile->place_count - 1];
            while (next(&inner, &part)) {
                if (part.number == 2) {
                    place->mapping = part.value;
                } else if (part.number == 3) {
                    place->address = part.value;
                }
            }
        } else if (field.number == 6) {
            *strings = append(*strings, string_count, sizeof **strings);
            (*strings)[*string_count - 1] = inner;
        } else if (field.number == 10) {
            profile->duration = field.value;
        } else if (field.number == 12) {
            profile->period = field.value;
        }
    }
    return !cursor.broken;
}

/* Puts names to mappings; false where a number leads nowhere. */
static bool
settle(struct profile_file *profile, const struct cursor *strings, size_t string_count)
{
    for (size_t i = 0; i < profile->mapping_count; i++) {
        struct profile_mapping *mapping = &profile->mappings[i];
        if (mapping->number >= string_count) {
            return false;
        }
        const struct cursor *text = &strings[mapping->number];
        mapping->path = strndup((const char *)text->at, (size_t)(text->end - text->at));
    }
    for (size_t i = 0; i < profile->place_count; i++) {
        if (profile->places[i].mapping > profile->mapping_count) {
            return false;
        }
    }
    for (size_t i = 0; i < profile->sample_count; i++) {
        for (size_t k = 0; k < profile->samples[i].depth; k++) {
            if (profile->samples[i].places[k]-- - 1 >= profile->place_count) {
                return false;
            }
        }
    }
    return profile->period != 0;
}

bool
profile_load(struct profile_file *profile, const char *path)
{
    size_t size;
    size_t string_count = 0;
    struct cursor *strings = NULL;
    *profile = (struct profile_file){.error = ""};
    unsigned char *bytes = inflate_file(profile, path, &size);
    if (bytes == NULL) {
        return false;
    }
    struct cursor all = {bytes, bytes + size, false};
    bool good = read_message(profile, all, &strings, &string_count) &&
                settle(profile, strings, string_count);
    if (!good) {
        snprintf(profile->error, sizeof profile->error, "%s is no profile that Tarn wrote", path);
    }
    free(strings);
    free(bytes);
    return good;
}

void
profile_drop(struct profile_file *profile)
{
    for (size_t i = 0; i < profile->mapping_count; i++) {
        free(profile->mappings[i].path);
    }
    for (size_t i = 0; i < profile->place_count; i++) {
        free(profile->places[i].function);
        free(profile->places[i].file);
    }
    for (size_t i = 0; i < profile->sample_count; i++) {
        free(profile->samples[i].places);
    }
    free(profile->mappings);
    free(profile->places);
    free(profile->samples);
}
