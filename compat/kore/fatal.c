#include "fatal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

extern void fatal(const char *format, ...) __attribute__((weak));

void
kore_die(const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    if (fatal != NULL) {
        fatal("%s", text);
    } else {
        fprintf(stderr, "fatal: %s\n", text);
    }
    exit(1);
}
