/* The guarded ways: everything a call may need besides the index. Each takes the lock only round a
 * constant number of instructions and never while it zeroes, copies, verifies or calls a hook. */
#include "quick/guard.h"
#include "quick/align.h"
#include "quick/core.h"
#include "quick/memory.h"
#include "quick/proof.h"
#include "quick/quick_lists.h"
#include "quick/walk.h"

uintptr_t
tn_quick_lock(struct tarn_quick *q)
{
    return q->hooks != NULL && q->hooks->lock != NULL ? q->hooks->lock(q->hooks->context) : 0;
}

void
tn_quick_unlock(struct tarn_quick *q, uintptr_t saved)
{
    if (q->hooks != NULL && q->hooks->unlock != NULL) {
        q->hooks->unlock(q->hooks->context, saved);
    }
}

static void
fill(struct tn_block *from, struct tn_block *to)
{
    memset(from, TN_CLEAN, (uintptr_t)to - (uintptr_t)from);
}

const char *
tn_quick_give_clean(struct tarn_quick *q, struct tn_block *block)
{
    tn_word head = block->head;
    struct tn_block *next = tn_after(block, head & ~TN_FLAGS);
    tn_word next_head = next->head;
    struct tn_block *whole = head & TN_PREV_FREE ? tn_before(block, *tn_tag(block, 0)) : block;

    if (q->flags & TARN_QUICK_CHECKED) {
        if (head & TN_PREV_FREE &&
            (!tn_quick_is_free(q, whole) || tn_after(whole, whole->head) != block)) {
            return tn_quick_damage_before;
        }
        if (!(next_head & TN_USED) && !tn_quick_is_free(q, next)) {
            return tn_quick_damage_behind;
        }
    }
    if (!tn_give(q, block, head)) {
        return tn_quick_damage_near(block);
    }
    tn_quick_move_walkers(q, whole);
    if (q->flags & TARN_QUICK_CHECKED) {
        if (head & TN_PREV_FREE) {
            fill(tn_before(block, TN_WORD), tn_after(block, TN_WORD));
        }
        if (!(next_head & TN_USED)) {
            struct tn_block *end = tn_after(next, next_head - TN_WORD);
            struct tn_block *links = tn_after(next, sizeof *next);

            fill(next, links < end ? links : end);
        }
    }
    return NULL;
}

const char *
tn_quick_trim(struct tarn_quick *q, struct tn_block *block, size_t size)
{
    struct tn_block *rest;
    const char *what;

    if ((block->head & ~TN_FLAGS) - size < TN_MIN) {
        return NULL;
    }
    rest = tn_split(block, size);
    what = tn_quick_give_clean(q, rest);
    if (what != NULL) {
        block->head += rest->head & ~TN_FLAGS;
    }
    return what;
}

/* As tn_take, also for sizes that have no bin; when nothing else is left it looks at more than the
 * first block of the size's own bin. Call locked. */
static struct tn_block *
take_deep(struct tarn_quick *q, tn_word size, const char **what)
{
    size_t bin = tn_bin(size);
    const int checked = (q->flags & TARN_QUICK_CHECKED) != 0;
    struct tn_block *block;
    unsigned i;

    if (bin - TN_FIRST_BIN >= TN_BINS(q->flags)) {
        return NULL;
    }
    block = tn_quick_candidate(q, size);
    if (block != NULL) {
        block = !checked || tn_quick_is_free(q, block) ? tn_take(q, size, 0) : NULL;
        *what = block == NULL ? tn_quick_damage_free : NULL;
        return block;
    }
    block = tn_at(q, *tn_bin_head(q, bin));
    for (i = 0; i < 32 && block != &q->nil; i++) {
        if (checked && !tn_quick_is_free(q, block)) {
            *what = tn_quick_damage_free;
            return NULL;
        }
        if (block->head >= size) {
            /* Make it the first of its bin, where tn_take finds it. */
            tn_unlink(q, block, bin);
            tn_insert(q, block, block->head);
            return tn_take(q, size, 0);
        }
        block = tn_at(q, block->next);
    }
    return NULL;
}

/* A block of `size` bytes from wherever one is; NULL when there is none or *what is broken. */
static struct tn_block *
obtain(struct tarn_quick *q, tn_word size, const char **what)
{
    const struct tarn_quick_hooks *hooks = q->hooks;

    while (*what == NULL) {
        uintptr_t saved = tn_quick_lock(q);
        struct tn_block *block = NULL;
        int more = 1;

        if (q->lists != 0 && size <= TN_QUICKS(q->flags)) {
            void *payload = tn_quick_pop(q, tn_quick_list(q, size));

            block = payload == NULL ? NULL : tn_before((struct tn_block *)payload, TN_WORD);
        }
        if (block == NULL) {
            block = take_deep(q, size, what);
        }
        if (block != NULL) {
            tn_quick_lend(q);
        } else if (*what == NULL) {
            more = tn_quick_flush_one(q, what);
        }
        tn_quick_unlock(q, saved);
        if (block != NULL) {
            return block;
        }
        if (!more && *what == NULL &&
            (hooks == NULL || hooks->more == NULL || !hooks->more(hooks->context, q, size))) {
            break;
        }
    }
    return NULL;
}

static void
trace(struct tarn_quick *q, const char *function, const void *object, const void *before,
      size_t size, uintptr_t caller)
{
    if (q->hooks != NULL && q->hooks->trace != NULL) {
        struct tarn_quick_event event = {function, object, before, size, caller};

        q->hooks->trace(q->hooks->context, &event);
    }
}

/* Makes a block an object of `size` bytes the first `kept` of which stay as they are: zeroes the
 * others and the slack, or in a checked heap fills the slack and sets the check words. */
static void
dress(struct tarn_quick *q, struct tn_block *block, void *object, size_t kept, size_t size)
{
    unsigned char *bytes = (unsigned char *)object;
    size_t end = tn_quick_room(q, block, (uintptr_t)object - (uintptr_t)tn_payload(block));

    if (q->flags & TARN_QUICK_CHECKED) {
        memset(bytes + size, TN_CLEAN, end - size);
        tn_quick_set_word(q, block, TN_SIZE, size);
        tn_quick_set_word(q, block, TN_COOKIE, tn_quick_cookie(block, size));
        end = size;
    }
    if (kept < end) {
        memset(bytes + kept, 0, end - kept);
    }
}

/* A block for the request; *lead becomes the bytes from its payload to the object. NULL when there
 * is none, or *what is broken. */
static struct tn_block *
find_room(struct tarn_quick *q, const struct tn_request *r, size_t *lead, const char **what)
{
    const int placed = r->align != 0 || r->span != 0;
    struct tn_place place;
    size_t bytes = placed ? tn_quick_plan(q, r, &place) : r->size;
    struct tn_block *block;

    *lead = 0;
    if (bytes >= TN_LIMIT) {
        return NULL;
    }
    block = obtain(q, tn_round(q, bytes), what);
    if (block != NULL && q->flags & TARN_QUICK_CHECKED) {
        struct tn_block *end = tn_after(block, block->head & ~TN_FLAGS);

        if (!tn_quick_all(tn_after(block, sizeof *block), tn_before(end, TN_WORD), TN_CLEAN)) {
            tn_quick_panic(q, r->function, "free memory was written to", tn_payload(block));
        }
        if (placed) {
            fill(tn_after(block, TN_WORD), end);
        }
    }
    if (block != NULL && placed) {
        block = tn_quick_place(q, block, &place, lead, what);
    }
    return block;
}

/* tn_quick_allocate without the trace. */
static void *
allocate(struct tarn_quick *q, const struct tn_request *r)
{
    const char *what = NULL;
    size_t lead;
    struct tn_block *block = find_room(q, r, &lead, &what);
    unsigned char *object;

    if (what != NULL) {
        tn_quick_panic(q, r->function, what, NULL);
    }
    if (block == NULL) {
        return NULL;
    }
    object = (unsigned char *)tn_payload(block) + lead;
    if (lead != 0) {
        memset((unsigned char *)tn_payload(block) + 1, 0, lead - 1);
    }
    dress(q, block, object, r->clear ? 0 : r->size, r->size);
    if (q->flags & TARN_QUICK_TAGS) {
        tn_quick_set_word(q, block, TN_MALLOC_TAG, r->caller);
        tn_quick_set_word(q, block, TN_REALLOC_TAG, 0);
    }
    return object;
}

void *
tn_quick_allocate(struct tarn_quick *q, const struct tn_request *r)
{
    void *object = allocate(q, r);

    if (object != NULL) {
        trace(q, r->function, object, NULL, r->size, r->caller);
    }
    return object;
}

TN_COLD void *
tn_quick_refill(struct tarn_quick *q, size_t size, int clear, uintptr_t caller)
{
    struct tn_request request = {clear ? "malloc" : "mallocz", 0, 0, 0, 0, 0, 0};

    request.caller = caller;
    request.size = size;
    request.clear = clear;
    return tn_quick_allocate(q, &request);
}

/* tn_quick_release without the trace; returns whether it did. */
static int
release(struct tarn_quick *q, void *object, const char *function)
{
    const char *what = NULL;
    struct tn_block *block;
    uintptr_t saved;
    size_t lead;

    saved = tn_quick_lock(q);
    block = tn_quick_locate(q, object, &lead, &what);
    if (block != NULL && q->flags & TARN_QUICK_CHECKED) {
        /* The block is its owner's still: filling it needs no lock. The mark of an odd one stays.
         */
        tn_quick_unlock(q, saved);
        what = tn_quick_overrun(q, block, object, lead);
        if (what == NULL) {
            unsigned char *from = (unsigned char *)tn_payload(block) + (lead != 0);

            memset(from, TN_CLEAN, (uintptr_t)block + (block->head & ~TN_FLAGS) - (uintptr_t)from);
        }
        saved = tn_quick_lock(q);
    }
    if (block != NULL && what == NULL) {
        tn_word head = block->head;

        if (lead != 0) {
            head &= ~TN_ODD;
            block->head = head;
            *(unsigned char *)tn_payload(block) = TN_CLEAN;
        }
        if (lead != 0 || q->lists == 0 || (head & ~TN_FLAGS) > TN_QUICKS(q->flags) ||
            q->map < q->plenty || !tn_quick_push(q, tn_payload(block), head & ~TN_FLAGS)) {
            what = tn_quick_give_clean(q, block);
        }
    }
    tn_quick_unlock(q, saved);
    if (what != NULL) {
        tn_quick_panic(q, function, what, object);
    }
    return what == NULL;
}

TN_COLD void
tn_quick_release(struct tarn_quick *q, void *object, const char *function, uintptr_t caller)
{
    if (object != NULL && release(q, object, function)) {
        trace(q, function, object, NULL, 0, caller);
    }
}

/* Makes the block `bytes` large where it is; 0 when that cannot be, and then *what when that is
 * because something is broken. */
static int
resize(struct tarn_quick *q, struct tn_block *block, tn_word bytes, const char **what)
{
    struct tn_block *end = tn_after(block, block->head & ~TN_FLAGS);
    struct tn_block *to = tn_after(block, bytes);
    struct tn_block *tag;
    uintptr_t saved;
    int grown;

    if (to <= end) {
        if (q->flags & TARN_QUICK_CHECKED && (uintptr_t)end - (uintptr_t)to >= TN_MIN) {
            fill(to, end);
        }
        saved = tn_quick_lock(q);
        *what = tn_quick_trim(q, block, bytes);
        tn_quick_unlock(q, saved);
        return *what == NULL;
    }
    saved = tn_quick_lock(q);
    tag = tn_after(end, (end->head & ~TN_FLAGS) - TN_WORD);
    grown = q->flags & TARN_QUICK_CHECKED && !(end->head & TN_USED) && !tn_quick_is_free(q, end)
                ? -1
                : tn_grow(q, block, bytes);
    if (grown > 0) {
        tn_quick_move_walkers(q, block);
    }
    tn_quick_unlock(q, saved);
    if (grown < 0) {
        *what = tn_quick_damage_behind;
    } else if (grown > 0 && q->flags & TARN_QUICK_CHECKED) {
        to = tn_after(block, block->head & ~TN_FLAGS);
        if (!tn_quick_all(tn_after(end, sizeof *end), to < tag ? to : tag, TN_CLEAN)) {
            *what = "free memory was written to";
        }
    }
    return grown > 0;
}

/* The object's block, when it is one and its owner has kept to it; else NULL and *what. */
static struct tn_block *
find(struct tarn_quick *q, const void *object, size_t *lead, const char **what)
{
    uintptr_t saved = tn_quick_lock(q);
    struct tn_block *block = tn_quick_locate(q, object, lead, what);

    tn_quick_unlock(q, saved);
    if (block != NULL && q->flags & TARN_QUICK_CHECKED) {
        *what = tn_quick_overrun(q, block, object, *lead);
    }
    return *what == NULL ? block : NULL;
}

TN_COLD void *
tn_quick_reallocate(struct tarn_quick *q, void *object, size_t size, uintptr_t caller)
{
    struct tn_request request = {"realloc", 0, 0, 0, 0, 0, 0};
    const char *what = NULL;
    struct tn_block *block;
    void *result = object;
    uintptr_t tag = 0;
    size_t lead;
    size_t old;
    int resized;

    if (size >= TN_LIMIT) {
        return NULL;
    }
    block = find(q, object, &lead, &what);
    if (block == NULL) {
        tn_quick_panic(q, "realloc", what, object);
        return NULL;
    }
    old = q->flags & TARN_QUICK_CHECKED ? tn_quick_get_word(q, block, TN_SIZE)
                                        : tn_quick_room(q, block, lead);
    if (q->flags & TARN_QUICK_TAGS) {
        tag = tn_quick_get_word(q, block, TN_MALLOC_TAG);
    }
    resized = resize(q, block, tn_round(q, size + lead), &what);
    if (resized) {
        dress(q, block, object, old < size ? old : size, size);
    }
    if (what != NULL) {
        tn_quick_panic(q, "realloc", what, object);
    }
    if (!resized) {
        request.caller = caller;
        request.size = size;
        result = what == NULL ? allocate(q, &request) : NULL;
        if (result == NULL) {
            return NULL;
        }
        /* It had no room where it was, so it is growing. */
        memcpy(result, object, old);
        memset((unsigned char *)result + old, 0, size - old);
        (void)release(q, object, "realloc");
        block = tn_before((struct tn_block *)result, TN_WORD);
    }
    if (q->flags & TARN_QUICK_TAGS) {
        tn_quick_set_word(q, block, TN_MALLOC_TAG, tag);
        tn_quick_set_word(q, block, TN_REALLOC_TAG, caller);
    }
    trace(q, "realloc", result, object, size, caller);
    return result;
}

size_t
tarn_quick_msize(struct tarn_quick *q, void *object)
{
    const char *what = NULL;
    struct tn_block *block;
    size_t lead;
    size_t bytes;

    if (object == NULL) {
        return 0;
    }
    block = find(q, object, &lead, &what);
    if (block == NULL) {
        tn_quick_panic(q, "msize", what, object);
        return 0;
    }
    bytes = tn_quick_room(q, block, lead);
    if (q->flags & TARN_QUICK_CHECKED) {
        dress(q, block, object, tn_quick_get_word(q, block, TN_SIZE), bytes);
    }
    return bytes;
}
