/*
 * Images kept from this version of the format: makes them, and tells whether one is what was made.
 *
 *     golden make KIND FILE
 *     golden look KIND FILE       opened, checked and compared; FILE is changed
 *     golden refuse FILE          every way in which FILE could be another version's, one by one
 */
#include "say_fault.h"

#include <tarn/persist.h>
#include <tarn/pool.h>

#include "persist/format.h"
#include "persist/sum.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BASE    ((void *)((uintptr_t)42 << 40))
#define ENTRIES 40

/* The contents: an array of strings that say who they are, and what the roots lead to. */
struct contents {
    uint64_t commits; /* that it has been through */
    char *texts[ENTRIES];
    char *large;
};

static _Noreturn void
fail(const char *what)
{
    fprintf(stderr, "golden: %s: %s\n", what, tarn_error());
    exit(1);
}

static void
need(bool right, const char *what)
{
    if (!right) {
        fail(what);
    }
}

static void
text_of(unsigned i, uint64_t commits, char *text, size_t room)
{
    int length = snprintf(text, room, "text %u after %llu commits", i, (unsigned long long)commits);
    for (unsigned k = 0; k < i * 3 && (size_t)length + 1 < room; k++) {
        text[length++] = (char)('a' + k % 26);
    }
    text[length] = 0;
}

/* One commit's change: some texts are written anew, some freed. */
static void
change(tarn_heap *heap, struct contents *contents)
{
    char text[256];
    contents->commits++;
    for (unsigned i = 0; i < ENTRIES; i++) {
        tarn_heap_free(heap, contents->texts[i]);
        contents->texts[i] = NULL;
        if (i % 7 != 3) {
            text_of(i, contents->commits, text, sizeof text);
            contents->texts[i] = tarn_heap_strdup(heap, text);
        }
    }
    memset(contents->large, (int)contents->commits, 5000);
}

static struct contents *
begin(tarn_heap *heap)
{
    struct contents *contents = tarn_heap_zalloc(heap, sizeof *contents);
    contents->large = tarn_heap_malloc(heap, 100000);
    memset(contents->large, 0, 100000);
    tarn_set_root(heap, contents);
    need(tarn_set_named_root(heap, "contents", contents, sizeof *contents, 77) == 0, "a name");
    need(tarn_set_named_root(heap, "large", contents->large, 0, 0) == 0, "a name");
    return contents;
}

static void
add_pool(tarn_heap *heap)
{
    struct tarn_pool_options options = {.heap = heap, .name = "golden"};
    tarn_pool *pool = tarn_pool_new(40, &options);
    void *objects[100];
    for (unsigned i = 0; i < 100; i++) {
        objects[i] = tarn_pool_alloc(pool);
        memset(objects[i], (int)i, 40);
    }
    for (unsigned i = 0; i < 100; i += 2) {
        tarn_pool_free(pool, objects[i]);
    }
    tarn_set_named_root(heap, "object", objects[51], 40, 0);
}

static void
make(const char *kind, const char *path)
{
    bool shared = strcmp(kind, "shared-open") == 0;
    tarn_heap *heap = tarn_create(path, &(tarn_options){.flags = shared ? TARN_SHARED : 0,
                                                        .capacity = (size_t)1 << 20,
                                                        .base = BASE,
                                                        .layout = "golden"});
    need(heap != NULL, "cannot be made");
    struct contents *contents = begin(heap);
    change(heap, contents);
    if (strcmp(kind, "pool") == 0) {
        add_pool(heap);
    }
    if (strcmp(kind, "journal") == 0 || strcmp(kind, "torn") == 0) {
        need(tarn_checkpoint(heap) == 0, "checkpoint");
        for (unsigned i = 0; i < 2; i++) {
            change(heap, contents);
            need(tarn_commit(heap) == 0, "commit");
        }
        tarn_image_figures figures;
        tarn_image_info(heap, &figures);
        tarn_close_without_commit(heap);
        if (*kind == 't') { /* the second one did not get to the disk in full */
            char journal[4096];
            snprintf(journal, sizeof journal, "%s-journal", path);
            need(truncate(journal, (off_t)figures.journal_size) == 0, "cannot be torn");
        }
    } else if (shared) {
        need(tarn_commit(heap) == 0, "commit");
        _exit(0);
    } else {
        need(tarn_close(heap) == 0, "close");
    }
}

static void
compare(tarn_heap *heap, uint64_t commits)
{
    char text[256];
    struct contents *contents = tarn_root(heap);
    need(contents != NULL && contents == tarn_named_root(heap, "contents", sizeof *contents, 77),
         "its roots are not those that were set");
    need(contents->large == tarn_named_root(heap, "large", 0, 0), "a root is another");
    need(contents->commits == commits, "it is not at the commit that it was left at");
    for (unsigned i = 0; i < ENTRIES; i++) {
        text_of(i, commits, text, sizeof text);
        need(i % 7 == 3 ? contents->texts[i] == NULL
                        : contents->texts[i] != NULL && strcmp(contents->texts[i], text) == 0,
             "a text is not what was written");
    }
    need(contents->large[4999] == (char)commits && contents->large[5000] == 0,
         "a large block is not what was written");
}

static void
look(const char *kind, const char *path)
{
    bool shared = strcmp(kind, "shared-open") == 0;
    uint64_t commits = strcmp(kind, "journal") == 0 ? 3 : strcmp(kind, "torn") == 0 ? 2 : 1;
    tarn_image_figures figures;
    if (shared) {
        need(tarn_check(path, NULL, NULL) == 1, "the check finds another thing than: not closed");
        need(tarn_open(path, NULL) == NULL && errno == EUCLEAN, "opens though it was not closed");
    } else {
        need(tarn_check(path, say_fault, NULL) == 0, "the check finds damage");
    }
    tarn_heap *heap =
        tarn_open(path, &(tarn_options){.flags = shared ? TARN_SHARED | TARN_UNCLEAN : 0,
                                        .layout = "golden"});
    need(heap != NULL, "cannot be opened");
    need(tarn_image_info(heap, &figures) == 0 && figures.base == BASE &&
             figures.capacity == (size_t)1 << 20,
         "its figures are others");
    need(figures.commits_redone == (commits > 1 ? commits - 1 : 0) &&
             figures.commit_dropped == (*kind == 't') &&
             figures.closed_properly == (commits == 1 && !shared),
         "how it was left is told wrongly");
    compare(heap, commits);
    change(heap, tarn_root(heap));
    need(tarn_check_heap(heap, say_fault, NULL) == 0, "the heap is damaged after some work");
    if (strcmp(kind, "pool") == 0) {
        tarn_pool *pool = tarn_pool_find(heap, "golden", NULL);
        struct tarn_pool_stats stats;
        need(pool != NULL && tarn_pool_check(pool) == NULL, "its pool is not there");
        tarn_pool_stats(pool, &stats);
        need(stats.live == 50, "its pool has other objects");
    }
    need(tarn_close(heap) == 0, "cannot be closed");
    heap = tarn_open(path, &(tarn_options){.flags = TARN_READ_ONLY | TARN_VERIFY});
    need(heap != NULL, "cannot be opened again");
    compare(heap, commits + 1);
    tarn_close(heap);
}

/* ---- others' images ---- */

struct refusal {
    const char *what;
    size_t at;       /* in the superblock */
    uint64_t change; /* xored with the number there */
    int code;
    const char *word; /* in tarn_error() */
    bool for_writing; /* reading goes */
};

#define AT(field) offsetof(struct tn_superblock, field)

static const struct refusal refusals[] = {
    {"a later version", AT(version), 1 << 8, EINVAL, "format version", false},
    {"a later engine", AT(engine), 1 << 8, EINVAL, "engine of version", false},
    {"other pages", AT(page), 4096 ^ 16384, EINVAL, "pages of 16384", false},
    {"other slices", AT(slice), 65536 ^ 32768, EINVAL, "slices of 32768", false},
    {"other pointers", AT(pointer), 8 ^ 4, EINVAL, "pointers have 4", false},
    {"the other byte order", AT(byte_order), 0x01020304 ^ 0x04030201, EINVAL, "byte order", false},
    {"unknown features", AT(incompatible), 1, EINVAL, "features", false},
    {"features for readers only", AT(read_only), 1, EROFS, "only read", true},
    {"harmless features", AT(compatible), 1, 0, NULL, false},
    {"another kind of file", AT(magic), 1, EINVAL, "no image", false},
    {"an impossible capacity", AT(capacity), 1, EBADMSG, "capacity", false},
    {"an impossible address", AT(base), 1, EBADMSG, "address", false},
};

static void
rewrite(int file, const struct tn_superblock *head)
{
    need(pwrite(file, head, sizeof *head, 0) == (ssize_t)sizeof *head &&
             pwrite(file, head, sizeof *head, (off_t)TN_COPY_AT) == (ssize_t)sizeof *head,
         "cannot be written");
}

static void
refused(const struct refusal *refusal, const char *path, unsigned flags)
{
    tarn_heap *heap = tarn_open(path, &(tarn_options){.flags = flags});
    int code = heap == NULL ? errno : 0;
    bool reading = (flags & TARN_READ_ONLY) != 0;
    int wanted = refusal->for_writing && reading ? 0 : refusal->code;
    if (code != wanted || (wanted != 0 && strstr(tarn_error(), refusal->word) == NULL)) {
        fprintf(stderr, "golden: %s: errno %d instead of %d; \"%s\"\n", refusal->what, code, wanted,
                tarn_error());
        exit(1);
    }
    if (heap != NULL) {
        tarn_close(heap);
    }
}

/* A machine of the other byte order has its sum the other way round too. */
static void
refuse(const char *path)
{
    struct tn_superblock head;
    int file = open(path, O_RDWR);
    need(file >= 0 && pread(file, &head, sizeof head, 0) == (ssize_t)sizeof head, "cannot be read");
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        struct tn_superblock other = head;
        uint64_t word;
        memcpy(&word, (char *)&other + refusals[i].at, sizeof word);
        word ^= refusals[i].change;
        memcpy((char *)&other + refusals[i].at, &word, sizeof word);
        other.sum = tn_sum(&other, offsetof(struct tn_superblock, sum));
        if (refusals[i].at == AT(byte_order)) {
            other.sum = __builtin_bswap64(other.sum);
        }
        rewrite(file, &other);
        refused(&refusals[i], path, 0);
        refused(&refusals[i], path, TARN_READ_ONLY);
        if (refusals[i].code == EINVAL) {
            need(tarn_check(path, NULL, NULL) > 0, "the check finds nothing in another's image");
        }
    }
    rewrite(file, &head);
    close(file);
    refused(&(struct refusal){.what = "the image itself"}, path, 0);
}

int
main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "make") == 0) {
        make(argv[2], argv[3]);
    } else if (argc == 4 && strcmp(argv[1], "look") == 0) {
        look(argv[2], argv[3]);
    } else if (argc == 3 && strcmp(argv[1], "refuse") == 0) {
        refuse(argv[2]);
    } else if (argc == 2 && strcmp(argv[1], "version") == 0) {
        printf("%u-%u\n", TN_IMAGE_VERSION, TN_ENGINE_VERSION);
    } else {
        fprintf(stderr, "usage: golden make|look KIND FILE, golden refuse FILE, golden version\n");
        return 2;
    }
    return 0;
}
