/*
 * libFuzzer target: what the check passes can be used. The input changes an image of the library's
 * own here and there, by fields of its superblocks, marks, sums, map, descriptors, blocks, and its
 * journal's header, seal, runs and records, and says which checksums are made right afterwards, so
 * that changes get as far as what the sums guard. Nothing may end the process; and an image in
 * which tarn_check finds nothing opens, if it does, as a heap that works.
 *
 *     input: image (2 bits) and sums made right (6 bits); then changes of 6 bytes: region, kind,
 *     place (2 bytes), value (2 bytes)
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
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BASE     ((uintptr_t)42 << 40)
#define CAPACITY ((size_t)4 << 20)
#define MOST     ((size_t)4 << 20)
#define KINDS    4
#define CHANGE   6u

enum right {
    RIGHT_HEAD = 4,
    RIGHT_MARK = 8,
    RIGHT_PAGES = 16,
    RIGHT_JOURNAL = 32,
    RIGHT_SEAL = 64,
    RIGHT_RECORDS = 128,
};

struct bytes {
    uint8_t *data;
    size_t size;
};

struct image {
    struct bytes file;
    struct bytes journal;
};

static struct image good[KINDS];
static struct image bad;
static uint8_t touched[MOST / TN_PAGE]; /* pages of the file */
static char path[64];
static char journal[80];

/* ---- images ---- */

static void
load(const char *name, struct bytes *bytes)
{
    struct stat status;
    int file = open(name, O_RDONLY | O_CLOEXEC);
    if (file < 0) {
        return;
    }
    fstat(file, &status);
    bytes->size = (size_t)status.st_size < MOST ? (size_t)status.st_size : MOST;
    bytes->data = calloc(1, MOST);
    if (bytes->data == NULL || pread(file, bytes->data, bytes->size, 0) != (ssize_t)bytes->size) {
        abort();
    }
    close(file);
}

static void
need(bool right)
{
    if (!right) {
        fprintf(stderr, "fuzz: %s\n", tarn_error());
        abort();
    }
}

/* Blocks of many sizes in a list, every third one freed. */
static void
populate(tarn_heap *heap, unsigned blocks, unsigned step)
{
    static const size_t sizes[] = {16, 112, 700, 2600};
    static void *freed[256];
    unsigned count = 0;
    for (unsigned i = 0; i < blocks; i++) {
        void **block = tarn_heap_malloc(heap, sizes[i * step % (sizeof sizes / sizeof *sizes)]);
        need(block != NULL);
        *block = tarn_root(heap);
        if (i % 3 == 2) {
            freed[count++ % 256] = block;
        } else {
            tarn_set_root(heap, block);
        }
    }
    for (unsigned i = 0; i < count && i < 256; i++) {
        tarn_heap_free(heap, freed[i]);
    }
}

/* 0: closed, all in the file; 1: closed, with a sealed journal; 2: crashed, with a journal; 3: with
 * pools, large blocks and free slices. */
static void
make_good(unsigned kind)
{
    const tarn_options options = {
        .capacity = CAPACITY, .base = (void *)BASE, .layout = "fuzz", .journal_most = 1 << 20};
    tarn_heap *heap = tarn_create(path, &options);
    need(heap != NULL);
    populate(heap, 150, 77);
    tarn_set_named_root(heap, "name", tarn_root(heap), 8, 1);
    need(tarn_commit(heap) == 0);
    if (kind == 3) {
        tarn_pool *pool = tarn_pool_new(40, &(struct tarn_pool_options){.heap = heap});
        void *large = tarn_heap_malloc(heap, 150000);
        need(pool != NULL && large != NULL && tarn_pool_alloc(pool) != NULL);
        tarn_heap_free(heap, tarn_heap_malloc(heap, 200000));
        tarn_pool *shared = tarn_pool_new(
            24,
            &(struct tarn_pool_options){.heap = heap, .flags = TARN_POOL_SHARED, .name = "shared"});
        need(shared != NULL && tarn_pool_alloc(shared) != NULL);
    }
    if (kind == 0 || kind == 3) {
        need(tarn_checkpoint(heap) == 0);
        need(tarn_close(heap) == 0);
    } else {
        populate(heap, 90, 31);
        need(tarn_commit(heap) == 0);
        populate(heap, 90, 13);
        need(kind == 1 ? tarn_close(heap) == 0 : tarn_commit(heap) == 0);
    }
    load(path, &good[kind].file);
    load(journal, &good[kind].journal);
    need((good[kind].journal.size != 0) == (kind == 1 || kind == 2));
    if (kind == 2) {
        tarn_close_without_commit(heap);
    }
    unlink(path);
    unlink(journal);
}

static void
make_all_good(void)
{
    snprintf(path, sizeof path, "/dev/shm/tarn-fuzz-%d", (int)getpid());
    snprintf(journal, sizeof journal, "%s-journal", path);
    for (unsigned kind = 0; kind < KINDS; kind++) {
        make_good(kind);
    }
    bad.file.data = malloc(MOST);
    bad.journal.data = malloc(MOST);
    if (bad.file.data == NULL || bad.journal.data == NULL) {
        abort();
    }
}

static void
copy(struct bytes *to, const struct bytes *from)
{
    to->size = from->size;
    if (from->size != 0) {
        memcpy(to->data, from->data, from->size);
    }
}

static void
store(const char *name, const struct bytes *bytes)
{
    int file = open(name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (file < 0 || pwrite(file, bytes->data, bytes->size, 0) != (ssize_t)bytes->size) {
        abort();
    }
    close(file);
}

/* ---- changes ---- */

static const struct {
    bool journal;
    size_t start;
    size_t size;
    size_t unit; /* of places */
} regions[] = {
    {false, 0, sizeof(struct tn_superblock), 4},
    {false, TN_COPY_AT, sizeof(struct tn_superblock), 4},
    {false, TN_MARK_AT, 1024, 8},
    {false, TN_IMAGE_HEAD, 4096, 8},                            /* sums */
    {false, TN_IMAGE_HEAD + TN_SLICE, TN_SPACE_HEAD, 4},        /* map, root, state */
    {false, TN_IMAGE_HEAD + TN_SLICE + TN_SPACE_HEAD, 2048, 4}, /* descriptors */
    {false, TN_IMAGE_HEAD + 2 * TN_SLICE, 16 * TN_SLICE, 16},   /* blocks */
    {false, 0, MOST, 64},
    {true, 0, 64, 4},
    {true, TN_SEAL_AT, 128, 8},
    {true, TN_PAGE, 8192, 8}, /* the first record */
    {true, 0, MOST, 64},
};

#define REGIONS (sizeof regions / sizeof *regions)

/* What a field might hold that is nearly right. */
static uint64_t
value_of(unsigned kind, unsigned value)
{
    switch (kind % 6) {
    case 0:
        return value;
    case 1:
        return BASE + TN_SPACE_HEAD + (uint64_t)value * sizeof(struct tn_slab);
    case 2:
        return BASE + (uint64_t)value * 16;
    case 3:
        return (uint64_t)value * TN_PAGE;
    case 4:
        return (uint64_t)0 - value;
    default:
        return (uint64_t)value << 48;
    }
}

static void
change(const uint8_t *data)
{
    unsigned region = data[0] % REGIONS;
    unsigned place = data[2] | (unsigned)data[3] << 8;
    unsigned value = data[4] | (unsigned)data[5] << 8;
    struct bytes *bytes = regions[region].journal ? &bad.journal : &bad.file;
    size_t at = regions[region].start + place * regions[region].unit % regions[region].size;
    uint64_t number = value_of(data[1] >> 4, value);
    size_t width = (size_t)1 << (data[1] >> 2) % 4;
    if (at + sizeof number > bytes->size) {
        return;
    }
    switch (data[1] % 4) {
    case 0:
        memcpy(bytes->data + at, &number, width);
        break;
    case 1:
        bytes->data[at + value % 8] ^= (uint8_t)(1u << (value >> 8) % 8);
        break;
    case 2: { /* the same in the neighbourhood */
        memcpy(&number, bytes->data + at, sizeof number);
        number += (uint64_t)(int64_t)(int16_t)value;
        memcpy(bytes->data + at, &number, width);
        break;
    }
    default: /* cut off, at a page or anywhere */
        bytes->size = place % 8 == 0 ? at : at & ~(TN_PAGE - 1);
    }
    if (!regions[region].journal) {
        touched[at / TN_PAGE] = 1;
        touched[(at + sizeof number - 1) / TN_PAGE] = 1;
    }
}

/* ---- sums ---- */

static void
put_head(void)
{
    struct tn_superblock head;
    memcpy(&head, bad.file.data, sizeof head);
    head.sum = tn_sum(&head, offsetof(struct tn_superblock, sum));
    memcpy(bad.file.data, &head, sizeof head);
    memcpy(bad.file.data + TN_COPY_AT, &head, sizeof head);
}

static void
put_marks(void)
{
    struct tn_superblock head;
    memcpy(&head, bad.file.data, sizeof head);
    for (unsigned i = 0; i < 2; i++) {
        struct tn_mark mark;
        uint8_t *at = bad.file.data + TN_MARK_AT + i * sizeof mark;
        memcpy(&mark, at, sizeof mark);
        const uint64_t all[] = {head.id[0], head.id[1], mark.commit, mark.journal};
        mark.sum = tn_sum(all, sizeof all);
        memcpy(at, &mark, sizeof mark);
    }
}

static void
put_page_sums(void)
{
    size_t space = (TN_IMAGE_HEAD + TN_SLICE) / TN_PAGE;
    for (size_t page = space; (page + 1) * TN_PAGE <= bad.file.size; page++) {
        if (touched[page]) {
            uint64_t sum = tn_sum(bad.file.data + page * TN_PAGE, TN_PAGE);
            memcpy(bad.file.data + TN_IMAGE_HEAD + (page - space) * sizeof sum, &sum, sizeof sum);
        }
    }
}

static void
put_journal_head(void)
{
    struct tn_journal_head head;
    memcpy(&head, bad.journal.data, sizeof head);
    head.sum = tn_sum(&head, offsetof(struct tn_journal_head, sum));
    memcpy(bad.journal.data, &head, sizeof head);
}

/* Records with the sums of what they have, as far as they can be told. */
static void
put_records(void)
{
    struct bytes *bytes = &bad.journal;
    uint64_t chain = 0;
    for (size_t at = TN_PAGE; at + sizeof(struct tn_record) <= bytes->size;) {
        struct tn_record record;
        memcpy(&record, bytes->data + at, sizeof record);
        if (record.magic != TN_RECORD_MAGIC || record.size > bytes->size - at ||
            record.size < sizeof record || record.size % TN_GRAIN != 0 ||
            record.index > record.size - sizeof record ||
            record.pages > record.index / sizeof(struct tn_entry) ||
            record.pages > record.size >> TN_PAGE_SHIFT) {
            return;
        }
        struct tn_entry *entry = (struct tn_entry *)(bytes->data + at + sizeof record);
        const uint8_t *pages = bytes->data + tn_record_data(&record, at);
        for (size_t i = 0; i < record.pages; i++) {
            entry[i].value = tn_sum(pages + i * TN_PAGE, TN_PAGE);
        }
        record.index_sum = tn_sum(entry, record.index);
        record.chain = chain;
        record.sum = tn_sum(&record, offsetof(struct tn_record, sum));
        memcpy(bytes->data + at, &record, sizeof record);
        chain = record.sum;
        at += record.size;
    }
}

static void
put_seal(void)
{
    struct tn_seal seal;
    memcpy(&seal, bad.journal.data + TN_SEAL_AT, sizeof seal);
    size_t size = (size_t)(seal.runs % 256) * sizeof(struct tn_run);
    if (seal.end < bad.journal.size && size <= bad.journal.size - seal.end) {
        seal.runs_sum = tn_sum(bad.journal.data + seal.end, size);
    }
    seal.sum = tn_sum(&seal, offsetof(struct tn_seal, sum));
    memcpy(bad.journal.data + TN_SEAL_AT, &seal, sizeof seal);
}

static void
put_sums(unsigned right)
{
    if (right & RIGHT_HEAD && bad.file.size > 2 * TN_COPY_AT) {
        put_head();
    }
    if (right & RIGHT_MARK && bad.file.size > TN_IMAGE_HEAD) {
        put_marks();
    }
    if (right & RIGHT_PAGES && bad.file.size > TN_IMAGE_HEAD + TN_SLICE) {
        put_page_sums();
    }
    if (bad.journal.size < TN_PAGE) {
        return;
    }
    if (right & RIGHT_JOURNAL) {
        put_journal_head();
    }
    if (right & RIGHT_RECORDS) {
        put_records();
    }
    if (right & RIGHT_SEAL) {
        put_seal();
    }
}

/* ---- use ---- */

static bool
visit(void *context, const char *name, void *p, size_t size, uint64_t type)
{
    (void)name, (void)p, (void)size, (void)type;
    return ++*(unsigned *)context < 1000;
}

static void
read_it(void)
{
    tarn_heap *heap = tarn_open(path, &(tarn_options){.flags = TARN_READ_ONLY});
    if (heap != NULL) {
        tarn_close(heap);
    }
}

static void
use_pool(tarn_heap *heap, const char *name)
{
    void *objects[300];
    unsigned count = 0;
    tarn_pool *pool = tarn_pool_find(heap, name, NULL);
    while (pool != NULL && count < 300 && (objects[count] = tarn_pool_alloc(pool)) != NULL) {
        count++;
    }
    while (count > 0) {
        tarn_pool_free(pool, objects[--count]);
    }
    if (pool != NULL && tarn_pool_check(pool) != NULL) {
        fprintf(stderr, "the check had passed a pool\n");
        abort();
    }
}

/* A heap that the check has passed. */
static void
use_it(void)
{
    static const size_t sizes[] = {1, 16, 40, 100, 500, 1000, 1500, 3000, 8000, 30000, 70000};
    enum {
        COUNT = sizeof sizes / sizeof *sizes
    };
    void *blocks[COUNT * 4];
    unsigned names = 0;
    tarn_heap *heap = tarn_open(path, &(tarn_options){.flags = TARN_PROCESS});
    if (heap == NULL) {
        return;
    }
    tarn_each_root(heap, visit, &names);
    for (unsigned i = 0; i < COUNT * 4; i++) {
        blocks[i] = tarn_heap_malloc(heap, sizes[i % COUNT]);
        if (blocks[i] != NULL) {
            memset(blocks[i], 0x5a, sizes[i % COUNT]);
        }
    }
    for (unsigned i = 0; i < COUNT * 4; i++) {
        tarn_heap_free(heap, blocks[i]);
    }
    use_pool(heap, "unnamed");
    use_pool(heap, "shared");
    tarn_heap_trim(heap);
    if (tarn_check_heap(heap, say_fault, NULL) != 0) {
        fprintf(stderr, "the check had passed it\n");
        abort();
    }
    if (tarn_close(heap) != 0) {
        tarn_close_without_commit(heap);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (path[0] == 0) {
        make_all_good();
    }
    if (size == 0) {
        return 0;
    }
    const struct image *image = &good[data[0] % KINDS];
    copy(&bad.file, &image->file);
    copy(&bad.journal, &image->journal);
    memset(touched, 0, sizeof touched);
    for (size_t at = 1; at + CHANGE <= size; at += CHANGE) {
        change(data + at);
    }
    put_sums(data[0]);
    store(path, &bad.file);
    if (image->journal.size != 0) {
        store(journal, &bad.journal);
    }
    int found = tarn_check(path, NULL, NULL);
    read_it();
    if (found == 0) {
        use_it();
    }
    unlink(path);
    unlink(journal);
    return 0;
}
