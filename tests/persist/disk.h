/*
 * What a disk may hold of the writes that calls.h recorded: everything synced, and of the rest any
 * part. Two files: the image, and its journal beside it.
 */
#ifndef DISK_H
#define DISK_H

#include "calls.h"

#define DISK_PENDING 4096

struct disk {
    const char *path; /* the image */
    const struct calls_event *events;
    uint64_t image; /* inodes of the names that are durable; 0: no file */
    uint64_t journal;
    size_t pending[DISK_PENDING]; /* events that may or may not be on the disk */
    size_t pending_count;
};

/* An event that is no sync: pending from now on. */
void disk_add(struct disk *disk, size_t event);
/* A sync of a file, or of the folder. */
void disk_sync(struct disk *disk, uint64_t inode, bool folder);
/* A sync of a file that failed: of what was written some is on the disk, drawn at random, and what
 * is not will never be. Of sizes and blocks the system keeps account, and writes it another time.
 */
void disk_fail(struct disk *disk, uint64_t inode, uint64_t *seed);
/* Writes the files as they are with those pending events that are chosen; torn: 0, or a seed for
 * those that are there in part. In a process of its own: the disk is another one then. */
void disk_write(const struct disk *disk, const unsigned char *chosen, uint64_t torn);

#endif
