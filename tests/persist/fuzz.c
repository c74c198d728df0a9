/*
 * libFuzzer target: the input is the head, the sums' start, the space's first pages and, behind a
 * mark, the journal of an image whose sums have been made right, so that mutations get as far as
 * what the sums guard. Nothing may end the process.
 */
#include <tarn/persist.h>

#include "persist/format.h"
#include "persist/sum.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[64];
static char journal[80];

static void
store(const char *name, const uint8_t *data, size_t size, size_t length)
{
    int file = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    if (file >= 0) {
        (void)!pwrite(file, data, size, 0);
        (void)!ftruncate(file, (off_t)length);
        close(file);
    }
}

/* A superblock that passes, with whatever else the input says. */
static void
put_superblock(uint8_t *bytes, const uint8_t *data, size_t size)
{
    struct tn_superblock head;
    memcpy(&head, data, size < sizeof head ? size : sizeof head);
    memcpy(head.magic, TN_IMAGE_MAGIC, sizeof head.magic);
    head.byte_order = TN_BYTE_ORDER;
    head.version = TN_IMAGE_VERSION;
    head.engine = TN_ENGINE_VERSION;
    head.page = TN_PAGE;
    head.slice = TN_SLICE;
    head.pointer = sizeof(void *);
    head.incompatible = 0;
    head.capacity = (head.capacity % 64 + 16) * TN_SLICE;
    head.base = (uintptr_t)42 << 40;
    head.sums_at = TN_IMAGE_HEAD;
    head.space_at = TN_IMAGE_HEAD + TN_SLICE;
    head.layout[TN_LAYOUT_SIZE - 1] = 0;
    head.sum = tn_sum(&head, offsetof(struct tn_superblock, sum));
    memcpy(bytes, &head, sizeof head);
}

/* A record that passes, of the pages and holes it says it has, as far as there are bytes. Returns
 * where the next one begins. */
static size_t
put_record(uint8_t *bytes, size_t at, size_t size, uint64_t salt, uint64_t commit, uint64_t *chain)
{
    struct tn_record record;
    if (size - at < 2 * TN_PAGE) {
        return size;
    }
    memcpy(&record, bytes + at, sizeof record);
    record.magic = TN_RECORD_MAGIC;
    record.salt = salt;
    record.commit = commit;
    record.chain = *chain;
    record.pages %= (size - at) / TN_PAGE;
    record.holes %= 8;
    record.changes %= 4;
    record.size = (record.pages + 1) * TN_PAGE;
    struct tn_entry *entries = (struct tn_entry *)(bytes + at + sizeof record);
    for (uint64_t i = 0; i < record.pages; i++) {
        entries[i].page %= 1280;
        entries[i].value = tn_sum(bytes + at + (i + 1) * TN_PAGE, TN_PAGE);
    }
    uint64_t before = record.pages + record.holes;
    record.index = (before + record.changes) * sizeof *entries;
    for (uint64_t i = before; i < before + record.changes; i++) {
        uint64_t bytes_of_it = entries[i].value >> 32 & 511;
        entries[i].page %= 1280;
        entries[i].value = (entries[i].value & 4095) | bytes_of_it << 32;
        record.index += bytes_of_it;
    }
    record.index_sum = tn_sum(entries, (size_t)record.index);
    record.sum = tn_sum(&record, offsetof(struct tn_record, sum));
    memcpy(bytes + at, &record, sizeof record);
    *chain = record.sum;
    return at + record.size;
}

/* A journal that passes, for the image whose superblock this is. */
static void
put_journal(uint8_t *bytes, size_t size, const struct tn_superblock *image)
{
    struct tn_journal_head head = {.byte_order = TN_BYTE_ORDER, .version = TN_IMAGE_VERSION};
    if (size < sizeof head) {
        return;
    }
    memcpy(&head.salt, bytes + offsetof(struct tn_journal_head, salt), sizeof head.salt);
    memcpy(head.magic, TN_JOURNAL_MAGIC, sizeof head.magic);
    memcpy(head.id, image->id, sizeof head.id);
    head.first = 1;
    head.sum = tn_sum(&head, offsetof(struct tn_journal_head, sum));
    memcpy(bytes, &head, sizeof head);
    uint64_t chain = 0;
    uint64_t commit = 1;
    for (size_t at = TN_PAGE; at < size;) {
        at = put_record(bytes, at, size, head.salt, commit++, &chain);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static _Alignas(4096) uint8_t records[(size_t)1 << 20];
    static _Alignas(4096) uint8_t bytes[(size_t)4 << 20];
    if (path[0] == 0) {
        snprintf(path, sizeof path, "/dev/shm/tarn-fuzz-%d", (int)getpid());
        snprintf(journal, sizeof journal, "%s-journal", path);
    }
    if (size < 2) {
        return 0;
    }
    memset(bytes, 0, sizeof bytes);
    bool raw = data[0] & 1;
    size_t split = (size_t)(data[0] >> 2) * size / 64;
    if (raw) {
        memcpy(bytes, data + 1, split);
    } else if (split > sizeof(struct tn_superblock)) {
        put_superblock(bytes, data + 1, split);
        memcpy(bytes + TN_IMAGE_HEAD + TN_SLICE, data + 1 + sizeof(struct tn_superblock),
               split - sizeof(struct tn_superblock));
        struct tn_map *map = (struct tn_map *)(bytes + TN_IMAGE_HEAD + TN_SLICE);
        const struct tn_superblock *head = (const struct tn_superblock *)bytes;
        map->base = (char *)(uintptr_t)head->base;
        map->size = head->capacity;
        map->slices = (uint32_t)(head->capacity >> TN_SLICE_SHIFT);
        map->first = 1;
        const uint64_t marked[] = {head->id[0], head->id[1], data[1] % 8};
        struct tn_mark mark = {.commit = marked[2], .sum = tn_sum(marked, sizeof marked)};
        memcpy(bytes + TN_MARK_AT, &mark, sizeof mark);
    }
    store(path, bytes, sizeof bytes, sizeof bytes);
    size_t rest = size - 1 - split;
    rest = rest < sizeof records ? rest : sizeof records;
    memcpy(records, data + 1 + split, rest);
    if (data[0] & 2) {
        put_journal(records, rest, (const struct tn_superblock *)bytes);
    }
    store(journal, records, rest, rest);
    tarn_check(path, NULL, NULL);
    tarn_heap *heap = tarn_open(path, &(tarn_options){.flags = TARN_READ_ONLY});
    if (heap != NULL) {
        tarn_close(heap);
    }
    unlink(path);
    unlink(journal);
    return 0;
}
