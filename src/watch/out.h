/*
 * A buffer that grows, in memory of its own: for files that are made where malloc must not be
 * called.
 */
#ifndef TN_OUT_H
#define TN_OUT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#pragma GCC visibility push(hidden)

struct tn_out {
    unsigned char *bytes;
    size_t length;
    size_t room;
    bool failed; /* no memory: something is missing */
};

void tn_out_bytes(struct tn_out *out, const void *bytes, size_t length);
void tn_out_byte(struct tn_out *out, unsigned byte);
/* At most 1023 characters, as base/text.h. */
void tn_out_text(struct tn_out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* size zeroed bytes, or NULL; they move when the buffer grows. */
void *tn_out_room(struct tn_out *out, size_t size);
void tn_out_drop(struct tn_out *out);

/* Protocol buffers: a number, one as a field (left out when 0), and a field of bytes. */
void tn_out_varint(struct tn_out *out, uint64_t number);
void tn_out_field(struct tn_out *out, unsigned field, uint64_t number);
void tn_out_part(struct tn_out *out, unsigned field, const void *bytes, size_t length);

/* gzip, with stored blocks. */
void tn_out_gzip(struct tn_out *out, const unsigned char *bytes, size_t length);

#pragma GCC visibility pop

#endif
