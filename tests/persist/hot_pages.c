/*
 * Pages that are changed again and again, against a plain copy: a few words or all of a few pages
 * are written between commits, beside blocks that come and go at the end of the space; in between
 * the image is rolled back, checkpointed, closed, left as by a crash, looked at by a reader, copied
 * and checked. Whenever it is opened it has to be what the last commit made it.
 *
 *     hot_pages FILE STEPS SEED
 */
#include "beside.h"

#include <tarn/persist.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE   4096u
#define PAGES  48u
#define BLOCKS 6u
#define LARGE  ((size_t)3 << 20)

/* In the image: what the root leads to. */
struct contents {
    unsigned char *data;
    unsigned char *block[BLOCKS];
    unsigned char filled[BLOCKS]; /* with this byte */
};

/* The same, outside. */
struct copy {
    unsigned char data[PAGES * PAGE];
    unsigned char filled[BLOCKS]; /* 0: there is no block */
    unsigned char mark[BLOCKS];   /* in its second byte */
};

static const unsigned modes[] = {
    0, TARN_PROCESS, TARN_PROCESS, TARN_PROCESS, TARN_PROCESS, TARN_PAGE_MAP};

static const char *path;
static char other[4096];
static tarn_heap *heap;
static struct contents *contents;
static struct copy present;
static struct copy committed;
static uint64_t seed;
static long step;

static void
need(bool right, const char *what)
{
    if (!right) {
        fprintf(stderr, "hot_pages: step %ld: %s: %s\n", step, what, tarn_error());
        exit(1);
    }
}

static unsigned
draw(unsigned below)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % below;
}

static bool
print(void *context, const char *what, uint64_t offset)
{
    (void)context;
    fprintf(stderr, "at %llu: %s\n", (unsigned long long)offset, what);
    return true;
}

static void
compare(tarn_heap *with, const struct copy *copy, const char *what)
{
    const struct contents *found = tarn_root(with);
    bool same = memcmp(found->data, copy->data, sizeof copy->data) == 0;
    for (unsigned i = 0; i < BLOCKS && same; i++) {
        same = (found->block[i] != NULL) == (copy->filled[i] != 0) &&
               (copy->filled[i] == 0 || found->block[i][1] == copy->mark[i]);
        for (size_t k = 0; k < LARGE && same && found->block[i] != NULL; k += 509) {
            same = found->block[i][k] == copy->filled[i];
        }
    }
    need(same, what);
}

static void
open_again(void)
{
    heap = tarn_open(path, &(tarn_options){.flags = modes[draw(6)],
                                           .journal_most = (size_t)1 << (draw(8) == 0 ? 18 : 40)});
    need(heap != NULL, "open");
    contents = tarn_root(heap);
    compare(heap, &committed, "it is not what was committed");
    present = committed;
}

static void
create(void)
{
    heap = tarn_create(path, &(tarn_options){.capacity = (size_t)256 << 20});
    need(heap != NULL, "create");
    contents = tarn_heap_zalloc(heap, sizeof *contents);
    contents->data = tarn_heap_aligned_alloc(heap, PAGE, sizeof present.data);
    memset(contents->data, 0, sizeof present.data);
    tarn_set_root(heap, contents);
    need(tarn_commit(heap) == 0, "commit");
}

/* For a while some pages are written to far more often than others; of the blocks, the first. */
static void
write_some(void)
{
    for (unsigned n = 1 + draw(4); n > 0; n--) {
        unsigned page = (draw(8) != 0 ? (unsigned)step / 40 * 5 + draw(5) : draw(PAGES)) % PAGES;
        unsigned size = draw(16) == 0 ? PAGE : 1 + draw(200);
        size_t at = (size_t)page * PAGE + draw(PAGE - size + 1);
        int byte = (int)draw(256);
        memset(contents->data + at, byte, size);
        memset(present.data + at, byte, size);
    }
    unsigned i = draw(BLOCKS);
    if (contents->block[i] != NULL && draw(3) != 0) {
        contents->block[i][1] = present.mark[i] = (unsigned char)draw(256);
    }
}

static void
fill(unsigned i)
{
    unsigned char byte = (unsigned char)(1 + draw(2)); /* often what was there before */
    contents->block[i] = tarn_heap_malloc(heap, LARGE);
    need(contents->block[i] != NULL, "malloc");
    memset(contents->block[i], byte, LARGE);
    present.filled[i] = byte;
    present.mark[i] = byte;
}

static void
come_and_go(void)
{
    unsigned i = draw(BLOCKS);
    if (contents->block[i] == NULL) {
        fill(i);
        return;
    }
    present.filled[i] = 0;
    tarn_heap_free(heap, contents->block[i]);
    contents->block[i] = NULL;
    if (draw(2) == 0) {
        tarn_heap_trim(heap);
    }
    if (draw(2) == 0) {
        fill(i);
    }
}

static void
commit(void)
{
    need(tarn_commit(heap) == 0, "commit");
    committed = present;
}

static void
look_at(const char *file, const struct copy *copy, const char *what)
{
    need(tarn_check(file, print, NULL) == 0, what);
    tarn_heap *reader = tarn_open(file, &(tarn_options){.flags = TARN_READ_ONLY});
    need(reader != NULL, "open for reading");
    compare(reader, copy, what);
    tarn_close(reader);
}

static void
close_somehow(void)
{
    static struct copy copied_state;
    bool copied = draw(2) == 0;
    if (copied) {
        unlink(other);
        need(tarn_snapshot(heap, other) == 0, "snapshot");
        copied_state = committed;
    }
    if (draw(2) == 0) {
        commit();
        need(tarn_close(heap) == 0, "close");
    } else {
        tarn_close_without_commit(heap);
    }
    if (copied) {
        look_at(other, &copied_state, "the copy");
    }
    look_at(path, &committed, "the image");
    open_again();
}

/* Changes that a crash left in the journal, then closing under a seal without having touched their
 * page again. */
static void
seal_what_a_crash_left(void)
{
    fill(0);
    for (int i = 0; i < 5; i++) {
        contents->data[7] = ++present.data[7];
        commit();
    }
    tarn_close_without_commit(heap);
    open_again();
    contents->data[9 * PAGE] = ++present.data[9 * PAGE];
    commit();
    need(tarn_close(heap) == 0, "close");
    open_again();
}

static void
do_something(void)
{
    unsigned what = draw(1000);
    if (what < 930) {
        write_some();
        if (what < 880) {
            commit();
        }
    } else if (what < 970) {
        come_and_go();
    } else if (what < 980) {
        need(tarn_rollback(heap) == 0, "rollback");
        contents = tarn_root(heap);
        compare(heap, &committed, "a rollback leads elsewhere");
        present = committed;
    } else if (what < 983) {
        need(tarn_checkpoint(heap) == 0, "checkpoint");
        committed = present;
    } else {
        close_somehow();
    }
}

static void
remove_all(void)
{
    char journal[4096];
    name_journal(journal, path);
    unlink(path);
    unlink(journal);
    unlink(other);
}

int
main(int argc, char **argv)
{
    if (argc != 4) {
        fprintf(stderr, "usage: hot_pages FILE STEPS SEED\n");
        return 2;
    }
    path = argv[1];
    snprintf(other, sizeof other, "%.4000s-copy", path);
    seed = strtoul(argv[3], NULL, 10);
    remove_all();
    create();
    seal_what_a_crash_left();
    for (long steps = strtol(argv[2], NULL, 10); step < steps; step++) {
        do_something();
        if (step % 64 == 0) {
            compare(heap, &present, "memory is not what was written");
        }
    }
    commit();
    need(tarn_close(heap) == 0, "close");
    need(tarn_check(path, print, NULL) == 0, "the image is damaged at the end");
    remove_all();
    return 0;
}
