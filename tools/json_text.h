/*
 * JSON, one value at a time, for what machines read.
 */
#ifndef TARN_JSON_TEXT_H
#define TARN_JSON_TEXT_H

#include <stddef.h>
#include <stdio.h>

/* jansson, linked for `tarn heap`, has a function of this name. */
#define json_string text_json_string

/* The text in quotes, with what JSON wants escaped; a byte that is no UTF-8 becomes U+FFFD. NULL is
 * null. */
void json_string(FILE *out, const char *text);

/* Bytes of the UTF-8 sequence at text, which is not at its end; 0 when it is none. */
size_t json_sequence(const char *text);

#endif
