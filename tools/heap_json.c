#include "heap_json.h"

#include "command.h"
#include "json_text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

json_t *
heap_json_text(const char *text)
{
    static const char replacement[] = "\xef\xbf\xbd";
    char *valid = malloc(strlen(text) * (sizeof replacement - 1) + 1);
    if (valid == NULL) {
        return NULL;
    }
    size_t length = 0;
    while (*text != 0) {
        size_t bytes = json_sequence(text);
        const char *from = bytes != 0 ? text : replacement;
        size_t size = bytes != 0 ? bytes : sizeof replacement - 1;
        memcpy(valid + length, from, size);
        length += size;
        text += bytes != 0 ? bytes : 1;
    }
    json_t *string = json_stringn(valid, length);
    free(valid);
    return string;
}

int
heap_json_print(const char *name, json_t *object)
{
    bool printed = object != NULL && json_dumpf(object, stdout, JSON_INDENT(2)) == 0;
    json_decref(object);
    if (!printed) {
        return command_fail(name, "no memory for what is to be printed");
    }
    putchar('\n');
    return COMMAND_DONE;
}
