/*
 * Lines of text made without stdio, so that they can be made where malloc cannot be called.
 */
#ifndef TN_TEXT_H
#define TN_TEXT_H

#include <stdarg.h>
#include <stddef.h>

/*
 * Writes the format's text into buffer, at most size bytes with the closing zero, cutting what
 * does not fit. Understands %s, %p (hexadecimal with 0x), %zu, %u, %d, %c and %%. Returns the
 * length written.
 */
size_t tn_text(char *buffer, size_t size, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
size_t tn_text_list(char *buffer, size_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

#endif
