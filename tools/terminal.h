/*
 * What a person sees who sits at a terminal, and nobody else: colour and progress.
 */
#ifndef TARN_TERMINAL_H
#define TARN_TERMINAL_H

#include <stdbool.h>
#include <stdio.h>

/* Whether colour goes to this stream: a terminal that knows it, and NO_COLOR is not set (or empty;
 * no-color.org). */
bool terminal_colour(FILE *stream);

/* The escape sequence for bold, green or red text, or the end of it; "" without colour. */
const char *terminal_bold(FILE *stream);
const char *terminal_good(FILE *stream);
const char *terminal_bad(FILE *stream);
const char *terminal_plain(FILE *stream);

/* Draws a bar on stderr, where that is a terminal: done of all, and what is going on. */
void terminal_progress(unsigned done, unsigned all, const char *what);

/* Takes the bar away again. */
void terminal_progress_end(void);

/* Bytes as people write them, into room: "12.3 MiB". Returns room. */
#define TERMINAL_SIZE_ROOM 24
char *terminal_size(char room[TERMINAL_SIZE_ROOM], double bytes);

#endif
