#include "watch/out.h"

#include "base/bits.h"
#include "base/text.h"
#include "os/os.h"

#include <string.h>

#define FIRST        ((size_t)65536)
#define STORED_MOST  ((size_t)65535)
#define VARINT_MOST  10u /* bytes */
#define WIRE_VARINT  0u
#define WIRE_BYTES   2u
#define CRC_POLYNOME 0xedb88320u

static TN_NOINLINE bool
grow(struct tn_out *out, size_t more)
{
    size_t room = tn_max(out->room, FIRST);
    while (room - out->length < more) {
        room *= 2;
    }
    size_t page = tn_os_page_size();
    unsigned char *bytes = tn_os_reserve(room, page);
    if (bytes == NULL || !tn_os_commit(bytes, room)) {
        out->failed = true;
        if (bytes != NULL) {
            tn_os_release(bytes, room);
        }
        return false;
    }
    if (out->bytes != NULL) {
        memcpy(bytes, out->bytes, out->length);
        tn_os_release(out->bytes, out->room);
    }
    out->bytes = bytes;
    out->room = room;
    return true;
}

static inline bool
make_room(struct tn_out *out, size_t more)
{
    return !out->failed && (out->room - out->length >= more || grow(out, more));
}

void
tn_out_bytes(struct tn_out *out, const void *bytes, size_t length)
{
    if (length != 0 && make_room(out, length)) {
        memcpy(out->bytes + out->length, bytes, length);
        out->length += length;
    }
}

void
tn_out_byte(struct tn_out *out, unsigned byte)
{
    unsigned char one = (unsigned char)byte;
    tn_out_bytes(out, &one, 1);
}

void
tn_out_text(struct tn_out *out, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    size_t length = tn_text_list(text, sizeof text, format, arguments);
    va_end(arguments);
    tn_out_bytes(out, text, length);
}

void *
tn_out_room(struct tn_out *out, size_t size)
{
    if (!make_room(out, size)) {
        return NULL;
    }
    void *place = out->bytes + out->length;
    memset(place, 0, size);
    out->length += size;
    return place;
}

void
tn_out_drop(struct tn_out *out)
{
    if (out->bytes != NULL) {
        tn_os_release(out->bytes, out->room);
    }
    *out = (struct tn_out){0};
}

void
tn_out_varint(struct tn_out *out, uint64_t number)
{
    if (!make_room(out, VARINT_MOST)) {
        return;
    }
    unsigned char *at = out->bytes + out->length;
    for (; number >= 0x80; number >>= 7) {
        *at++ = (unsigned char)(number | 0x80);
    }
    *at++ = (unsigned char)number;
    out->length = (size_t)(at - out->bytes);
}

void
tn_out_field(struct tn_out *out, unsigned field, uint64_t number)
{
    if (number != 0) {
        tn_out_varint(out, field << 3 | WIRE_VARINT);
        tn_out_varint(out, number);
    }
}

void
tn_out_part(struct tn_out *out, unsigned field, const void *bytes, size_t length)
{
    tn_out_varint(out, field << 3 | WIRE_BYTES);
    tn_out_varint(out, length);
    tn_out_bytes(out, bytes, length);
}

static uint32_t
crc_of(const unsigned char *bytes, size_t length)
{
    uint32_t table[16]; /* for half a byte: made in no time, and profiles are short */
    for (uint32_t i = 0; i < 16; i++) {
        uint32_t one = i;
        for (int bit = 0; bit < 4; bit++) {
            one = one >> 1 ^ (one & 1 ? CRC_POLYNOME : 0);
        }
        table[i] = one;
    }
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ table[crc & 15];
        crc = crc >> 4 ^ table[crc & 15];
    }
    return ~crc;
}

static void
little(struct tn_out *out, uint64_t number, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) {
        tn_out_byte(out, (unsigned)(number >> 8 * i) & 0xff);
    }
}

void
tn_out_gzip(struct tn_out *out, const unsigned char *bytes, size_t length)
{
    static const unsigned char head[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
    uint32_t crc = crc_of(bytes, length);
    size_t all = length;
    tn_out_bytes(out, head, sizeof head);
    do {
        size_t part = tn_min(length, STORED_MOST);
        tn_out_byte(out, part == length);
        little(out, part, 2);
        little(out, ~part, 2);
        tn_out_bytes(out, bytes, part);
        bytes += part;
        length -= part;
    } while (length != 0);
    little(out, crc, 4);
    little(out, all, 4);
}
