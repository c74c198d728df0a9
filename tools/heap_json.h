/* What the verbs of `tarn heap` print for machines, by jansson. */
#ifndef TARN_HEAP_JSON_H
#define TARN_HEAP_JSON_H

#include <jansson.h>

/* A name or a path, which may have any bytes: one that is no UTF-8 becomes U+FFFD. NULL: no memory.
 */
json_t *heap_json_text(const char *text);

/* Prints the object and gives it up. COMMAND_DONE, or COMMAND_FAILED, and said, when it is NULL or
 * cannot be printed. */
int heap_json_print(const char *name, json_t *object);

#endif
