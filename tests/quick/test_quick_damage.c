/* Damage to what a call is about to use, brought about in the heap's own words: the call says so
 * and goes no further. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "quick/core.h"
#include "quick/proof.h"
#include "quick_fixture.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void
expect_what(const char *function, const char *what)
{
    if (faults != 1) {
        fail_msg("%d faults instead of one in %s: %s", faults, function, what);
    }
    assert_string_equal(fault.function, function);
    if (strstr(fault.what, what) == NULL) {
        fail_msg("\"%s\" instead of \"%s\"", fault.what, what);
    }
    faults = 0;
}

static struct tn_block *
block_of(const void *object)
{
    return (struct tn_block *)((uintptr_t)object - TN_WORD);
}

/* The first block of the only bin there is. */
static struct tn_block *
only_free(struct tarn_quick *q)
{
    assert_int_equal(q->map & (q->map - 1), 0);
    return tn_at(q, *tn_bin_head(q, tn_low_bit(q->map)));
}

static const unsigned every[] = {0, TARN_QUICK_IMMEDIATE, TARN_QUICK_TAGS | TARN_QUICK_IMMEDIATE,
                                 TARN_QUICK_CHECKED};

/* The last word of the free block from which a new object would be cut. */
static void
free_block_written_to(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < sizeof every / sizeof *every; i++) {
        struct tarn_quick *q = heap_of(65536, every[i]);
        unsigned char *object = tarn_quick_malloc(q, 300);
        struct tn_block *block = only_free(q);

        *tn_tag(block, block->head) ^= 64;
        assert_null(tarn_quick_malloc(q, 100));
        expect_what("malloc", "free block damaged");
        assert_null(tarn_quick_mallocz(q, 100, 0));
        expect_what("mallocz", "free block damaged");
        assert_null(tarn_quick_calloc(q, 10, 10));
        expect_what("calloc", "free block damaged");
        assert_null(tarn_quick_smalloc(q, 100));
        expect_what("smalloc", "free block damaged");
        assert_null(tarn_quick_mallocalign(q, 100, 64, 8, 0));
        expect_what("mallocalign", "free block damaged");
        object[0] = 5;
        assert_null(tarn_quick_realloc(q, object, 400));
        assert_true(faults != 0); /* of the block to move to, or also of the one before it */
        faults = 0;
        assert_int_equal(object[0], 5);
        /* The one free block, now also in the request's own bin. */
        assert_null(tarn_quick_malloc(q, 60000));
        expect_what("malloc", "free block damaged");
        *tn_tag(block, block->head) ^= 64;
        sound(q);
    }
}

/* The neighbours of what is freed, resized or flushed. */
static void
neighbour_written_to(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < sizeof every / sizeof *every; i++) {
        struct tarn_quick *q = heap_of(65536, every[i]);
        unsigned char *p[6];
        struct tn_block *gap;
        tn_word head;
        tn_word small;
        int n;

        for (n = 5; n >= 0; n--) {
            p[n] = tarn_quick_malloc(q, 2900); /* large: cut from the front, so fill from there */
        }
        if (p[0] > p[5]) {
            for (n = 0; n < 3; n++) {
                unsigned char *other = p[n];

                p[n] = p[5 - n];
                p[5 - n] = other;
            }
        }
        tarn_quick_free(q, p[2]);
        gap = block_of(p[2]);
        /* The free block's last word. */
        *tn_tag(gap, gap->head) ^= 64;
        memset(p[1], 0x31, 2900);
        assert_null(tarn_quick_realloc(q, p[1], 4000));
        expect_what("realloc", "block behind it damaged");
        assert_int_equal(p[1][99], 0x31);
        assert_null(tarn_quick_realloc(q, p[1], 100));
        expect_what("realloc", "block behind it damaged");
        assert_int_equal(p[1][99], 0x31);
        assert_true(tarn_quick_msize(q, p[1]) >= 2900 || every[i] & TARN_QUICK_CHECKED);
        faults = 0; /* a checked heap has filled what it was to give back */
        tarn_quick_free(q, p[1]);
        assert_int_equal(faults, 1);
        faults = 0;
        tarn_quick_free(q, p[3]);
        expect_what("free", "block before it damaged");
        if (!(every[i] & TARN_QUICK_CHECKED)) {
            /* Likewise where what lies behind is free and well. */
            tarn_quick_free(q, p[4]);
            tarn_quick_free(q, p[3]);
            expect_what("free", "block before it damaged");
            p[4] = tarn_quick_malloc(q, 2900);
        }
        *tn_tag(gap, gap->head) ^= 64;
        sound(q);
        /* A mark that says a free block comes before where none does. */
        block_of(p[5])->head |= TN_PREV_FREE;
        tarn_quick_free(q, p[4]);
        expect_what("free", "header damaged");
        assert_null(tarn_quick_realloc(q, p[4], 10));
        expect_what("realloc", "header damaged");
        assert_int_equal(tarn_quick_msize(q, p[4]), 0);
        expect_what("msize", "header damaged");
        block_of(p[5])->head &= ~TN_PREV_FREE;
        /* A header too small for any block. */
        gap = block_of(p[4]);
        head = gap->head;
        for (small = 0; small < TN_MIN; small += 8) {
            gap->head = small | TN_USED;
            tarn_quick_free(q, p[4]);
            expect_what("free", "header damaged");
            assert_null(tarn_quick_realloc(q, p[4], 10));
            expect_what("realloc", "header damaged");
            assert_null(tarn_quick_realloc(q, p[4], 10000));
            expect_what("realloc", "header damaged");
        }
        gap->head = head;
        sound(q);
    }
}

/* Realloc sliding down, or taking in the block behind, over damage. */
static void
realloc_over_damage(void **state)
{
    struct tarn_quick *q = heap_of(65536, 0);
    unsigned char *first = tarn_quick_malloc(q, 30000);
    unsigned char *second = tarn_quick_malloc(q, 20000);
    struct tn_block *gap = block_of(first);
    unsigned char *p;

    (void)state;
    memset(second, 0x31, 20000);
    tarn_quick_free(q, first);
    *tn_tag(gap, gap->head) -= 64;
    assert_null(tarn_quick_realloc(q, second, 50000));
    faults = 0;
    assert_int_equal(second[19999], 0x31);
    *tn_tag(gap, gap->head) += 64;
    assert_null(tarn_quick_realloc(q, second, 65500));
    assert_int_equal(faults, 0);
    sound(q);
    /* A checked heap sees that the memory it grows over was written to, and uses it all the same
     * when the panic hook returns. */
    q = heap_of(65536, TARN_QUICK_CHECKED);
    p = tarn_quick_malloc(q, 3000);
    p[3000 + 100] = 1;
    p = tarn_quick_realloc(q, p, 6000);
    assert_non_null(p);
    expect_what("realloc", "free memory was written to");
    assert_int_equal(p[3100], 0);
    sound(q);
    p = tarn_quick_malloc(q, 99);
    p[99] = 1;
    assert_null(tarn_quick_realloc(q, p, 200));
    expect_what("realloc", "written beyond its end");
    assert_int_equal(tarn_quick_msize(q, p), 0);
    expect_what("msize", "written beyond its end");
}

/* What a checked heap looks at before it follows it: links that lead to places a block may be at,
 * and a size before a block that leads to another free one. */
static void
checked_links(void **state)
{
    struct tarn_quick *q = heap_of(65536, TARN_QUICK_CHECKED);
    struct tn_block *first;
    struct tn_block *second;
    unsigned char *p[6];
    tn_word *size;
    int n;

    (void)state;
    for (n = 5; n >= 0; n--) {
        p[n] = tarn_quick_malloc(q, 1000);
    }
    assert_true(p[0] < p[5]);
    tarn_quick_free(q, p[1]);
    tarn_quick_free(q, p[3]);
    first = block_of(p[3]); /* of its bin */
    second = block_of(p[1]);
    assert_ptr_equal(tn_at(q, first->next), second);
    second->prev = tn_link_to(q, block_of(p[5]));
    assert_null(tarn_quick_malloc(q, 1000));
    expect_what("malloc", "free block damaged");
    second->prev = tn_link_to(q, first);
    first->prev = tn_link_to(q, block_of(p[5]));
    assert_null(tarn_quick_malloc(q, 1000));
    expect_what("malloc", "free block damaged");
    first->prev = tn_bin_link(q, tn_bin(first->head));
    sound(q);
    size = tn_tag(block_of(p[4]), 0);
    *size += (tn_word)(p[3] - p[1]);
    tarn_quick_free(q, p[4]);
    expect_what("free", "block before it damaged");
    *size -= (tn_word)(p[3] - p[1]);
    sound(q);
}

/* Blocks of the quick lists, when they are coalesced at last. */
static void
flush_over_damage(void **state)
{
    struct tarn_quick *q = heap_of(65536, 0);
    unsigned char *p[8];
    struct tn_block *behind;
    int n;

    (void)state;
    for (n = 0; n < 8; n++) {
        p[n] = tarn_quick_malloc(q, 40);
    }
    for (n = 1; n < 8; n += 2) {
        tarn_quick_free(q, p[n]);
    }
    behind = tn_after(block_of(p[7]), block_of(p[7])->head & ~TN_FLAGS);
    behind->head |= TN_PREV_FREE;
    tarn_quick_flush(q);
    expect_what("flush", "header damaged");
    behind->head &= ~TN_PREV_FREE;
    tarn_quick_flush(q);
    assert_int_equal(faults, 0);
    sound(q); /* the block it was about stays out of everything */
    q = heap_of(65536, 0);
    for (n = 0; n < 8; n++) {
        p[n] = tarn_quick_malloc(q, 40);
    }
    tarn_quick_free(q, p[3]);
    behind = tn_after(block_of(p[3]), block_of(p[3])->head & ~TN_FLAGS);
    behind->head |= TN_PREV_FREE;
    assert_null(tarn_quick_malloc(q, 65000));
    expect_what("malloc", "header damaged");
    q = heap_of(65536, 0);
    p[0] = tarn_quick_malloc(q, 40);
    tarn_quick_free(q, p[0]);
    block_of(p[0])->head = 0x41414141 | TN_USED | TN_ODD;
    tarn_quick_flush(q);
    expect_what("flush", "header damaged");
}

/* The quick lists find no place when what they would be cut from is damaged, and do without. */
static void
lend_over_damage(void **state)
{
    struct tarn_quick *q = heap_of(65536, 0);
    void *first = tarn_quick_malloc(q, 3000);
    struct tn_block *gap = block_of(first);

    (void)state;
    assert_non_null(tarn_quick_malloc(q, 3000));
    tarn_quick_flush(q);
    assert_int_equal(q->lists, 0);
    tarn_quick_free(q, first);
    *tn_tag(gap, gap->head) ^= 64;
    assert_true(tarn_quick_add(q, memory + 131072, 32768));
    assert_int_equal(q->lists, 0);
    *tn_tag(gap, gap->head) ^= 64;
    sound(q);
    tarn_quick_free(q, tarn_quick_calloc(q, 1, 1));
    assert_true(q->lists != 0);
    sound(q);
}

/* What comes between two holds of the lock: the hook itself does the damage. */
static int countdown;
static tn_word *target;

static uintptr_t
damaging_lock(void *context)
{
    (void)context;
    if (--countdown == 0) {
        *target ^= 64;
    }
    return 0;
}

static void
mallocalign_over_damage(void **state)
{
    struct tarn_quick_hooks own = hooks;
    struct tarn_quick *q;
    struct tn_block *block;

    (void)state;
    own.lock = damaging_lock;
    q = tarn_quick_init(memory, 65536, TARN_QUICK_IMMEDIATE, &own);
    faults = 0;
    countdown = 0;
    assert_non_null(tarn_quick_malloc(q, 100));
    /* What is cut off in front would join the free block before it, whose header is damaged as soon
     * as the block has been taken. */
    block = only_free(q);
    target = &block->head;
    countdown = 2;
    assert_null(tarn_quick_mallocalign(q, 100, 256, 128 + 8, 0));
    expect_what("mallocalign", "block before it damaged");
}

static void
tags_of_what_is_none(void **state)
{
    struct tarn_quick *q = heap_of(65536, TARN_QUICK_TAGS);
    unsigned char *p = tarn_quick_malloc(q, 100);

    (void)state;
    tarn_quick_setmalloctag(q, NULL, 1);
    assert_int_equal(tarn_quick_getmalloctag(q, NULL), 0);
    assert_int_equal(faults, 0);
    tarn_quick_free(q, p);
    tarn_quick_setmalloctag(q, p, 1);
    expect_what("setmalloctag", "already free");
    tarn_quick_setrealloctag(q, p, 1);
    expect_what("setrealloctag", "already free");
    assert_int_equal(tarn_quick_getmalloctag(q, p), 0);
    expect_what("getmalloctag", "already free");
    assert_int_equal(tarn_quick_getrealloctag(q, p), 0);
    expect_what("getrealloctag", "already free");
    /* Odd pointers into a quick block, an odd object, and a plain one. */
    tarn_quick_free(q, p + 1);
    expect_what("free", "not an object's address");
    p = tarn_quick_mallocalign(q, 100, 64, 3, 0);
    tarn_quick_free(q, p + 1);
    expect_what("free", "not an object's address");
    tarn_quick_free(q, p - 1);
    expect_what("free", "not an object's address");
    tarn_quick_free(q, p);
    assert_int_equal(faults, 0);
    sound(q);
}

/* Without a panic hook the program is stopped by a trap. */
static void
trap_without_hook(void **state)
{
    static const struct tarn_quick_hooks none = {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL};
    const struct tarn_quick_hooks *given[] = {NULL, &none};
    size_t i;

    (void)state;
    for (i = 0; i < 2; i++) {
        struct tarn_quick *q = tarn_quick_init(memory, 65536, 0, given[i]);
        void *object = tarn_quick_malloc(q, 100);
        pid_t child = fork();
        int status;

        if (child == 0) {
            die_counted();
            tarn_quick_free(q, object);
            tarn_quick_free(q, object);
            _exit(0);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFSIGNALED(status));
        assert_true(WTERMSIG(status) == SIGILL || WTERMSIG(status) == SIGTRAP);
        /* Calls that go the guarded way have nothing to lock, trace, ask, wait with or print. */
        tarn_quick_free(q, tarn_quick_calloc(q, 10, 10));
        assert_null(tarn_quick_malloc(q, 65536));
        assert_null(tarn_quick_smalloc(q, 65536));
        tarn_quick_summary(q);
        tarn_quick_leaks(q);
        tarn_quick_free(q, object);
        sound(q);
    }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(free_block_written_to),   cmocka_unit_test(neighbour_written_to),
        cmocka_unit_test(realloc_over_damage),     cmocka_unit_test(flush_over_damage),
        cmocka_unit_test(lend_over_damage),        cmocka_unit_test(checked_links),
        cmocka_unit_test(mallocalign_over_damage), cmocka_unit_test(tags_of_what_is_none),
        cmocka_unit_test(trap_without_hook),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
