/*
 * Files, as images need them: positioned reads and writes, syncs, locks, space, and mappings at
 * fixed addresses. Every function returns 0 or the errno of what failed and leaves errno as it was.
 * Interrupted and short transfers are continued here. All may be called from any thread. Tests put
 * another implementation, or another C library, beneath it at link time.
 */
#ifndef TN_FILE_H
#define TN_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#pragma GCC visibility push(hidden)

enum tn_file_how {
    TN_FILE_READ = 0,
    TN_FILE_WRITE = 1,    /* and read */
    TN_FILE_CREATE = 2,   /* make it if there is none */
    TN_FILE_NEW = 4,      /* EEXIST if there is one */
    TN_FILE_EMPTY = 8,    /* drop its contents */
    TN_FILE_AT_ONCE = 16, /* a FIFO that has nobody at its other end too */
    TN_FILE_NO_LINK = 32, /* ELOOP when the name is a symbolic link */
};

struct tn_file_facts {
    uint64_t size;
    uint64_t on_disk; /* bytes it takes there */
    bool regular;
    unsigned mode; /* its permissions */
    unsigned owner;
    unsigned group;
    uint64_t links;
};

int tn_file_open(const char *path, unsigned how, unsigned mode, int *file);
void tn_file_close(int file);
/* Opens a file that is open once more, as another opening with locks of its own. */
int tn_file_again(int file, unsigned how, int *again);
int tn_file_facts(int file, struct tn_file_facts *facts);
/* A name of a file opened as path that holds whatever the working directory is, and that is no
 * symbolic link's, if one can be had; else the path. ENAMETOOLONG. */
int tn_file_name(int file, const char *path, char *name, size_t size);
/* Whether path is a name of this file, and no symbolic link. */
int tn_file_is_at(int file, const char *path, bool *is);
/* Owner, group and permissions like these, as far as this process may give them, and in any case
 * none for a group that is another one. */
void tn_file_liken(int file, const struct tn_file_facts *facts);
/* *got < size at the end of the file only. */
int tn_file_read(int file, void *buffer, size_t size, uint64_t at, size_t *got);
/* All parts, at most 1024, one after the other. */
int tn_file_write_parts(int file, const struct iovec *parts, unsigned count, uint64_t at);
int tn_file_write(int file, const void *data, size_t size, uint64_t at);
int tn_file_sync(int file);
/* Has the disk begin to write a range that will be synced soon. A favour: nothing is promised, and
 * what fails is said by the sync. */
void tn_file_begin_sync(int file, uint64_t at, uint64_t size);
/* The folder that holds path: makes a file's being there, or not, durable. */
int tn_file_sync_folder(const char *path);
int tn_file_resize(int file, uint64_t size);
int tn_file_reserve(int file, uint64_t at, uint64_t size);
/* Takes the space of a range away; it reads as zero. */
int tn_file_punch(int file, uint64_t at, uint64_t size);
int tn_file_remove(const char *path);
/* EEXIST when there is a file of the new name. */
int tn_file_rename_new(const char *from, const char *to);
/* Makes data all that a file holds, whole or not at all: by a new file that takes the name. What
 * the name is of and is no regular file (a pipe, a device, a symbolic link), and a file in a folder
 * where none can be made, is written to as it is. */
int tn_file_replace(const char *path, const void *data, size_t size, unsigned mode);
/* The next range with data at or after *start; ENXIO: none. */
int tn_file_next_data(int file, uint64_t *start, uint64_t *end);
/* Shares the blocks of the whole file with another, empty one; fails where that cannot be. */
int tn_file_clone(int from, int to);

enum tn_file_lock {
    TN_UNLOCK,
    TN_LOCK_SHARED,
    TN_LOCK_ALONE
};

/* A lock of one byte that lives as long as this opening of the file. EAGAIN: another has it. */
int tn_file_lock(int file, uint64_t at, enum tn_file_lock kind, bool wait);

enum tn_map_how {
    TN_MAP_PRIVATE = 0,
    TN_MAP_SHARED = 1,
    TN_MAP_READ = 2
};

/* Reserves addresses at this place or, with NULL, anywhere. EEXIST: something is there. */
int tn_map_reserve(void *start, size_t size, char **got);
/* Maps part of a file over reserved addresses. */
int tn_map_file(void *start, size_t size, int file, uint64_t at, enum tn_map_how how);
/* Memory that is zero over reserved addresses. */
int tn_map_zero(void *start, size_t size);
int tn_map_protect(void *start, size_t size, bool write);
int tn_map_sync(void *start, size_t size);
int tn_map_small_pages(void *start, size_t size);
/* Maps, for reading, what of the range the system has in memory: one call instead of a page fault
 * for each page. A favour: nothing is promised. */
void tn_map_what_is_there(char *start, size_t size);
/* Bytes of the range that are in memory. */
size_t tn_map_resident(const void *start, size_t size);

unsigned tn_process_id(void);
/* A number that is another one whenever the system was started anew; false: not known, zero. */
bool tn_boot_id(uint64_t id[2]);

#pragma GCC visibility pop

#endif
