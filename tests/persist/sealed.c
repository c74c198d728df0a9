/*
 * Journals that stay when an image is closed: opened by their seal's word, appended to, rolled
 * back, read beside the writer, copied, brought to the file; with few runs of pages and with more
 * than are mapped; and gone through record by record where the seal is not to be believed. What is
 * in the image is held against numbers kept outside.
 *
 *     sealed FILE
 */
#include "beside.h"
#include "calls.h"
#include "say_fault.h"

#include <tarn/persist.h>
#include <tarn/tarn.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE  4096
#define PAGES 4000u

static const char *path;
static char journal[4096];
static char other[4096];
static uint64_t *expected; /* shared with the children: by page, as committed */
static uint64_t *present;  /* as in memory */

static _Noreturn void
wrong(const char *what, int line)
{
    fprintf(stderr, "line %d: %s (%s)\n", line, what, tarn_error());
    exit(1);
}

#define NEED(good)                                                                                 \
    do {                                                                                           \
        if (!(good)) {                                                                             \
            wrong(#good, __LINE__);                                                                \
        }                                                                                          \
    } while (0)

static tarn_heap *
open_image(unsigned flags)
{
    tarn_heap *heap = tarn_open(path, &(tarn_options){.flags = flags});
    NEED(heap != NULL);
    const char *data = tarn_root(heap);
    for (size_t i = 0; i < PAGES; i++) {
        uint64_t word;
        memcpy(&word, data + i * PAGE, sizeof word);
        if (word != expected[i]) {
            fprintf(stderr, "page %zu: %llu instead of %llu\n", i, (unsigned long long)word,
                    (unsigned long long)expected[i]);
            NEED(word == expected[i]);
        }
    }
    memcpy(present, expected, PAGES * sizeof *expected);
    return heap;
}

static void
change(tarn_heap *heap, size_t first, size_t step, uint64_t to)
{
    char *data = tarn_root(heap);
    for (size_t i = first; i < PAGES; i += step) {
        memcpy(data + i * PAGE, &to, sizeof to);
        present[i] = to;
    }
}

static void
committed(void)
{
    memcpy(expected, present, PAGES * sizeof *expected);
}

static uint64_t
left_in_journal(void)
{
    struct stat status;
    return stat(journal, &status) == 0 ? (uint64_t)status.st_size : 0;
}

static void
make(unsigned flags)
{
    unlink(path);
    unlink(journal);
    tarn_heap *heap =
        tarn_create(path, &(tarn_options){.flags = flags, .capacity = (size_t)64 << 20});
    NEED(heap != NULL);
    tarn_set_root(heap, tarn_heap_zalloc(heap, PAGES * PAGE));
    change(heap, 0, 1, 1);
    NEED(tarn_close(heap) == 0);
    committed();
    NEED(left_in_journal() >= PAGES * PAGE);
    NEED(tarn_check(path, say_fault, NULL) == 0);
}

/* A second process on the image: the systems that a child knows of are another boot's, or not. */
static void
look_from_outside(bool anew, tarn_heap *open_here)
{
    pid_t child = fork();
    if (child == 0) {
        tarn_close_without_commit(open_here);
        if (anew) {
            calls_start_anew();
        }
        tarn_heap *heap = open_image(TARN_READ_ONLY);
        NEED(tarn_check_heap(heap, say_fault, NULL) == 0);
        tarn_close(heap);
        exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    NEED(status == 0);
}

static void
open_and_go_on(unsigned flags, size_t step)
{
    make(flags);
    for (uint64_t round = 2; round < 12; round++) {
        look_from_outside(false, NULL);
        look_from_outside(true, NULL);
        tarn_heap *heap = open_image(flags);
        tarn_image_figures figures;
        NEED(tarn_image_info(heap, &figures) == 0 && figures.closed_properly);
        NEED(figures.commits_redone == 0 && !figures.commit_dropped);
        change(heap, round, step, round);
        if (round % 3 == 0) {
            NEED(tarn_rollback(heap) == 0);
            memcpy(present, expected, PAGES * sizeof *expected);
            change(heap, 2 * round, step, 100 + round);
        }
        if (round % 2 == 0) {
            NEED(tarn_commit(heap) == 0);
            committed();
            look_from_outside(false, heap);
            change(heap, 3 * round, step, 200 + round);
            NEED(tarn_rollback(heap) == 0);
            memcpy(present, expected, PAGES * sizeof *expected);
        }
        if (round == 7) {
            unlink(other);
            NEED(tarn_snapshot(heap, other) == 0);
            NEED(tarn_check(other, say_fault, NULL) == 0);
        }
        if (round == 8) {
            void *more = tarn_heap_malloc(heap, (size_t)4 << 20);
            memset(more, 1, (size_t)4 << 20);
            tarn_heap_free(heap, more);
            NEED(tarn_checkpoint(heap) == 0);
            committed();
            change(heap, 1, 1, 300);
        }
        NEED(tarn_check_heap(heap, say_fault, NULL) == 0);
        if (round == 9) {
            tarn_close_without_commit(heap); /* the journal is gone through at the next opening */
        } else {
            NEED(tarn_close(heap) == 0);
            committed();
        }
        NEED(tarn_check(path, say_fault, NULL) == 0);
    }
    tarn_heap *heap = open_image(flags);
    NEED(tarn_checkpoint(heap) == 0 && tarn_close(heap) == 0);
    NEED(left_in_journal() == 0);
    look_from_outside(true, NULL);
    NEED(tarn_check(path, say_fault, NULL) == 0);
}

static void
flip(uint64_t at)
{
    int file = open(journal, O_RDWR);
    char byte;
    NEED(file >= 0 && pread(file, &byte, 1, (off_t)at) == 1);
    byte = (char)(byte ^ 16);
    NEED(pwrite(file, &byte, 1, (off_t)at) == 1);
    close(file);
}

/* A seal that is damaged is none; a record that is damaged under a seal is found by the check. */
static void
damage(void)
{
    make(0);
    flip(1024 + 20);
    look_from_outside(false, NULL);
    tarn_close(open_image(0));
    look_from_outside(false, NULL);
    make(0);
    flip(PAGE + 20 * PAGE + PAGES * PAGE / 2);
    NEED(tarn_check(path, NULL, NULL) > 0);
    NEED(tarn_open(path, &(tarn_options){.flags = TARN_VERIFY}) == NULL);
}

/* A file that readers have open is not written to; the journal is left without a seal. */
static void
beside_a_reader(void)
{
    make(0);
    tarn_heap *heap = open_image(0);
    int ready[2];
    int over[2];
    char byte = 0;
    NEED(pipe(ready) == 0 && pipe(over) == 0);
    pid_t child = fork();
    if (child == 0) {
        close(over[1]);
        tarn_close_without_commit(heap);
        tarn_heap *reader = open_image(TARN_READ_ONLY);
        NEED(write(ready[1], &byte, 1) == 1);
        NEED(read(over[0], &byte, 1) == 0);
        const char *data = tarn_root(reader);
        for (size_t i = 0; i < PAGES; i++) {
            NEED(data[i * PAGE] == 1);
        }
        exit(0);
    }
    NEED(read(ready[0], &byte, 1) == 1);
    change(heap, 0, 3, 9);
    NEED(tarn_close(heap) == 0);
    committed();
    heap = open_image(0);
    change(heap, 0, 2, 10);
    NEED(tarn_checkpoint(heap) != 0);
    NEED(tarn_close(heap) == 0);
    close(over[1]);
    int status;
    waitpid(child, &status, 0);
    NEED(status == 0);
    committed();
    look_from_outside(true, NULL);
}

static void
copy_file(const char *from, const char *to)
{
    static char buffer[1 << 16];
    ssize_t got;
    int in = open(from, O_RDONLY);
    int out = open(to, O_RDWR | O_CREAT | O_TRUNC, 0600);
    NEED(in >= 0 && out >= 0);
    while ((got = read(in, buffer, sizeof buffer)) > 0) {
        NEED(write(out, buffer, (size_t)got) == got);
    }
    close(in);
    close(out);
}

static void
refused(const char *name, const char *word)
{
    NEED(tarn_open(name, NULL) == NULL && errno == EBADMSG);
    NEED(strstr(tarn_error(), word) != NULL);
    NEED(tarn_check(name, NULL, NULL) > 0);
}

/* A file that has a part of the last commit is not taken for one that is at another. */
static void
without_its_journal(void)
{
    char kept[4096 + 16];
    char beside[4096 + 16];
    snprintf(kept, sizeof kept, "%.4000s-kept", journal);
    name_journal(beside, other);
    unlink(other);
    make(0);
    copy_file(journal, kept);
    tarn_heap *heap = open_image(0);
    change(heap, 0, 1, 2);
    NEED(tarn_checkpoint(heap) == 0);
    change(heap, 0, 3, 3); /* more runs than the table has */
    NEED(tarn_close(heap) == 0);
    committed();
    copy_file(path, other);
    refused(other, "-journal is missing");
    copy_file(kept, beside);
    refused(other, "-journal is another");
    copy_file(journal, beside);
    NEED(tarn_check(other, say_fault, NULL) == 0);
    heap = tarn_open(other, NULL);
    NEED(heap != NULL && tarn_checkpoint(heap) == 0 && tarn_close(heap) == 0);
    NEED(access(beside, F_OK) != 0 && tarn_check(other, say_fault, NULL) == 0);
    unlink(kept);
}

/* A checkpoint that ends before its n-th call; false: it was done before. */
static bool
checkpoint_ends_at(unsigned long n)
{
    pid_t child = fork();
    if (child == 0) {
        tarn_heap *heap = open_image(0);
        calls_inject(CALLS_DIE, n, 0);
        NEED(tarn_checkpoint(heap) == 0);
        calls_inject(CALLS_NONE, 0, 0);
        exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    NEED(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 9));
    return WEXITSTATUS(status) == 9;
}

/* Whatever a checkpoint left in the file: with the journal all of the commit; without, all of one
 * commit, or the file says that it is not whole. */
static void
cut_short(void)
{
    unsigned long refusals = 0;
    bool ended = true;
    make(0);
    for (unsigned long n = 1; ended; n++) {
        tarn_heap *heap = open_image(0);
        NEED(tarn_checkpoint(heap) == 0);
        change(heap, 0, 800, 1 + n);
        NEED(tarn_commit(heap) == 0);
        committed();
        tarn_close_without_commit(heap);
        ended = checkpoint_ends_at(n);
        look_from_outside(true, NULL);
        NEED(rename(journal, other) == 0);
        heap = tarn_open(path, &(tarn_options){.flags = TARN_READ_ONLY});
        if (heap != NULL) {
            const char *data = tarn_root(heap);
            for (size_t i = 0; i < PAGES; i += 800) {
                NEED(data[i * PAGE] == data[0]);
            }
            tarn_close(heap);
        } else {
            NEED(errno == EBADMSG && strstr(tarn_error(), "is missing") != NULL);
            refusals++;
        }
        NEED(rename(other, journal) == 0);
    }
    NEED(refusals > 4);
}

int
main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: sealed FILE\n");
        return 2;
    }
    path = argv[1];
    name_journal(journal, path);
    snprintf(other, sizeof other, "%.4000s-other", path);
    expected = mmap(NULL, 2 * PAGES * sizeof *expected, PROT_READ | PROT_WRITE,
                    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    present = expected + PAGES;
    open_and_go_on(0, 1000);
    open_and_go_on(0, 7);
    open_and_go_on(TARN_PROCESS, 40);
    open_and_go_on(TARN_PROCESS, 3);
    damage();
    beside_a_reader();
    without_its_journal();
    cut_short();
    unlink(path);
    unlink(journal);
    unlink(other);
    return 0;
}
