#include "town.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS_FIRST 16
#define GIFTS         16
#define LIST_MOST     400
#define TREE_MOST     400
#define MAP_MOST      400
#define VECTOR_MOST   30000

struct link {
    struct link *next;
    struct link *prev;
    uint64_t value;
    uint32_t size;
    unsigned char bytes[];
};

struct leaf {
    struct leaf *left;
    struct leaf *right;
    uint64_t key;
    char *text;
};

struct entry {
    struct entry *next;
    uint64_t key;
    char *text;
};

struct quarter {
    struct link *first;
    struct link *last;
    uint64_t links;
    struct leaf *tree;
    uint64_t leaves;
    struct entry **buckets;
    uint64_t bucket_count;
    uint64_t entries;
    uint64_t *vector;
    uint64_t vector_length;
    uint64_t digest;
    char *gifts[GIFTS]; /* for the next quarter to free */
};

struct town {
    struct quarter quarters[QUARTERS];
};

static pthread_mutex_t gift_locks[QUARTERS] = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_MUTEX_INITIALIZER,
                                               PTHREAD_MUTEX_INITIALIZER,
                                               PTHREAD_MUTEX_INITIALIZER};

static uint64_t
mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

uint64_t
town_random(uint64_t *seed)
{
    *seed += 0x9e3779b97f4a7c15u;
    return mix(*seed);
}

/* Sizes as programs ask for them: mostly small, some of each magnitude to 200 KB. */
static size_t
draw_size(uint64_t *seed)
{
    uint64_t r = town_random(seed);
    unsigned magnitude = r % 1000 < 600 ? 6 : r % 1000 < 900 ? 9 : r % 1000 < 990 ? 13 : 17;
    return 1 + (r >> 20) % ((size_t)1 << magnitude);
}

static char *
make_text(tarn_heap *heap, uint64_t key, size_t size)
{
    char *text = tarn_heap_malloc(heap, size + 1);
    if (text != NULL) {
        unsigned letter = (unsigned)(key % 26);
        for (size_t i = 0; i < size; i++) {
            text[i] = (char)('a' + letter);
            letter = letter < 26 - 7 ? letter + 7 : letter + 7 - 26;
        }
        text[size] = 0;
    }
    return text;
}

/* 0: not what make_text made. */
static uint64_t
text_digest(uint64_t key, const char *text)
{
    size_t i = 0;
    unsigned letter = (unsigned)(key % 26);
    for (; text[i] != 0; i++) {
        if (text[i] != (char)('a' + letter)) {
            return 0;
        }
        letter = letter < 26 - 7 ? letter + 7 : letter + 7 - 26;
    }
    return mix(key ^ mix(i + 1)) | 1;
}

static uint64_t
link_digest(const struct link *link)
{
    unsigned wrong = 0;
    for (uint32_t i = 0; i < link->size; i++) {
        wrong |= link->bytes[i] ^ (unsigned char)(link->value + i);
    }
    return wrong != 0 ? 0 : mix(link->value * 3 + link->size) | 1;
}

/* ---- changes ---- */

static void
add_link(tarn_heap *heap, struct quarter *quarter, uint64_t *seed)
{
    size_t size = draw_size(seed);
    struct link *link = tarn_heap_malloc(heap, sizeof *link + size);
    if (link == NULL) {
        return;
    }
    link->value = town_random(seed);
    link->size = (uint32_t)size;
    for (uint32_t i = 0; i < link->size; i++) {
        link->bytes[i] = (unsigned char)(link->value + i);
    }
    link->next = NULL;
    link->prev = quarter->last;
    if (quarter->last != NULL) {
        quarter->last->next = link;
    } else {
        quarter->first = link;
    }
    quarter->last = link;
    quarter->links++;
    quarter->digest += link_digest(link);
}

static void
drop_link(tarn_heap *heap, struct quarter *quarter, uint64_t *seed)
{
    if (quarter->links == 0) {
        return;
    }
    struct link *link = quarter->first;
    for (uint64_t skip = town_random(seed) % (quarter->links < 20 ? quarter->links : 20); skip > 0;
         skip--) {
        link = link->next;
    }
    *(link->prev != NULL ? &link->prev->next : &quarter->first) = link->next;
    *(link->next != NULL ? &link->next->prev : &quarter->last) = link->prev;
    quarter->links--;
    quarter->digest -= link_digest(link);
    tarn_heap_free(heap, link);
}

static void
resize_link(tarn_heap *heap, struct quarter *quarter, uint64_t *seed)
{
    struct link *link = quarter->last;
    if (link == NULL) {
        return;
    }
    size_t size = draw_size(seed);
    uint64_t before = link_digest(link);
    struct link *moved = tarn_heap_realloc(heap, link, sizeof *link + size);
    if (moved == NULL) {
        return;
    }
    for (uint32_t i = moved->size; i < size; i++) {
        moved->bytes[i] = (unsigned char)(moved->value + i);
    }
    moved->size = (uint32_t)size;
    quarter->last = moved;
    *(moved->prev != NULL ? &moved->prev->next : &quarter->first) = moved;
    quarter->digest += link_digest(moved) - before;
}

static void
add_leaf(tarn_heap *heap, struct quarter *quarter, uint64_t *seed)
{
    uint64_t key = town_random(seed);
    struct leaf **place = &quarter->tree;
    while (*place != NULL) {
        place = key < (*place)->key ? &(*place)->left : &(*place)->right;
    }
    struct leaf *leaf = tarn_heap_zalloc(heap, sizeof *leaf);
    char *text = make_text(heap, key, draw_size(seed));
    if (leaf == NULL || text == NULL) {
        tarn_heap_free(heap, leaf);
        tarn_heap_free(heap, text);
        return;
    }
    leaf->key = key;
    leaf->text = text;
    *place = leaf;
    quarter->leaves++;
    quarter->digest += text_digest(key, text);
}

static void
drop_leaf(tarn_heap *heap, struct quarter *quarter, uint64_t *seed)
{
    struct leaf **place = &quarter->tree;
    if (*place == NULL) {
        return;
    }
    while (town_random(seed) % 4 != 0) {
        struct leaf **next = town_random(seed) % 2 == 0 ? &(*place)->left : &(*place)->right;
        if (*next == NULL) {
            break;
        }
        place = next;
    }
    struct leaf *gone = *place;
    struct leaf *heir = gone->left;
    if (heir == NULL) {
        heir = gone->right;
    } else if (gone->right != NULL) {
        struct leaf *most = heir;
        while (most->right != NULL) {
            most = most->right;
        }
        most->right = gone->right;
    }
    *place = heir;
    quarter->leaves--;
    quarter->digest -= text_digest(gone->key, gone->text);
    tarn_heap_free(heap, gone->text);
    tarn_heap_free(heap, gone);
}

static void
widen(tarn_heap *heap, struct quarter *quarter)
{
    uint64_t count = quarter->bucket_count != 0 ? quarter->bucket_count * 2 : BUCKETS_FIRST;
    struct entry **buckets = tarn_heap_calloc(heap, count, sizeof(struct entry *));
    if (buckets == NULL) {
        return;
    }
    for (uint64_t i = 0; i < quarter->bucket_count; i++) {
        struct entry *next;
        for (struct entry *entry = quarter->buckets[i]; entry != NULL; entry = next) {
            next = entry->next;
            entry->next = buckets[entry->key % count];
            buckets[entry->key % count] = entry;
        }
    }
    tarn_heap_free(heap, quarter->buckets);
    quarter->buckets = buckets;
    quarter->bucket_count = count;
}

static void
add_entry(tarn_heap *heap, struct quarter *quarter, uint64_t *seed)
{
    if (quarter->entries >= quarter->bucket_count) {
        widen(heap, quarter);
    }
    uint64_t key = town_random(seed);
    struct entry *entry = tarn_heap_malloc(heap, sizeof *entry);
    char *text = make_text(heap, key, draw_size(seed));
    if (entry == NULL || text == NULL || quarter->bucket_count == 0) {
        tarn_heap_free(heap, entry);
        tarn_heap_free(heap, text);
        return;
    }
    struct entry **bucket = &quarter->buckets[key % quarter->bucket_count];
    *entry = (struct entry){*bucket, key, text};
    *bucket = entry;
    quarter->entries++;
    quarter->digest += text_digest(key, text);
}

/* Its text is left to the next quarter to free. */
static void
drop_entry(tarn_heap *heap, struct quarter *quarter, uint64_t *seed, unsigned number)
{
    if (quarter->entries == 0) {
        return;
    }
    uint64_t i = town_random(seed) % quarter->bucket_count;
    while (quarter->buckets[i] == NULL) {
        i = (i + 1) % quarter->bucket_count;
    }
    struct entry *entry = quarter->buckets[i];
    quarter->buckets[i] = entry->next;
    quarter->entries--;
    quarter->digest -= text_digest(entry->key, entry->text);
    char **gift = &quarter->gifts[town_random(seed) % GIFTS];
    pthread_mutex_lock(&gift_locks[number]);
    char *old = *gift;
    *gift = entry->text;
    pthread_mutex_unlock(&gift_locks[number]);
    tarn_heap_free(heap, old);
    tarn_heap_free(heap, entry);
}

static void
take_gift(tarn_heap *heap, struct town *town, unsigned number, uint64_t *seed)
{
    unsigned giver = (number + QUARTERS - 1) % QUARTERS;
    char **gift = &town->quarters[giver].gifts[town_random(seed) % GIFTS];
    pthread_mutex_lock(&gift_locks[giver]);
    char *text = *gift;
    *gift = NULL;
    pthread_mutex_unlock(&gift_locks[giver]);
    tarn_heap_free(heap, text);
}

static void
stretch(tarn_heap *heap, struct quarter *quarter, uint64_t *seed)
{
    uint64_t length = town_random(seed) % VECTOR_MOST;
    uint64_t had = quarter->vector_length;
    for (uint64_t i = length; i < had; i++) {
        quarter->digest -= mix(quarter->vector[i]);
    }
    if (length < had) {
        quarter->vector_length = length;
    }
    uint64_t *moved = tarn_heap_reallocarray(heap, quarter->vector, length + 1, sizeof *moved);
    if (moved == NULL) {
        return;
    }
    quarter->vector = moved;
    for (uint64_t i = had; i < length; i++) {
        moved[i] = town_random(seed);
        quarter->digest += mix(moved[i]);
    }
    quarter->vector_length = length;
}

void
town_work(tarn_heap *heap, struct town *town, unsigned number, uint64_t *seed, unsigned changes)
{
    struct quarter *quarter = &town->quarters[number];
    while (changes-- > 0) {
        unsigned what = (unsigned)(town_random(seed) % 100);
        if (what < 20) {
            quarter->links < LIST_MOST ? add_link(heap, quarter, seed)
                                       : drop_link(heap, quarter, seed);
        } else if (what < 32) {
            drop_link(heap, quarter, seed);
        } else if (what < 36) {
            resize_link(heap, quarter, seed);
        } else if (what < 52) {
            quarter->leaves < TREE_MOST ? add_leaf(heap, quarter, seed)
                                        : drop_leaf(heap, quarter, seed);
        } else if (what < 64) {
            drop_leaf(heap, quarter, seed);
        } else if (what < 80) {
            quarter->entries < MAP_MOST ? add_entry(heap, quarter, seed)
                                        : drop_entry(heap, quarter, seed, number);
        } else if (what < 92) {
            drop_entry(heap, quarter, seed, number);
        } else if (what < 99) {
            take_gift(heap, town, number, seed);
        } else {
            stretch(heap, quarter, seed);
        }
    }
}

struct town *
town_find(tarn_heap *heap)
{
    struct town *town = tarn_root(heap);
    if (town == NULL) {
        town = tarn_heap_zalloc(heap, sizeof *town);
        tarn_set_root(heap, town);
    }
    return town;
}

uint64_t
town_digest(const struct town *town)
{
    uint64_t digest = 0;
    for (unsigned i = 0; i < QUARTERS && town != NULL; i++) {
        digest += mix(town->quarters[i].digest + i);
    }
    return digest;
}

/* ---- the walk ---- */

static const char *
walk_list(const struct quarter *quarter, uint64_t *digest)
{
    const struct link *before = NULL;
    uint64_t count = 0;
    for (const struct link *link = quarter->first; link != NULL; link = link->next) {
        uint64_t own = link_digest(link);
        if (link->prev != before) {
            return "a list's links do not match";
        }
        if (own == 0) {
            return "a list's bytes are not what was written";
        }
        *digest += own;
        before = link;
        count++;
    }
    return count != quarter->links || before != quarter->last ? "a list is not as long as it says"
                                                              : NULL;
}

static const char *
walk_tree(const struct leaf *leaf, uint64_t low, uint64_t high, uint64_t *count, uint64_t *digest)
{
    if (leaf == NULL) {
        return NULL;
    }
    uint64_t own = text_digest(leaf->key, leaf->text);
    if (leaf->key < low || leaf->key > high) {
        return "a tree is out of order";
    }
    if (own == 0) {
        return "a tree's text is not what was written";
    }
    *digest += own;
    ++*count;
    const char *wrong = walk_tree(leaf->left, low, leaf->key, count, digest);
    return wrong != NULL ? wrong : walk_tree(leaf->right, leaf->key, high, count, digest);
}

static const char *
walk_map(const struct quarter *quarter, uint64_t *digest)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < quarter->bucket_count; i++) {
        for (const struct entry *entry = quarter->buckets[i]; entry != NULL; entry = entry->next) {
            uint64_t own = text_digest(entry->key, entry->text);
            if (own == 0 || entry->key % quarter->bucket_count != i) {
                return "a map's entry is not what was written";
            }
            *digest += own;
            count++;
        }
    }
    return count != quarter->entries ? "a map does not have as many entries as it says" : NULL;
}

const char *
town_check(tarn_heap *heap, const struct town *town, uint64_t *digest)
{
    *digest = 0;
    for (unsigned i = 0; i < QUARTERS; i++) {
        const struct quarter *quarter = &town->quarters[i];
        uint64_t own = 0;
        uint64_t leaves = 0;
        const char *wrong = walk_list(quarter, &own);
        if (wrong == NULL) {
            wrong = walk_tree(quarter->tree, 0, UINT64_MAX, &leaves, &own);
        }
        if (wrong == NULL && leaves != quarter->leaves) {
            wrong = "a tree does not have as many leaves as it says";
        }
        if (wrong == NULL) {
            wrong = walk_map(quarter, &own);
        }
        for (uint64_t k = 0; k < quarter->vector_length; k++) {
            own += mix(quarter->vector[k]);
        }
        if (wrong == NULL && own != quarter->digest) {
            wrong = "a quarter's contents are not those it kept account of";
        }
        if (wrong != NULL) {
            return wrong;
        }
        *digest += mix(own + i);
    }
    return heap != NULL ? tarn_heap_check(heap) : NULL;
}
