/*
 * What tarn-replay can replay on.
 */
#ifndef TARN_REPLAY_FACES_H
#define TARN_REPLAY_FACES_H

#include <stddef.h>

struct replay_face {
    const char *name;
    void *(*allocate)(size_t size);
    void *(*allocate_zero)(size_t size);
    void *(*allocate_aligned)(size_t align, size_t size);
    void *(*resize)(void *p, size_t size);
    void (*release)(void *p);
    void (*end)(void); /* may be NULL */
};

/* Makes the face of that name ready: "malloc" (the process's own, whatever is preloaded), "heap",
 * "image" (both of the libtarn.so given), or "quick" with an arena for this many live bytes. Folder
 * is for the image's file. NULL, having said why on stderr, when it cannot be had. */
const struct replay_face *replay_face(const char *name, const char *library, const char *folder,
                                      size_t live);

#endif
