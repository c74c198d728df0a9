#include "base/text.h"

#include <stdbool.h>
#include <stdint.h>

struct line {
    char *at;
    char *end; /* where the closing zero must fit */
};

static void
put(struct line *line, char c)
{
    if (line->at < line->end) {
        *line->at++ = c;
    }
}

static void
put_string(struct line *line, const char *text)
{
    while (*text != 0) {
        put(line, *text++);
    }
}

static void
put_number(struct line *line, uint64_t n, unsigned radix)
{
    char digits[20];
    unsigned count = 0;
    do {
        digits[count++] = "0123456789abcdef"[n % radix];
        n /= radix;
    } while (n != 0);
    while (count > 0) {
        put(line, digits[--count]);
    }
}

static const char *
put_directive(struct line *line, const char *f, va_list *arguments)
{
    switch (*f) {
    case 's':
        put_string(line, va_arg(*arguments, const char *));
        break;
    case 'p':
        put_string(line, "0x");
        put_number(line, (uintptr_t)va_arg(*arguments, void *), 16);
        break;
    case 'z':
        f++; /* only %zu */
        put_number(line, va_arg(*arguments, size_t), 10);
        break;
    case 'u':
        put_number(line, va_arg(*arguments, unsigned), 10);
        break;
    case 'd': {
        int n = va_arg(*arguments, int);
        if (n < 0) {
            put(line, '-');
        }
        put_number(line, n < 0 ? -(uint64_t)n : (uint64_t)n, 10);
        break;
    }
    case 'c':
        put(line, (char)va_arg(*arguments, int));
        break;
    default:
        put(line, *f);
        break;
    }
    return f;
}

size_t
tn_text_list(char *buffer, size_t size, const char *format, va_list arguments)
{
    if (size == 0) {
        return 0;
    }
    struct line line = {buffer, buffer + size - 1};
    va_list list;
    va_copy(list, arguments);
    for (const char *f = format; *f != 0; f++) {
        if (*f == '%' && f[1] != 0) {
            f = put_directive(&line, f + 1, &list);
        } else {
            put(&line, *f);
        }
    }
    va_end(list);
    *line.at = 0;
    return (size_t)(line.at - buffer);
}

size_t
tn_text(char *buffer, size_t size, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    size_t length = tn_text_list(buffer, size, format, arguments);
    va_end(arguments);
    return length;
}
