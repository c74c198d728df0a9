#include "disk.h"

#include "town.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SECTOR     512
#define FILE_MOST  ((size_t)24 << 20)
#define FILES_MOST 16

struct file {
    uint64_t inode;
    unsigned char *bytes;
    size_t size;
};

static struct file files[FILES_MOST];
static unsigned file_count;

static struct file *
find_file(uint64_t inode)
{
    for (unsigned i = 0; i < file_count; i++) {
        if (files[i].inode == inode) {
            return &files[i];
        }
    }
    struct file *made = &files[file_count++];
    made->inode = inode;
    made->bytes = mmap(NULL, FILE_MOST, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    made->size = 0;
    return made;
}

/* sectors: which of them reach the disk, by a sequence of random bits; 0: all. */
static void
apply(struct file *file, const struct calls_event *event, uint64_t sectors)
{
    if (event->kind == CALLS_RESIZE) {
        if (event->size < file->size) {
            memset(file->bytes + event->size, 0, file->size - event->size);
        }
        file->size = event->size;
    } else if (event->kind == CALLS_PUNCH) {
        if (event->at < file->size) {
            uint64_t end = event->at + event->size;
            end = end < file->size ? end : file->size;
            memset(file->bytes + event->at, 0, end - event->at);
        }
    } else if (event->kind == CALLS_RESERVE) {
        if (event->at + event->size > file->size) {
            file->size = event->at + event->size;
        }
    } else if (event->kind == CALLS_WRITE) {
        for (size_t at = 0; at < event->size; at += SECTOR) {
            size_t part = event->size - at < SECTOR ? event->size - at : SECTOR;
            if (sectors == 0 || town_random(&sectors) % 2 == 0) {
                memcpy(file->bytes + event->at + at, event->data + at, part);
            }
        }
        if (event->at + event->size > file->size) {
            file->size = event->at + event->size;
        }
    }
}

static bool
is_name(const struct calls_event *event)
{
    return event->kind == CALLS_CREATE || event->kind == CALLS_REMOVE;
}

static void
apply_name(struct disk *disk, const struct calls_event *event)
{
    const char *slash = strrchr(disk->path, '/');
    bool image = strcmp(event->name, slash != NULL ? slash + 1 : disk->path) == 0;
    *(image ? &disk->image : &disk->journal) = event->kind == CALLS_CREATE ? event->file : 0;
}

void
disk_add(struct disk *disk, size_t event)
{
    if (disk->pending_count == DISK_PENDING) {
        fprintf(stderr, "too many writes without a sync\n");
        exit(1);
    }
    disk->pending[disk->pending_count++] = event;
}

/* What a sync is about is pending no more: all of it is on the disk, or what the seed says. */
static void
settle(struct disk *disk, uint64_t inode, bool folder, uint64_t *seed)
{
    size_t kept = 0;
    for (size_t i = 0; i < disk->pending_count; i++) {
        const struct calls_event *event = &disk->events[disk->pending[i]];
        if (folder && is_name(event)) {
            apply_name(disk, event);
        } else if (!folder && !is_name(event) && event->file == inode &&
                   (seed == NULL || event->kind == CALLS_WRITE)) {
            uint64_t drawn = seed != NULL ? town_random(seed) % 3 : 0;
            if (drawn < 2) {
                apply(find_file(inode), event, drawn == 1 ? *seed | 1 : 0);
            }
        } else {
            disk->pending[kept++] = disk->pending[i];
        }
    }
    disk->pending_count = kept;
}

void
disk_sync(struct disk *disk, uint64_t inode, bool folder)
{
    settle(disk, inode, folder, NULL);
}

void
disk_fail(struct disk *disk, uint64_t inode, uint64_t *seed)
{
    settle(disk, inode, false, seed);
}

static void
write_file(const char *path, uint64_t inode)
{
    unlink(path);
    if (inode == 0) {
        return;
    }
    struct file *file = find_file(inode);
    FILE *out = fopen(path, "w");
    if (out == NULL || (file->size != 0 && fwrite(file->bytes, file->size, 1, out) != 1)) {
        fprintf(stderr, "%s: cannot be written\n", path);
        exit(1);
    }
    fclose(out);
}

void
disk_write(const struct disk *disk, const unsigned char *chosen, uint64_t torn)
{
    char journal[4096];
    struct disk copy = *disk;
    snprintf(journal, sizeof journal, "%.4000s-journal", disk->path);
    for (size_t i = 0; i < disk->pending_count; i++) {
        const struct calls_event *event = &disk->events[disk->pending[i]];
        if (chosen[i] && is_name(event)) {
            apply_name(&copy, event);
        } else if (chosen[i]) {
            bool part = torn != 0 && town_random(&torn) % 3 == 0;
            apply(find_file(event->file), event, part ? torn : 0);
        }
    }
    write_file(disk->path, copy.image);
    write_file(journal, copy.journal);
}
