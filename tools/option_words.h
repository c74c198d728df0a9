/*
 * The library's options as words on a command line.
 */
#ifndef TARN_OPTION_WORDS_H
#define TARN_OPTION_WORDS_H

#include <stdbool.h>
#include <stdio.h>

#define OPTION_WORDS_ROOM 4352

/* Turns NAME=VALUE, in any spelling the library takes, into that of the environment. 0, or the
 * exit status after having said on stderr, in the name of this command, what is wrong with it and
 * which option may be meant. */
int option_words_setting(const char *command, const char *word, char setting[OPTION_WORDS_ROOM]);

bool option_words_known(const char *name);

/* The table of all options: names, values, defaults, meanings. */
void option_words_print(FILE *out);

#endif
