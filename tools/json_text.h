/*
 * JSON, one value at a time, for what machines read.
 */
#ifndef TARN_JSON_TEXT_H
#define TARN_JSON_TEXT_H

#include <stdio.h>

/* jansson, linked for `tarn heap`, has a function of this name. */
#define json_string text_json_string

/* The text in quotes, with what JSON wants escaped; a byte that is no UTF-8 becomes U+FFFD. NULL is
 * null. */
void json_string(FILE *out, const char *text);

#endif
