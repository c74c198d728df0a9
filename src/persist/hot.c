/*
 * Pages that commit after commit finds changed.
 *
 * Finding a change by protection costs a page fault and a look through page tables, and writes the
 * page whole. A page that two commits in a row found changed is hot: it is no longer protected;
 * instead each commit compares it with a shadow, a copy of what it was at the last one, and writes
 * the lines that differ. When many commits have found it as it was, it is protected again.
 *
 * A record has what the shadow got: a store that is made while the commit runs, by a thread that
 * should not, is in this record and the shadow or in neither, and so in the next. When a commit
 * fails the shadows are ahead of the journal and are forgotten.
 */
#include "persist/image.h"

#include "base/bits.h"
#include "os/os.h"

#include <string.h>

#define LINE       64u
#define LINES_MOST 16u /* that differ; with more the page is written whole */
#define IDLE_MOST  64u

static char *
shadow(const struct tn_image *image, unsigned hot)
{
    return image->hot.shadow + ((size_t)hot << TN_PAGE_SHIFT);
}

/* Its index, or the count of all. */
static unsigned
find(const struct tn_image *image, size_t page)
{
    unsigned i = 0;
    while (i < image->hot.count && image->hot.page[i] != page) {
        i++;
    }
    return i;
}

bool
tn_hot_has(const struct tn_image *image, size_t page)
{
    return find(image, page) < image->hot.count;
}

char *
tn_hot_contents(const struct tn_image *image, size_t page)
{
    unsigned i = find(image, page);
    return i < image->hot.count ? shadow(image, i) : tn_page_start(image, page);
}

void
tn_hot_forget(struct tn_image *image)
{
    if (image->hot.count != 0) {
        image->settled = false;
    }
    image->hot.count = 0;
    image->hot.lasts = 0;
    image->hot.changes = 0;
    image->hot.bytes = 0;
}

void
tn_hot_release(struct tn_image *image)
{
    if (image->hot.shadow != NULL) {
        tn_os_release(image->hot.shadow, TN_HOT_MOST * TN_PAGE);
    }
}

static void
drop(struct tn_image *image, unsigned i)
{
    struct tn_hot *hot = &image->hot;
    unsigned last = --hot->count;
    if (i != last) {
        hot->page[i] = hot->page[last];
        hot->idle[i] = hot->idle[last];
        memcpy(shadow(image, i), shadow(image, last), TN_PAGE);
    }
}

static bool
is_in(const struct tn_page_set *set, size_t page)
{
    bool in;
    tn_page_set_stretch(set, page, 1, &in);
    return in;
}

void
tn_hot_review(struct tn_image *image)
{
    for (unsigned i = image->hot.count; i > 0; i--) {
        if (!is_in(&image->armed, image->hot.page[i - 1])) {
            drop(image, i - 1);
        }
    }
}

/* A write lifts the protection; this one changes nothing. */
static void
lift(struct tn_image *image, size_t page)
{
    __atomic_fetch_or((uint64_t *)(void *)tn_page_start(image, page), 0, __ATOMIC_RELAXED);
}

void
tn_hot_open(struct tn_image *image)
{
    for (unsigned i = 0; i < image->hot.count; i++) {
        lift(image, image->hot.page[i]);
    }
}

static bool
differs(const char *a, const char *b)
{
    uint64_t x[LINE / 8];
    uint64_t y[LINE / 8];
    uint64_t any = 0;
    memcpy(x, a, LINE);
    memcpy(y, b, LINE);
    for (unsigned i = 0; i < LINE / 8; i++) {
        any |= x[i] ^ y[i];
    }
    return any != 0;
}

/* The lines that differ as one bit each, of 64. */
static uint64_t
compare(const char *page, const char *old)
{
    uint64_t lines = 0;
    if (memcmp(page, old, TN_PAGE) != 0) {
        for (unsigned i = 0; i < TN_PAGE / LINE; i++) {
            lines |= (uint64_t)differs(page + i * LINE, old + i * LINE) << i;
        }
    }
    return lines;
}

/* Brings the shadow up to date and notes what that took. */
static void
note(struct tn_image *image, unsigned i, uint64_t lines)
{
    struct tn_hot *hot = &image->hot;
    const char *page = tn_page_start(image, hot->page[i]);
    uint64_t starts = lines & ~(lines << 1);
    unsigned runs = (unsigned)__builtin_popcountll(starts);
    if ((unsigned)__builtin_popcountll(lines) > LINES_MOST ||
        hot->changes + runs > TN_CHANGES_MOST) {
        memcpy(shadow(image, i), page, TN_PAGE);
        tn_page_set_add(&image->changed, hot->page[i], 1);
        return;
    }
    for (; starts != 0; starts &= starts - 1) {
        unsigned first = tn_lowest_bit(starts);
        unsigned count = tn_lowest_bit(~(lines >> first));
        memcpy(shadow(image, i) + first * LINE, page + first * LINE, count * LINE);
        hot->change[hot->changes++] = (struct tn_change){hot->page[i], first * LINE, count * LINE};
        hot->bytes += count * LINE;
    }
}

/* Protected again, unless it was written to after all. */
static bool
is_cold(struct tn_image *image, unsigned i)
{
    char *page = tn_page_start(image, image->hot.page[i]);
    return ++image->hot.idle[i] > IDLE_MOST &&
           tn_dirty_protect(&image->dirty, page, TN_PAGE) == 0 &&
           memcmp(page, shadow(image, i), TN_PAGE) == 0;
}

/* The pages of a set that there are at most TN_HOT_MOST of. */
static unsigned
list(const struct tn_page_set *set, size_t pages[TN_HOT_MOST])
{
    unsigned n = 0;
    size_t first = 0;
    size_t count;
    for (; tn_page_set_next(set, &first, &count); first += count) {
        for (size_t i = 0; i < count; i++) {
            pages[n++] = first + i;
        }
    }
    return n;
}

static bool
have_shadows(struct tn_hot *hot)
{
    if (hot->shadow == NULL) {
        hot->shadow = tn_os_reserve(TN_HOT_MOST * TN_PAGE, TN_PAGE);
        if (hot->shadow != NULL && !tn_os_commit(hot->shadow, TN_HOT_MOST * TN_PAGE)) {
            tn_os_release(hot->shadow, TN_HOT_MOST * TN_PAGE);
            hot->shadow = NULL;
        }
    }
    return hot->shadow != NULL;
}

/* Of the pages found changed, those that the last commit found too. They are written whole. */
static void
heat(struct tn_image *image, size_t end)
{
    struct tn_hot *hot = &image->hot;
    size_t pages[TN_HOT_MOST];
    unsigned count = list(&image->changed, pages);
    for (unsigned i = 0; i < count; i++) {
        bool again = false;
        for (unsigned k = 0; k < hot->lasts; k++) {
            again = again || hot->last[k] == pages[i];
        }
        if (again && pages[i] < end && hot->count < TN_HOT_MOST && have_shadows(hot)) {
            lift(image, pages[i]);
            hot->page[hot->count] = pages[i];
            hot->idle[hot->count] = 0;
            memcpy(shadow(image, hot->count++), tn_page_start(image, pages[i]), TN_PAGE);
        }
    }
    memcpy(hot->last, pages, count * sizeof *pages);
    hot->lasts = count;
}

void
tn_hot_compare(struct tn_image *image)
{
    struct tn_hot *hot = &image->hot;
    size_t end = (size_t)(tn_file_size_needed(image) - image->head.space_at) >> TN_PAGE_SHIFT;
    size_t found = image->changed.count;
    hot->changes = 0;
    hot->bytes = 0;
    if (found != 0 && found <= TN_HOT_MOST && tn_os_page_size() == TN_PAGE) {
        heat(image, end);
    }
    for (unsigned i = hot->count; i > 0; i--) {
        size_t page = hot->page[i - 1];
        if (is_in(&image->changed, page)) {
            continue; /* hot from now on */
        }
        if (page >= end) { /* what is behind the end is no record's business */
            tn_page_set_add(&image->changed, page, 1);
            drop(image, i - 1);
            image->settled = false;
            continue;
        }
        uint64_t lines = compare(tn_page_start(image, page), shadow(image, i - 1));
        if (lines != 0) {
            hot->idle[i - 1] = 0;
            note(image, i - 1, lines);
        } else if (is_cold(image, i - 1)) {
            drop(image, i - 1);
        }
    }
}
