/*
 * Where the libraries are that programs are run on: Tarn's own, and those the system has.
 */
#ifndef TARN_FIND_LIBRARY_H
#define TARN_FIND_LIBRARY_H

#include <limits.h>
#include <stdbool.h>

/* A file of Tarn's: beside this program (a build tree), or where it is installed relative to this
 * program (PREFIX/bin beside PREFIX/lib and PREFIX/share). False when it is in none of these. */
bool find_own(const char *name, char path[PATH_MAX]);

/* libtarn.so: TARN_LIBRARY where it is set, else as find_own. False, having said why on stderr in
 * the name of this command, when there is none. */
bool find_tarn(const char *command, char path[PATH_MAX]);

/* libtarn-record.so or another companion, with the same message. */
bool find_companion(const char *command, const char *name, char path[PATH_MAX]);

/* An allocator a program may be run on. */
struct allocator {
    const char *name;
    char path[PATH_MAX]; /* to preload */
};

enum {
    MOST_ALLOCATORS = 16
};

/* The C library's (first, always there), and those of the known ones that are installed, as the
 * dynamic linker's cache and the usual folders have them. Returns how many. */
unsigned find_peers(struct allocator found[MOST_ALLOCATORS]);

/* The one of that name, "tarn" and "system" among them, or the library at that path. False when
 * there is none; nothing is printed. */
bool find_allocator(const char *name, struct allocator *found);

#endif
