#define _GNU_SOURCE
#include "base/text.h"
#include "persist/image.h"

#include <errno.h>
#include <string.h>

static _Thread_local char text[640];

int
tn_fail(int code, bool explain, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    size_t length = tn_text_list(text, sizeof text, format, arguments);
    va_end(arguments);
    if (explain) {
        char reason[128];
        const char *words = strerrordesc_np(code);
        tn_text(reason, sizeof reason, ": %s", words != NULL ? words : "unknown error");
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
