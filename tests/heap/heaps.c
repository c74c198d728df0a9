/* First-class heaps against a plain reference: random operations on several heaps at once, in their
 * own address range and in buffers; contents stamped, walks counted, invariants checked. */
#include "tarn/heap.h"
#include "tarn/stats.h"
#include "tarn/tarn.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEAPS  4
#define BLOCKS 4000

struct block {
    unsigned char *at;
    size_t size;
};

struct subject {
    tarn_heap *heap;
    void *buffer;
    struct block blocks[BLOCKS];
    size_t live;
};

static uint64_t state = 88172645463325252u;

static uint64_t
next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static size_t
random_size(void)
{
    switch (next() % 16) {
    case 0:
        return next() % 200000;
    case 1:
    case 2:
        return next() % 20000;
    default:
        return next() % 600;
    }
}

static void
stamp(struct block *block)
{
    memset(block->at, (int)(block->size * 31 + 7) & 0xff, block->size);
}

static void
verify(const struct block *block, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        assert_int_equal(block->at[i], (block->size * 31 + 7) & 0xff);
    }
}

static bool
count(void *context, void *block, size_t size)
{
    size_t *counted = context;
    assert_non_null(block);
    counted[0]++;
    counted[1] += size;
    return true;
}

/* By state: blocks, and bytes of slabs. */
struct census {
    size_t blocks[3];
    size_t slab_bytes[3];
    const char *last;
};

static bool
take_census(void *context, const struct tarn_block *block)
{
    struct census *census = context;
    assert_true(census->last <= (const char *)block->start);
    census->last = (const char *)block->start + block->size;
    census->blocks[block->state]++;
    census->slab_bytes[block->state] += block->class_size;
    if (block->class_size != 0) {
        assert_true(block->size <= block->class_size);
        assert_int_equal(block->class_size, tarn_good_size(block->class_size));
    } else {
        assert_int_equal(block->state, TARN_BLOCK_LIVE);
    }
    return true;
}

static bool
stop_at_once(void *context, const struct tarn_block *block)
{
    (void)block;
    ++*(int *)context;
    return false;
}

static void
check(struct subject *subject)
{
    size_t counted[2] = {0, 0};
    struct census census = {.last = NULL};
    int visits = 0;
    assert_null(tarn_heap_check(subject->heap));
    assert_true(tarn_heap_walk(subject->heap, count, counted));
    assert_int_equal(counted[0], subject->live);
    assert_true(tarn_heap_walk_all(subject->heap, take_census, &census));
    assert_int_equal(census.blocks[TARN_BLOCK_LIVE], subject->live);
    if (subject->live != 0) {
        assert_false(tarn_heap_walk_all(subject->heap, stop_at_once, &visits));
        assert_int_equal(visits, 1);
    }
}

static void
drop(struct subject *subject, struct block *block)
{
    verify(block, block->size);
    if (next() % 4 == 0) {
        tarn_free(block->at);
    } else {
        tarn_heap_free(subject->heap, block->at);
    }
    block->at = NULL;
    subject->live--;
}

static void
step(struct subject *subject)
{
    struct block *block = &subject->blocks[next() % BLOCKS];
    size_t size = random_size();
    if (block->at == NULL) {
        block->at = next() % 8 == 0 ? tarn_heap_zalloc(subject->heap, size)
                                    : tarn_heap_malloc(subject->heap, size);
        if (block->at != NULL) {
            assert_ptr_equal(tarn_heap_of(block->at), subject->heap);
            assert_true(tarn_usable_size(block->at) >= size);
            block->size = size;
            stamp(block);
            subject->live++;
        } else {
            assert_non_null(subject->buffer); /* only a buffer may be full */
        }
    } else if (next() % 3 == 0 && size != 0) {
        unsigned char *moved = tarn_heap_realloc(subject->heap, block->at, size);
        if (moved != NULL) {
            block->at = moved;
            verify(block, size < block->size ? size : block->size);
            block->size = size;
            stamp(block);
        }
    } else {
        drop(subject, block);
    }
}

static void
open_subject(struct subject *subject, bool in_buffer)
{
    memset(subject, 0, sizeof *subject);
    if (in_buffer) {
        size_t size = TARN_HEAP_BUFFER_LEAST + next() % (8u << 20);
        subject->buffer = malloc(size);
        assert_non_null(subject->buffer);
        memset(subject->buffer, 0xa5, size);
        subject->heap = tarn_heap_new_in(subject->buffer, size);
    } else {
        subject->heap = tarn_heap_new();
    }
    assert_non_null(subject->heap);
}

static void
test_model(void **unused)
{
    (void)unused;
    struct subject *subjects = calloc(HEAPS, sizeof *subjects);
    assert_non_null(subjects);
    for (unsigned i = 0; i < HEAPS; i++) {
        open_subject(&subjects[i], i % 2 == 1);
    }
    for (unsigned round = 0; round < 60; round++) {
        for (unsigned i = 0; i < 6000; i++) {
            step(&subjects[next() % HEAPS]);
        }
        struct subject *subject = &subjects[round % HEAPS];
        check(subject);
        if (round % 7 == 3) {
            tarn_heap_trim(subject->heap);
            check(subject);
        }
        if (round % 10 == 9) { /* all at once */
            bool in_buffer = subject->buffer != NULL;
            tarn_heap_destroy(subject->heap);
            free(subject->buffer);
            open_subject(subject, in_buffer);
        }
    }
    for (unsigned i = 0; i < HEAPS; i++) {
        for (unsigned k = 0; k < BLOCKS; k++) {
            if (subjects[i].blocks[k].at != NULL) {
                drop(&subjects[i], &subjects[i].blocks[k]);
            }
        }
        check(&subjects[i]);
        tarn_heap_destroy(subjects[i].heap);
        free(subjects[i].buffer);
    }
    free(subjects);
}

static void
test_small_buffer(void **unused)
{
    (void)unused;
    char *buffer = malloc(TARN_HEAP_BUFFER_LEAST);
    assert_non_null(buffer);
    assert_null(tarn_heap_new_in(buffer, TARN_HEAP_BUFFER_LEAST / 4));
    tarn_heap *heap = tarn_heap_new_in(buffer, TARN_HEAP_BUFFER_LEAST);
    assert_non_null(heap);
    size_t got = 0;
    while (tarn_heap_malloc(heap, 100) != NULL) {
        got++;
    }
    assert_true(got > 500); /* at least one slab of 112-byte blocks */
    assert_null(tarn_heap_check(heap));
    tarn_heap_destroy(heap);
    free(buffer);
}

/* Blocks of no bytes have addresses of their own, however far they are aligned. */
static void
test_aligned_of_no_bytes(void **unused)
{
    (void)unused;
    tarn_heap *heap = tarn_heap_new();
    for (size_t align = 1; align <= 1u << 22; align *= 2) {
        void *first = tarn_heap_aligned_alloc(heap, align, 0);
        void *second = tarn_heap_aligned_alloc(heap, align, 0);
        assert_non_null(first);
        assert_non_null(second);
        assert_ptr_not_equal(first, second);
        assert_int_equal((uintptr_t)first % align, 0);
        assert_null(tarn_heap_check(heap));
        tarn_heap_free(heap, first);
        tarn_heap_free(heap, second);
        assert_null(tarn_heap_check(heap));
    }
    tarn_heap_destroy(heap);
}

/* A block that begins far inside its slices, where the descriptor says what was there before. */
static void
test_realloc_at_offset(void **unused)
{
    (void)unused;
    const size_t mebi = (size_t)1 << 20;
    for (size_t far = 1; far < 16; far += 2) {
        char *region = tarn_malloc(20 * mebi);
        tarn_free(region);
        char *before = tarn_malloc(far << 16);
        char *block = tarn_malloc(13 * mebi);
        tarn_free(before);
        tarn_free(block);
        block = tarn_aligned_alloc_at(mebi, 11 * mebi, (far << 16) + 8);
        char *behind = tarn_malloc(70000);
        assert_non_null(block);
        assert_non_null(behind);
        memset(block, 0x11, 11 * mebi);
        block = tarn_realloc(block, 40 * mebi);
        assert_non_null(block);
        for (size_t i = 0; i < 11 * mebi; i += 8) {
            assert_int_equal(block[i], 0x11);
        }
        tarn_free(block);
        tarn_free(behind);
    }
}

static void
test_expand_and_offset(void **unused)
{
    (void)unused;
    for (size_t align = 8; align <= 1u << 22; align *= 2) {
        for (size_t offset = 0; offset < 3 * align && offset < 100000; offset += align / 2 + 8) {
            char *block = tarn_aligned_alloc_at(align, offset + 50, offset);
            assert_non_null(block);
            assert_int_equal(((uintptr_t)block + offset) % align, 0);
            memset(block, 1, offset + 50);
            assert_true(tarn_usable_size(block) >= offset + 50);
            tarn_free(block);
        }
    }
    char *small = tarn_malloc(100);
    assert_true(tarn_expand(small, tarn_usable_size(small)));
    assert_false(tarn_expand(small, tarn_usable_size(small) + 1));
    tarn_free(small);
    char *volatile kept = tarn_malloc(1u << 20); /* the compiler knows the size it had */
    char *large = kept;
    assert_non_null(large);
    memset(large, 3, 1u << 20);
    if (tarn_expand(large, 8u << 20)) {
        large = kept;
        assert_int_equal(large[(1u << 20) - 1], 3);
        memset(large, 4, 8u << 20);
        assert_true(tarn_expand(large, 200000));
        assert_int_equal(large[199999], 4);
    }
    assert_true(tarn_expand(large, 120));
    assert_true(tarn_usable_size(large) >= 120);
    tarn_free(large);
}

struct turn {
    tarn_heap *heap;
    char *blocks[40];
};

static void *
take_some(void *opaque)
{
    struct turn *turn = opaque;
    for (size_t i = 0; i < sizeof turn->blocks / sizeof turn->blocks[0]; i++) {
        turn->blocks[i] = tarn_heap_malloc(turn->heap, 48);
    }
    return NULL;
}

/* What a thread leaves half used the next one goes on with; what both have left, trim gives back.
 */
static void
test_threads_in_turn(void **unused)
{
    (void)unused;
    struct turn turns[6] = {{.heap = NULL}};
    const size_t count = sizeof turns / sizeof turns[0];
    const size_t blocks = sizeof turns[0].blocks / sizeof turns[0].blocks[0];
    tarn_heap *heap = tarn_heap_new();
    assert_non_null(heap);
    for (size_t i = 0; i < count; i++) {
        pthread_t thread;
        turns[i].heap = heap;
        assert_int_equal(pthread_create(&thread, NULL, take_some, &turns[i]), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_null(tarn_heap_check(heap));
    }
    struct tarn_stats stats = {.size = sizeof stats};
    assert_true(tarn_heap_stats(heap, &stats) != 0);
    assert_int_equal(stats.live_blocks, count * blocks);
    for (size_t i = 0; i < stats.class_count; i++) {
        assert_int_equal(stats.classes[i].slabs, stats.classes[i].size == 48);
    }
    for (size_t i = 0; i < count * blocks; i++) {
        tarn_heap_free(heap, turns[i / blocks].blocks[i % blocks]);
    }
    assert_null(tarn_heap_check(heap));
    tarn_heap_trim(heap);
    assert_true(tarn_heap_stats(heap, &stats) != 0);
    assert_int_equal(stats.live_blocks, 0);
    assert_int_equal(stats.slab_free_bytes, 0);
    tarn_heap_destroy(heap);
}

struct expected {
    char *freed;
    char *large;
    size_t states[3]; /* of blocks of 112 bytes */
    unsigned met;
};

static bool
compare(void *context, const struct tarn_block *block)
{
    struct expected *expected = context;
    if (block->class_size == 112) {
        expected->states[block->state]++;
    }
    if (block->start == expected->freed) {
        assert_int_equal(block->state, TARN_BLOCK_FREE);
        expected->met++;
    }
    if (block->start == expected->large) {
        assert_int_equal(block->state, TARN_BLOCK_LIVE);
        assert_int_equal(block->class_size, 0);
        assert_true(block->size >= 300000);
        expected->met++;
    }
    return true;
}

/* A slab of fresh memory is carved by pages: the rest of the first is free, all beyond untouched.
 */
static void
test_states(void **unused)
{
    (void)unused;
    tarn_heap *heap = tarn_heap_new();
    assert_non_null(heap);
    struct expected expected = {.freed = tarn_heap_malloc(heap, 100)};
    assert_non_null(expected.freed);
    assert_non_null(tarn_heap_malloc(heap, 100));
    expected.large = tarn_heap_malloc(heap, 300000);
    assert_non_null(expected.large);
    tarn_heap_free(heap, expected.freed);
    assert_true(tarn_heap_walk_all(heap, compare, &expected));
    assert_int_equal(expected.met, 2);
    assert_int_equal(expected.states[TARN_BLOCK_LIVE], 1);
    assert_int_equal(expected.states[TARN_BLOCK_FREE], 4096 / 112);
    assert_int_equal(expected.states[TARN_BLOCK_UNTOUCHED], 65536 / 112 - 4096 / 112 - 1);
    tarn_heap_destroy(heap);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_small_buffer),
        cmocka_unit_test(test_aligned_of_no_bytes),
        cmocka_unit_test(test_realloc_at_offset),
        cmocka_unit_test(test_expand_and_offset),
        cmocka_unit_test(test_threads_in_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
