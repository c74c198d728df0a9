/*
 * A heap in a file, as the jobs in peer_jobs.c see it: one small program for each library.
 */
#ifndef PEER_H
#define PEER_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Each ends the process with a message when it cannot. room: bytes that the file must hold. */
void peer_create(const char *path, size_t room);
void peer_open(const char *path);
void peer_close(void);
/* The state as it is now becomes what is found after a crash of the process; 0: there is no such
 * thing. */
int peer_commit(void);

void *peer_alloc(size_t size);
void peer_free(void *p);

/* Pointers as the library wants them inside its file, for a file that is opened again. */
uint64_t peer_reference(void *p);
void *peer_pointer(uint64_t reference);
void peer_set_root(uint64_t reference);
uint64_t peer_root(void);

#ifdef __cplusplus
}
#endif

#endif
