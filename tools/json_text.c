#include "json_text.h"

#include <stdbool.h>

size_t
json_sequence(const char *bytes)
{
    const unsigned char *text = (const unsigned char *)bytes;
    unsigned char first = text[0];
    size_t length = first < 0x80                     ? 1
                    : first >= 0xc2 && first <= 0xdf ? 2
                    : first >= 0xe0 && first <= 0xef ? 3
                    : first >= 0xf0 && first <= 0xf4 ? 4
                                                     : 0;
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80) {
            return 0;
        }
    }
    bool too_long = (first == 0xe0 && text[1] < 0xa0) || (first == 0xf0 && text[1] < 0x90);
    bool surrogate = first == 0xed && text[1] > 0x9f;
    return too_long || surrogate || (first == 0xf4 && text[1] > 0x8f) ? 0 : length;
}

void
json_string(FILE *out, const char *text)
{
    if (text == NULL) {
        fputs("null", out);
        return;
    }
    fputc('"', out);
    while (*text != 0) {
        size_t length = json_sequence(text);
        unsigned char first = (unsigned char)*text;
        if (length == 0) {
            fputs("\\ufffd", out);
            text++;
        } else if (first < 0x20 || first == 0x7f) {
            fprintf(out, "\\u%04x", first);
            text++;
        } else {
            if (first == '"' || first == '\\') {
                fputc('\\', out);
            }
            fwrite(text, 1, length, out);
            text += length;
        }
    }
    fputc('"', out);
}
