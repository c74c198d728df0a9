/*
 * An index over documents, kept in an image: which word is in which file, and where.
 *
 *     words build IMAGE FOLDER [die-after FILES]
 *         reads every file below the folder; what an earlier, interrupted run committed is not
 *         read again
 *     words find IMAGE WORD...
 *         from another process, while or after
 *
 * Everything is plain C with plain pointers: a hash table of words, a list of places for each. A
 * commit every few hundred files is all that makes it survive.
 */
#define _XOPEN_SOURCE 700
#include <tarn/persist.h>

#include <ctype.h>
#include <ftw.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LONGEST     40
#define FILE_MOST   ((off_t)4 << 20)
#define COMMIT_EACH 200 /* files */

struct document {
    struct document *next;
    char name[];
};

struct place {
    struct place *next;
    struct document *document;
    uint32_t count;
    uint32_t first; /* offset in the file */
};

struct word {
    struct word *next;
    struct place *places; /* the newest document's first */
    uint32_t documents;
    char text[];
};

struct index {
    struct word **buckets;
    size_t bucket_count;
    size_t words;
    size_t places;
    struct document *documents; /* names, newest first */
    struct document **seen; /* the same by hash of their names: chains through a table of slots */
    size_t seen_count;
    size_t document_count;
};

static tarn_heap *heap;
static struct index *table;
static unsigned long read_now;
static unsigned long die_after;

static _Noreturn void
fail(const char *what)
{
    fprintf(stderr, "words: %s: %s\n", what, tarn_error());
    exit(1);
}

static double
seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void *
need(void *p)
{
    if (p == NULL) {
        fail("no memory");
    }
    return p;
}

static uint64_t
hash(const char *text)
{
    uint64_t h = 1469598103934665603u;
    for (; *text != 0; text++) {
        h = (h ^ (unsigned char)*text) * 1099511628211u;
    }
    return h ^ h >> 29;
}

static void
widen(void)
{
    size_t count = table->bucket_count != 0 ? table->bucket_count * 2 : 1024;
    struct word **buckets = need(tarn_heap_calloc(heap, count, sizeof(struct word *)));
    for (size_t i = 0; i < table->bucket_count; i++) {
        struct word *next;
        for (struct word *word = table->buckets[i]; word != NULL; word = next) {
            next = word->next;
            struct word **bucket = &buckets[hash(word->text) % count];
            word->next = *bucket;
            *bucket = word;
        }
    }
    tarn_heap_free(heap, table->buckets);
    table->buckets = buckets;
    table->bucket_count = count;
}

static struct word *
look_up(const char *text)
{
    if (table->bucket_count == 0) {
        return NULL;
    }
    struct word *word = table->buckets[hash(text) % table->bucket_count];
    while (word != NULL && strcmp(word->text, text) != 0) {
        word = word->next;
    }
    return word;
}

static void
add(const char *text, struct document *document, uint32_t offset)
{
    struct word *word = look_up(text);
    if (word == NULL) {
        if (table->words >= table->bucket_count) {
            widen();
        }
        word = need(tarn_heap_zalloc(heap, sizeof *word + strlen(text) + 1));
        strcpy(word->text, text);
        struct word **bucket = &table->buckets[hash(text) % table->bucket_count];
        word->next = *bucket;
        *bucket = word;
        table->words++;
    }
    if (word->places == NULL || word->places->document != document) {
        struct place *place = need(tarn_heap_malloc(heap, sizeof *place));
        *place = (struct place){word->places, document, 0, offset};
        word->places = place;
        word->documents++;
        table->places++;
    }
    word->places->count++;
}

/* Whether a name is known; else it is from now on. */
static struct document *
new_document(const char *name)
{
    if (table->document_count * 2 >= table->seen_count) {
        size_t count = table->seen_count != 0 ? table->seen_count * 2 : 1024;
        struct document **seen = need(tarn_heap_calloc(heap, count, sizeof(struct document *)));
        for (struct document *document = table->documents; document != NULL;
             document = document->next) {
            size_t i = hash(document->name) % count;
            while (seen[i] != NULL) {
                i = (i + 1) % count;
            }
            seen[i] = document;
        }
        tarn_heap_free(heap, table->seen);
        table->seen = seen;
        table->seen_count = count;
    }
    size_t i = hash(name) % table->seen_count;
    for (; table->seen[i] != NULL; i = (i + 1) % table->seen_count) {
        if (strcmp(table->seen[i]->name, name) == 0) {
            return NULL;
        }
    }
    struct document *document = need(tarn_heap_malloc(heap, sizeof *document + strlen(name) + 1));
    strcpy(document->name, name);
    document->next = table->documents;
    table->documents = document;
    table->seen[i] = document;
    table->document_count++;
    return document;
}

static void
commit(void)
{
    if (tarn_commit(heap) != 0) {
        fail("no commit");
    }
}

static int
visit(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)where;
    if (type != FTW_F || !S_ISREG(status->st_mode) || status->st_size > FILE_MOST) {
        return 0;
    }
    struct document *document = new_document(path);
    FILE *in = document != NULL ? fopen(path, "r") : NULL;
    if (in == NULL) {
        return 0;
    }
    char text[LONGEST + 1];
    size_t length = 0;
    uint32_t offset = 0;
    for (int c; (c = getc_unlocked(in)) != EOF && c != 0; offset++) {
        if (isalpha(c) && length < LONGEST) {
            text[length++] = (char)tolower(c);
        } else if (length > 2) {
            text[length] = 0;
            add(text, document, offset - (uint32_t)length);
            length = 0;
        } else {
            length = 0;
        }
    }
    fclose(in);
    read_now++;
    if (die_after != 0 && read_now == die_after) {
        raise(SIGKILL);
    }
    if (read_now % COMMIT_EACH == 0) {
        commit();
    }
    return 0;
}

static int
build(const char *image, const char *folder)
{
    double start = seconds();
    heap = tarn_open(image, &(tarn_options){.flags = TARN_CREATE | TARN_PROCESS});
    if (heap == NULL) {
        fail("cannot open");
    }
    table = tarn_root(heap);
    if (table == NULL) {
        table = need(tarn_heap_zalloc(heap, sizeof *table));
        tarn_set_root(heap, table);
    }
    size_t before = table->document_count;
    if (before != 0) {
        printf("resumed with %zu files that were committed\n", before);
    }
    nftw(folder, visit, 32, FTW_PHYS);
    size_t words = table->words;
    size_t places = table->places;
    size_t documents = table->document_count;
    if (tarn_close(heap) != 0) {
        fail("cannot close");
    }
    printf("%zu words in %zu places of %zu files, %lu of them read now in %.2f s\n", words, places,
           documents, read_now, seconds() - start);
    return 0;
}

static int
find(const char *image, char **words)
{
    double start = seconds();
    heap = tarn_open(image, &(tarn_options){.flags = TARN_READ_ONLY});
    if (heap == NULL) {
        fail("cannot open");
    }
    table = tarn_root(heap);
    for (; *words != NULL && table != NULL; words++) {
        const struct word *word = look_up(*words);
        printf("%s: %u files", *words, word != NULL ? word->documents : 0);
        const struct place *place = word != NULL ? word->places : NULL;
        for (unsigned i = 0; place != NULL && i < 2; place = place->next, i++) {
            printf("%s %s:%u", i == 0 ? "," : " and", place->document->name, place->first);
        }
        printf("\n");
    }
    double took = seconds() - start;
    tarn_close(heap);
    printf("opened and answered in %.2f ms\n", took * 1e3);
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc >= 4 && strcmp(argv[1], "build") == 0) {
        die_after = argc > 5 && strcmp(argv[4], "die-after") == 0 ? strtoul(argv[5], NULL, 10) : 0;
        return build(argv[2], argv[3]);
    }
    if (argc >= 4 && strcmp(argv[1], "find") == 0) {
        return find(argv[2], argv + 3);
    }
    fprintf(stderr, "usage: words build IMAGE FOLDER [die-after FILES]\n"
                    "       words find IMAGE WORD...\n");
    return 2;
}
