#include "tag.h"

#include "fatal.h"

#include <pthread.h>
#include <tarn/tarn.h>

_Atomic(struct kore_tag *) kore_tag_rows[KORE_TAG_ROWS];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct kore_tag *
find(uint32_t tag)
{
    for (unsigned i = 0; i < KORE_TAG_ROWS; i++) {
        for (struct kore_tag *entry = kore_tag_rows[i]; entry != NULL; entry = entry->next) {
            if (entry->tag == tag) {
                return entry;
            }
        }
    }
    return NULL;
}

bool
kore_tag_add(void *block, uint32_t tag)
{
    struct kore_tag *entry = tarn_malloc(sizeof *entry);
    if (entry == NULL) {
        kore_die("kore_mem_tag: no memory");
    }
    pthread_mutex_lock(&lock);
    bool taken = find(tag) != NULL;
    if (!taken) {
        _Atomic(struct kore_tag *) *row = &kore_tag_rows[kore_tag_row(block)];
        *entry = (struct kore_tag){block, tag, *row};
        *row = entry;
    }
    pthread_mutex_unlock(&lock);
    if (taken) {
        tarn_free(entry);
    }
    return !taken;
}

void
kore_tag_remove(const void *block)
{
    _Atomic(struct kore_tag *) *row = &kore_tag_rows[kore_tag_row(block)];
    struct kore_tag *found = NULL;
    pthread_mutex_lock(&lock);
    struct kore_tag *before = NULL;
    for (struct kore_tag *entry = *row; entry != NULL; before = entry, entry = entry->next) {
        if (entry->block == block) {
            found = entry;
            if (before != NULL) {
                before->next = entry->next;
            } else {
                *row = entry->next;
            }
            break;
        }
    }
    pthread_mutex_unlock(&lock);
    tarn_free(found);
}

void *
kore_tag_find(uint32_t tag)
{
    pthread_mutex_lock(&lock);
    struct kore_tag *entry = find(tag);
    void *block = entry != NULL ? entry->block : NULL;
    pthread_mutex_unlock(&lock);
    return block;
}

void
kore_tag_clear(void)
{
    pthread_mutex_lock(&lock);
    for (unsigned i = 0; i < KORE_TAG_ROWS; i++) {
        struct kore_tag *entry = kore_tag_rows[i];
        kore_tag_rows[i] = NULL;
        while (entry != NULL) {
            struct kore_tag *next = entry->next;
            tarn_free(entry);
            entry = next;
        }
    }
    pthread_mutex_unlock(&lock);
}
