#include "base/byte_count.h"

#include <string.h>

/* 16 and more: no digit. */
static unsigned
digit_of(char letter)
{
    char small = (char)(letter | 0x20);
    return letter >= '0' && letter <= '9' ? (unsigned)(letter - '0')
           : small >= 'a' && small <= 'f' ? (unsigned)(small - 'a') + 10
                                          : 16;
}

bool
tn_byte_count(const char *text, uint64_t unit, uint64_t *bytes)
{
    static const char letters[] = "kmgt";
    uint64_t number = 0;
    unsigned base = text[0] == '0' && (text[1] | 0x20) == 'x' ? 16 : 10;
    const char *at = base == 16 ? text + 2 : text;
    const char *first = at;
    for (; digit_of(*at) < base; at++) {
        if (__builtin_mul_overflow(number, base, &number) ||
            __builtin_add_overflow(number, digit_of(*at), &number)) {
            return false;
        }
    }
    if (at == first) {
        return false;
    }
    const char *letter = *at != 0 ? strchr(letters, *at | 0x20) : NULL;
    if (letter != NULL) {
        unit = UINT64_C(1024) << 10 * (letter - letters);
        at++;
        at += strcmp(at, "iB") == 0 ? 2 : 0;
    }
    return *at == 0 && !__builtin_mul_overflow(number, unit, bytes);
}
