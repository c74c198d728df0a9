/*
 * Media that cannot be written: images of every kind of ending are opened for reading, checked and
 * used there; who wants to write is told why not; and a reader behind a read-only mount follows a
 * writer who is elsewhere. The mounts are in a namespace of the test's own; where the system grants
 * none, the test is skipped.
 *
 *     read_only FOLDER
 */
#include "expect.h"
#include "own_mounts.h"
#include "say_fault.h"

#include <tarn/persist.h>

#include <sys/stat.h>
#include <sys/wait.h>

#define CAPACITY ((size_t)8 << 20)
#define LEFT     5 /* exit status of a writer that ends without closing */

static char writable[4096]; /* two folders that are one */
static char fixed[4096];
static char name[8300];

static const char *
in(const char *folder, const char *file)
{
    snprintf(name, sizeof name, "%s/%s", folder, file);
    return name;
}

static void
mount_folders(const char *folder)
{
    snprintf(writable, sizeof writable, "%.4000s/writable", folder);
    snprintf(fixed, sizeof fixed, "%.4000s/fixed", folder);
    (void)!mkdir(folder, 0700);
    if (mount("tarn", folder, "tmpfs", 0, "size=64m") != 0) {
        expect_skip("no mounts of one's own");
    }
    EXPECT(mkdir(writable, 0700) == 0 && mkdir(fixed, 0700) == 0);
    EXPECT(mount(writable, fixed, NULL, MS_BIND, NULL) == 0);
    EXPECT(mount(NULL, fixed, NULL, MS_BIND | MS_REMOUNT | MS_RDONLY, NULL) == 0);
}

/* The image's text; committed, or left as changed only. */
static void
set_text(tarn_heap *heap, const char *text)
{
    char *copy = tarn_heap_strdup(heap, text);
    EXPECT(copy != NULL);
    tarn_set_root(heap, copy);
}

static tarn_heap *
make(const char *file, unsigned flags)
{
    tarn_heap *heap =
        tarn_create(in(writable, file), &(tarn_options){.flags = flags, .capacity = CAPACITY});
    EXPECT(heap != NULL);
    return heap;
}

static void
crash(void)
{
    tarn_heap *heap = make("crashed", 0);
    set_text(heap, "crashed");
    EXPECT(tarn_commit(heap) == 0);
    set_text(heap, "lost");
    _exit(LEFT);
}

/* An image for each way to end, with and without a journal. */
static void
make_images(void)
{
    tarn_heap *heap = make("little", 0);
    set_text(heap, "little");
    EXPECT(tarn_close(heap) == 0 && access(in(writable, "little-journal"), F_OK) != 0);
    heap = make("sealed", 0);
    set_text(heap, "sealed");
    memset(tarn_heap_malloc(heap, 3u << 20), 1, 3u << 20);
    EXPECT(tarn_close(heap) == 0 && access(in(writable, "sealed-journal"), F_OK) == 0);
    heap = make("shared", TARN_SHARED);
    set_text(heap, "shared");
    EXPECT(tarn_close(heap) == 0);
    pid_t child = fork();
    if (child == 0) {
        crash();
    }
    int status;
    waitpid(child, &status, 0);
    EXPECT(WEXITSTATUS(status) == LEFT && access(in(writable, "crashed-journal"), F_OK) == 0);
}

static void
read_image(const char *file)
{
    EXPECT(tarn_check(in(fixed, file), say_fault, NULL) == 0);
    tarn_heap *heap = tarn_open(in(fixed, file), &(tarn_options){.flags = TARN_READ_ONLY});
    EXPECT(heap != NULL);
    EXPECT(strcmp(tarn_root(heap), file) == 0);
    EXPECT(tarn_commit(heap) != 0 && errno == EROFS);
    EXPECT(tarn_rollback(heap) == 0);
    EXPECT(strcmp(tarn_root(heap), file) == 0);
    EXPECT(tarn_check_heap(heap, say_fault, NULL) == 0);
    EXPECT(tarn_snapshot(heap, in(fixed, "snapshot")) != 0 && errno == EROFS);
    EXPECT(tarn_snapshot(heap, in(writable, "snapshot")) == 0);
    EXPECT(tarn_close(heap) == 0);
    EXPECT(tarn_check(in(writable, "snapshot"), say_fault, NULL) == 0);
    EXPECT(unlink(in(writable, "snapshot")) == 0);
}

static void
refuse_to_write(const char *file)
{
    static const unsigned kinds[] = {0, TARN_CREATE, TARN_SHARED, TARN_PROCESS, TARN_VERIFY};
    for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        errno = 0;
        EXPECT(tarn_open(in(fixed, file), &(tarn_options){.flags = kinds[i]}) == NULL);
        EXPECT(errno == EROFS);
        EXPECT(strstr(tarn_error(), name) != NULL);
        EXPECT(strstr(tarn_error(), "TARN_READ_ONLY") != NULL);
    }
    EXPECT(tarn_create(in(fixed, "new"), NULL) == NULL && errno == EROFS);
    EXPECT(tarn_open(in(fixed, "new"), NULL) == NULL && errno == ENOENT);
}

static void
expect_text(tarn_heap *reader, const char *text)
{
    EXPECT(tarn_rollback(reader) == 0); /* moves on */
    EXPECT(strcmp(tarn_root(reader), text) == 0);
}

/* Two pipes: what the reader is to find, and that it did. */
static void
read_while_written(void)
{
    int ask[2];
    int told[2];
    char text[16];
    EXPECT(pipe(ask) == 0 && pipe(told) == 0);
    tarn_heap *heap = make("busy", 0);
    set_text(heap, "first");
    EXPECT(tarn_commit(heap) == 0);
    pid_t child = fork();
    if (child == 0) {
        close(ask[1]);
        tarn_close_without_commit(heap); /* the copy of it, to have its address */
        tarn_heap *reader = tarn_open(in(fixed, "busy"), &(tarn_options){.flags = TARN_READ_ONLY});
        EXPECT(reader != NULL);
        while (read(ask[0], text, sizeof text) == sizeof text) {
            expect_text(reader, text);
            EXPECT(write(told[1], "+", 1) == 1);
        }
        _exit(tarn_close(reader) != 0);
    }
    close(told[1]);
    for (unsigned i = 0; i < 40; i++) {
        memset(text, 0, sizeof text);
        snprintf(text, sizeof text, "text %u", i);
        set_text(heap, text);
        EXPECT(tarn_commit(heap) == 0);
        set_text(heap, "not committed");
        EXPECT(write(ask[1], text, sizeof text) == sizeof text);
        EXPECT(read(told[0], text, 1) == 1);
        EXPECT(i % 10 != 9 || (tarn_checkpoint(heap) != 0 && errno == EBUSY));
    }
    close(ask[1]);
    int status;
    waitpid(child, &status, 0);
    EXPECT(status == 0);
    EXPECT(tarn_checkpoint(heap) == 0);
    EXPECT(tarn_close(heap) == 0);
}

int
main(int argc, char **argv)
{
    static const char *const files[] = {"little", "sealed", "shared", "crashed"};
    const char *folder = argc > 1 ? argv[1] : "/tmp/tarn-read-only";
    own_mounts_enter();
    mount_folders(folder);
    make_images();
    for (unsigned i = 0; i < sizeof files / sizeof *files; i++) {
        read_image(files[i]);
        refuse_to_write(files[i]);
    }
    read_while_written();
    printf("%zu kinds of images read where nothing can be written\n", sizeof files / sizeof *files);
    return 0;
}
