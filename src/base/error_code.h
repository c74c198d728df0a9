/*
 * Short codes of the messages Tarn prints or gives: T101 and so on. docs/errors.md has a page for
 * each.
 */
#ifndef TN_ERROR_CODE_H
#define TN_ERROR_CODE_H

#include <stddef.h>

/* The code of a message, known by the words in it that do not vary; NULL: it has none. Where
 * several of these words are in the message the first counts: what follows may be a user's. */
const char *tn_error_code(const char *message);

/* Row i of the table: a code, and words that messages with it have; codes may have several rows,
 * one after the other. NULL: there is no such row. */
const char *tn_error_code_row(size_t i, const char **words);

#endif
