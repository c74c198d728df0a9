#include "record_file.h"

#include "command.h"
#include "terminal.h"
#include "trace_format.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <lzma.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PART ".part"

int
record_file_begin(const char *command, struct record_file *file, const char *path)
{
    char folder[PATH_MAX] = "";
    if (*path != '/' && getcwd(folder, sizeof folder) == NULL) {
        return command_fail(command, "the working directory: %s", strerror(errno));
    }
    int length = snprintf(file->path, PATH_MAX, "%s%s%s", folder, *folder != 0 ? "/" : "", path);
    if (length < 0 || length >= PATH_MAX ||
        snprintf(file->part, PATH_MAX, "%s" PART, file->path) >= PATH_MAX) {
        file->part[0] = 0;
        return command_fail(command, "%s: %s", path, strerror(ENAMETOOLONG));
    }
    int made = open(file->part, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (made < 0) {
        file->part[0] = 0;
        return command_fail(command, "%s: %s", path, strerror(errno));
    }
    close(made);
    return COMMAND_DONE;
}

/* Where the packed trace goes: a file, through xz or not. */
struct packer {
    FILE *out;
    lzma_stream stream;
    bool xz;
    bool failed;
};

static void
pack_bytes(struct packer *packer, const void *data, size_t size, lzma_action action)
{
    unsigned char piece[16384];
    if (!packer->xz) {
        packer->failed |= fwrite(data, 1, size, packer->out) != size;
        return;
    }
    packer->stream.next_in = data;
    packer->stream.avail_in = size;
    lzma_ret state = LZMA_OK;
    do {
        packer->stream.next_out = piece;
        packer->stream.avail_out = sizeof piece;
        state = lzma_code(&packer->stream, action);
        size_t made = sizeof piece - packer->stream.avail_out;
        packer->failed |= fwrite(piece, 1, made, packer->out) != made;
    } while (state == LZMA_OK && (packer->stream.avail_in > 0 || packer->stream.avail_out == 0 ||
                                  action == LZMA_FINISH));
    packer->failed |= state != LZMA_OK && state != LZMA_STREAM_END;
}

/* Copies the header and each chunk's used part. */
static void
pack_chunks(struct packer *packer, const unsigned char *data, size_t size)
{
    struct trace_header header;
    struct trace_chunk chunk;
    memcpy(&header, data, sizeof header);
    size_t words = header.words_bytes < 4000 ? header.words_bytes : 4000;
    size_t at = (size_t)header.first;
    size_t end = header.end < size ? (size_t)header.end : size;
    uint64_t total = 0;
    for (size_t from = at; from < end && end - from >= sizeof chunk; from += chunk.room) {
        memcpy(&chunk, data + from, sizeof chunk);
        total += chunk.used > 0 ? sizeof chunk + chunk.used : 0;
        chunk.room = chunk.magic == TRACE_CHUNK_MAGIC ? chunk.room : 16 * 1024;
    }
    header.words_bytes = (uint32_t)words;
    header.first = sizeof header + words;
    header.end = header.first + total;
    pack_bytes(packer, &header, sizeof header, LZMA_RUN);
    pack_bytes(packer, data + sizeof header, words, LZMA_RUN);
    for (size_t from = at; from < end && end - from >= sizeof chunk;) {
        memcpy(&chunk, data + from, sizeof chunk);
        size_t room = chunk.magic == TRACE_CHUNK_MAGIC ? chunk.room : 16 * 1024;
        if (chunk.magic == TRACE_CHUNK_MAGIC && chunk.used > 0 &&
            chunk.used <= end - from - sizeof chunk) {
            chunk.room = (uint32_t)sizeof chunk + chunk.used;
            pack_bytes(packer, &chunk, sizeof chunk, LZMA_RUN);
            pack_bytes(packer, data + from + sizeof chunk, chunk.used, LZMA_RUN);
        }
        from += room;
    }
}

static bool
ends_with(const char *text, const char *ending)
{
    size_t length = strlen(text);
    size_t least = strlen(ending);
    return length >= least && strcmp(text + length - least, ending) == 0;
}

static bool
pack(const char *command, const char *from, const char *to)
{
    struct stat about;
    int file = open(from, O_RDONLY | O_CLOEXEC);
    void *data = MAP_FAILED;
    if (file >= 0 && fstat(file, &about) == 0 &&
        about.st_size >= (off_t)sizeof(struct trace_header)) {
        data = mmap(NULL, (size_t)about.st_size, PROT_READ, MAP_PRIVATE, file, 0);
    }
    if (file >= 0) {
        close(file);
    }
    if (data == MAP_FAILED) {
        command_fail(command,
                     "%s: nothing was recorded: the program could not be given the "
                     "recorder (see 'tarn run'), or did not run",
                     to);
        return false;
    }
    struct packer packer = {.out = fopen(to, "wb"), .xz = ends_with(to, ".xz")};
    if (packer.out == NULL ||
        (packer.xz && lzma_easy_encoder(&packer.stream, 6, LZMA_CHECK_CRC64) != LZMA_OK)) {
        command_fail(command, "%s: %s", to, strerror(errno));
        packer.failed = true;
    } else {
        pack_chunks(&packer, data, (size_t)about.st_size);
        if (packer.xz) {
            pack_bytes(&packer, "", 0, LZMA_FINISH);
            lzma_end(&packer.stream);
        }
        packer.failed |= fflush(packer.out) != 0;
        if (packer.failed) {
            command_fail(command, "%s: %s; the recording is in %s", to, strerror(errno), from);
        }
    }
    if (packer.out != NULL) {
        fclose(packer.out);
    }
    munmap(data, (size_t)about.st_size);
    return !packer.failed;
}

/* FILE.part.PID becomes FILE.PID, or DIR/NAME.PID.xz of DIR/NAME.xz. */
static void
name_child(const struct record_file *file, const char *part, char name[PATH_MAX])
{
    const char *id = strrchr(part, '.');
    bool xz = ends_with(file->path, ".xz");
    int stem = (int)(strlen(file->path) - (xz ? 3 : 0));
    snprintf(name, PATH_MAX, "%.*s%s%s", stem, file->path, id, xz ? ".xz" : "");
}

bool
record_file_end(const char *command, struct record_file *file)
{
    char pattern[PATH_MAX + 8];
    glob_t found;
    bool fine = pack(command, file->part, file->path);
    if (fine) {
        unlink(file->part);
    }
    snprintf(pattern, sizeof pattern, "%s.*", file->part);
    if (glob(pattern, 0, NULL, &found) == 0) {
        for (size_t i = 0; i < found.gl_pathc; i++) {
            char name[PATH_MAX];
            name_child(file, found.gl_pathv[i], name);
            if (pack(command, found.gl_pathv[i], name)) {
                unlink(found.gl_pathv[i]);
            } else {
                fine = false;
            }
        }
        globfree(&found);
    }
    return fine;
}

void
record_file_drop(struct record_file *file)
{
    if (file->part[0] != 0) {
        unlink(file->part);
    }
}
