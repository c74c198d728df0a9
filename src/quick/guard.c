/* The guarded ways: everything a call may need besides the index. Each takes the lock only round a
 * constant number of instructions and never while it zeroes, copies, verifies or calls a hook. */
#include "quick/guard.h"
#include "quick/align.h"
#include "quick/core.h"
#include "quick/memory.h"

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

/* Words at the end of a block, those the heap's options ask for: size asked for and cookie, which
 * an overrun meets first, then the malloc tag and the realloc tag. Not aligned in narrow heaps. */
void *
tn_quick_trailer(struct tarn_quick *q, struct tn_block *block, unsigned which)
{
    size_t size = block->head & ~TN_FLAGS;

    if (!(q->flags & TARN_QUICK_CHECKED)) {
        which -= 2;
    }
    return (void *)((uintptr_t)block + size - tn_extra(q) + which * sizeof(uintptr_t));
}

static uintptr_t
get_trailer(struct tarn_quick *q, struct tn_block *block, unsigned which)
{
    uintptr_t word;

    memcpy(&word, tn_quick_trailer(q, block, which), sizeof word);
    return word;
}

static void
set_trailer(struct tarn_quick *q, struct tn_block *block, unsigned which, uintptr_t word)
{
    memcpy(tn_quick_trailer(q, block, which), &word, sizeof word);
}

static uintptr_t
cookie(const struct tn_block *block, size_t size)
{
    return ((uintptr_t)block ^ (uintptr_t)0x9e3779b9u) * 0x85ebca6bu ^ size ^
           (block->head & ~TN_FLAGS);
}

void
tn_quick_panic(struct tarn_quick *q, const char *function, const char *what, const void *object)
{
    struct tarn_quick_fault fault = {function, what, object, 0, 0};

    if (q->hooks == NULL || q->hooks->panic == NULL) {
#if defined(__GNUC__)
        __builtin_trap();
#else
        *(volatile int *)0 = 0;
#endif
    }
    if (q->flags & TARN_QUICK_TAGS) {
        const char *ignored = NULL;
        size_t lead;
        struct tn_block *block = tn_quick_locate(q, object, &lead, &ignored);

        if (block != NULL) {
            fault.malloctag = get_trailer(q, block, TN_MALLOC_TAG);
            fault.realloctag = get_trailer(q, block, TN_REALLOC_TAG);
        }
    }
    q->hooks->panic(q->hooks->context, &fault);
}

/* Whether `block` can be a block's address and its header that of one in use. */
static int
plausible(struct tarn_quick *q, const struct tn_block *block)
{
    uintptr_t payload = (uintptr_t)tn_payload(block);

    return payload >= q->low && payload <= q->end && block->head >= TN_MIN &&
           (block->head & ~TN_FLAGS) <= q->end - (uintptr_t)block;
}

struct tn_block *
tn_quick_locate(struct tarn_quick *q, const void *object, size_t *lead, const char **what)
{
    uintptr_t payload = (uintptr_t)object & (uintptr_t)(intptr_t)-8;
    struct tn_block *block = (struct tn_block *)(payload - TN_WORD);

    *lead = 0;
    if ((uintptr_t)object < q->low || (uintptr_t)object >= q->end) {
        *what = "not from this heap";
        return NULL;
    }
    if (payload != (uintptr_t)object || (block->head & (TN_USED | TN_ODD)) != TN_USED) {
        /* Perhaps one of mallocalign's that does not start its payload: the payload's first byte
         * then tells how far in the pointer is. */
        size_t granule = (size_t)(tn_word)(0 - q->mask);
        struct tn_block *odd =
            (struct tn_block *)(((uintptr_t)object & ~(uintptr_t)(granule - 1)) - TN_WORD);
        size_t in = (uintptr_t)object - (uintptr_t)tn_payload(odd);

        if (in == 0 || (uintptr_t)tn_payload(odd) < q->low ||
            (odd->head & (TN_USED | TN_ODD)) != (TN_USED | TN_ODD) ||
            *(unsigned char *)tn_payload(odd) != (in << 3 | 7)) {
            *what = payload != (uintptr_t)object ? "not an object's address"
                                                 : "already free, or not an object's address";
            return NULL;
        }
        *lead = in;
        block = odd;
    }
    if (!plausible(q, block)) {
        *what = "header damaged (overrun), or not an object's address";
        return NULL;
    }
    if (tn_after(block, block->head & ~TN_FLAGS)->head & TN_PREV_FREE) {
        *what = "header damaged (overrun), or not an object's address";
        return NULL;
    }
    if (q->flags & TARN_QUICK_CHECKED) {
        size_t size = get_trailer(q, block, TN_SIZE);

        if (get_trailer(q, block, TN_COOKIE) != cookie(block, size)) {
            *what = "check word damaged (overrun), or not an object's address";
            return NULL;
        }
    }
    return block;
}

/* Whether the bytes are all `byte`. */
static int
all(const void *from, const void *to, unsigned char byte)
{
    const unsigned char *at = (const unsigned char *)from;

    for (; at < (const unsigned char *)to; at++) {
        if (*at != byte) {
            return 0;
        }
    }
    return 1;
}

static void
fill(struct tn_block *from, struct tn_block *to)
{
    if (from < to) {
        memset(from, TN_CLEAN, (size_t)((uintptr_t)to - (uintptr_t)from));
    }
}

/* Bytes of the block the owner of a pointer `lead` into the payload may use. */
static size_t
room(struct tarn_quick *q, const struct tn_block *block, size_t lead)
{
    return (block->head & ~TN_FLAGS) - TN_WORD - tn_extra(q) - lead;
}

const char *
tn_quick_give_clean(struct tarn_quick *q, struct tn_block *block)
{
    tn_word head = block->head;
    struct tn_block *next = tn_after(block, head & ~TN_FLAGS);
    tn_word next_head = next->head;
    const char *what = tn_give(q, block, head);

    if (what == NULL && q->flags & TARN_QUICK_CHECKED) {
        if (head & TN_PREV_FREE) {
            fill(tn_before(block, TN_WORD), tn_after(block, TN_WORD));
        }
        if (!(next_head & TN_USED)) {
            struct tn_block *end = tn_after(next, next_head - TN_WORD);
            struct tn_block *links = tn_after(next, sizeof *next);

            fill(next, links < end ? links : end);
        }
    }
    return what;
}

int
tn_quick_flush_one(struct tarn_quick *q, const char **what)
{
    tn_word size;

    for (size = TN_QUICKS(q->flags); size >= TN_MIN; size -= 8) {
        struct tn_block *block = tn_quick_pop(q, size);

        if (block != NULL) {
            *what = tn_give(q, block, block->head);
            return *what == NULL;
        }
    }
    return 0;
}

void
tarn_quick_flush(struct tarn_quick *q)
{
    const char *what = NULL;
    int more;

    do {
        uintptr_t saved = tn_quick_lock(q);

        more = tn_quick_flush_one(q, &what);
        tn_quick_unlock(q, saved);
    } while (more);
    if (what != NULL) {
        tn_quick_panic(q, "flush", what, NULL);
    }
}

/* A block for the request from wherever one is; NULL when there is none or *what is broken. */
static struct tn_block *
obtain(struct tarn_quick *q, const struct tn_request *r, size_t *lead, const char **what)
{
    tn_word size = tn_round(q, r->size);
    struct tn_block *block = NULL;
    int more = 1;

    while (*what == NULL) {
        uintptr_t saved = tn_quick_lock(q);

        *lead = 0;
        if (r->align != 0 || r->span != 0) {
            block = tn_quick_take_aligned(q, r, lead, what);
        } else {
            if (size <= TN_QUICKS(q->flags)) {
                block = tn_quick_pop(q, size);
            }
            if (block == NULL) {
                block = tn_quick_take_deep(q, size, what);
            }
        }
        if (block == NULL && *what == NULL) {
            more = tn_quick_flush_one(q, what);
        }
        tn_quick_unlock(q, saved);
        if (block != NULL) {
            return block;
        }
        if (!more && *what == NULL) {
            if (q->hooks == NULL || q->hooks->more == NULL ||
                !q->hooks->more(q->hooks->context, q, size)) {
                return NULL;
            }
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

static void *
allocate(struct tarn_quick *q, const struct tn_request *r)
{
    const char *what = NULL;
    struct tn_block *block;
    unsigned char *object;
    size_t lead;
    size_t bytes;

    if (r->size >= TN_LIMIT) {
        return NULL;
    }
    block = obtain(q, r, &lead, &what);
    if (block == NULL) {
        if (what != NULL) {
            tn_quick_panic(q, r->function, what, NULL);
        }
        return NULL;
    }
    object = (unsigned char *)tn_payload(block) + lead;
    bytes = room(q, block, lead);
    if (q->flags & TARN_QUICK_CHECKED) {
        struct tn_block *end = tn_after(block, (block->head & ~TN_FLAGS) - TN_WORD);

        if (!all(tn_after(block, sizeof *block), end, TN_CLEAN)) {
            tn_quick_panic(q, r->function, "free memory was written to", object);
        }
    }
    if (lead != 0) {
        memset(tn_payload(block), 0, lead);
        *(unsigned char *)tn_payload(block) = (unsigned char)(lead << 3 | 7);
    }
    if (q->flags & TARN_QUICK_CHECKED) {
        memset(object + r->size, TN_CLEAN, bytes - r->size);
        set_trailer(q, block, TN_SIZE, r->size);
        set_trailer(q, block, TN_COOKIE, cookie(block, r->size));
        bytes = r->size;
    }
    if (r->clear) {
        memset(object, 0, bytes);
    } else {
        memset(object + r->size, 0, bytes - r->size);
    }
    if (q->flags & TARN_QUICK_TAGS) {
        set_trailer(q, block, TN_MALLOC_TAG, r->caller);
        set_trailer(q, block, TN_REALLOC_TAG, 0);
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

/* What is wrong with the object's surroundings in a checked heap. */
static const char *
verify(struct tarn_quick *q, struct tn_block *block, const void *object, size_t lead)
{
    size_t size = get_trailer(q, block, TN_SIZE);
    const char *end = (const char *)object + room(q, block, lead);

    return all((const char *)object + size, end, TN_CLEAN) ? NULL : "written beyond its end";
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
        /* The block is its owner's still: filling it needs no lock. */
        tn_quick_unlock(q, saved);
        what = verify(q, block, object, lead);
        if (what == NULL) {
            fill(tn_after(block, TN_WORD), tn_after(block, block->head & ~TN_FLAGS));
        }
        saved = tn_quick_lock(q);
    }
    if (block != NULL && what == NULL) {
        tn_word head = block->head;
        tn_word largest = TN_QUICKS(q->flags) + 8;

        if (lead != 0) {
            head &= ~TN_ODD;
            block->head = head;
            largest = 0;
        }
        if (head >= largest || !tn_quick_push(q, block, head)) {
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

/* Moves the object to a new block. */
static void *
move(struct tarn_quick *q, void *object, size_t old, const struct tn_request *r)
{
    unsigned char *to = (unsigned char *)allocate(q, r);

    if (to != NULL) {
        memcpy(to, object, old < r->size ? old : r->size);
        if (old < r->size) {
            memset(to + old, 0, r->size - old);
        }
    }
    return to;
}

TN_COLD void *
tn_quick_reallocate(struct tarn_quick *q, void *object, size_t size, uintptr_t caller)
{
    struct tn_request request = {"realloc", 0, 0, 0, 0, 0, 0};
    const char *what = NULL;
    struct tn_block *block;
    uintptr_t tags[2] = {0, 0};
    uintptr_t saved;
    size_t lead;
    size_t old = 0;
    void *result = NULL;

    request.caller = caller;
    request.size = size;
    if (size >= TN_LIMIT) {
        return NULL;
    }
    saved = tn_quick_lock(q);
    block = tn_quick_locate(q, object, &lead, &what);
    if (block != NULL) {
        old = room(q, block, lead);
        if (q->flags & TARN_QUICK_TAGS) {
            tags[0] = get_trailer(q, block, TN_MALLOC_TAG);
        }
        if (q->flags & TARN_QUICK_CHECKED) {
            old = get_trailer(q, block, TN_SIZE);
        } else if (tn_resize(q, block, tn_round(q, size + lead), &what)) {
            result = object;
        }
    }
    tn_quick_unlock(q, saved);
    if (block != NULL && what == NULL && q->flags & TARN_QUICK_CHECKED) {
        what = verify(q, block, object, lead);
    }
    if (what != NULL) {
        tn_quick_panic(q, "realloc", what, object);
        return NULL;
    }
    if (result != NULL) {
        size_t bytes = room(q, block, lead);
        size_t kept = old < size ? old : size;

        memset((unsigned char *)object + kept, 0, bytes - kept);
        if (q->flags & TARN_QUICK_TAGS) {
            set_trailer(q, block, TN_MALLOC_TAG, tags[0]);
        }
    } else {
        result = move(q, object, old, &request);
        if (result == NULL) {
            return NULL;
        }
        (void)release(q, object, "realloc");
        saved = tn_quick_lock(q);
        block = tn_quick_locate(q, result, &lead, &what);
        tn_quick_unlock(q, saved);
        if (q->flags & TARN_QUICK_TAGS) {
            set_trailer(q, block, TN_MALLOC_TAG, tags[0]);
        }
    }
    if (q->flags & TARN_QUICK_TAGS) {
        set_trailer(q, block, TN_REALLOC_TAG, caller);
    }
    trace(q, "realloc", result, object, size, caller);
    return result;
}

size_t
tarn_quick_msize(struct tarn_quick *q, void *object)
{
    const char *what = NULL;
    struct tn_block *block;
    uintptr_t saved;
    size_t lead;
    size_t bytes;

    if (object == NULL) {
        return 0;
    }
    saved = tn_quick_lock(q);
    block = tn_quick_locate(q, object, &lead, &what);
    tn_quick_unlock(q, saved);
    if (block == NULL) {
        tn_quick_panic(q, "msize", what, object);
        return 0;
    }
    bytes = room(q, block, lead);
    if (q->flags & TARN_QUICK_CHECKED) {
        size_t size = get_trailer(q, block, TN_SIZE);

        what = verify(q, block, object, lead);
        if (what != NULL) {
            tn_quick_panic(q, "msize", what, object);
            return 0;
        }
        memset((unsigned char *)object + size, 0, bytes - size);
        set_trailer(q, block, TN_SIZE, bytes);
        set_trailer(q, block, TN_COOKIE, cookie(block, bytes));
    }
    return bytes;
}
