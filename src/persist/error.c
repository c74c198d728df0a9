#define _GNU_SOURCE
#include "base/text.h"
#include "persist/image.h"

#include <errno.h>
#include <string.h>

static _Thread_local char text[640];

/* In words that no other thread changes; glibc's strerror may take memory, and locks. */
static const char *
words_for(int code)
{
#ifdef __GLIBC__
    const char *words = strerrordesc_np(code);
    return words != NULL ? words : "unknown error";
#else
    return strerror(code);
#endif
}

int
tn_fail(int code, bool explain, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    size_t length = tn_text_list(text, sizeof text, format, arguments);
    va_end(arguments);
    if (explain) {
        char reason[128];
        tn_text(reason, sizeof reason, ": %s", words_for(code));
        tn_text(text + length, sizeof text - length, "%s", reason);
    }
    errno = code;
    return -1;
}

const char *
tarn_error(void)
{
    return text[0] != 0 ? text : "no error";
}
