/*
 * The file a program is recorded into: made before it starts, packed when it has ended.
 */
#ifndef TARN_RECORD_FILE_H
#define TARN_RECORD_FILE_H

#include <limits.h>
#include <stdbool.h>

struct record_file {
    char part[PATH_MAX]; /* what the recorder writes, beside the file itself; empty: none */
    char path[PATH_MAX];
};

/* 0, or the exit status after having said why the file cannot be written. */
int record_file_begin(const char *command, struct record_file *file, const char *path);

/* Packs what was recorded into the file (with xz when its name says so), and what children of the
 * program recorded into files beside it, with the process id before the name's ending. False,
 * having said why, when nothing was recorded or it cannot be written. */
bool record_file_end(const char *command, struct record_file *file);

/* Removes what was recorded. */
void record_file_drop(struct record_file *file);

#endif
