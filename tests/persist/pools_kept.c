/*
 * Pools in an image: with their live objects found by name after the image was opened again, after
 * a crash, and after a rollback, by the pointer that was kept inside too; constructors are those of
 * the process that is.
 *
 *     pools_kept FILE
 */
#include <tarn/persist.h>
#include <tarn/pool.h>

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define OBJECTS 1000

struct object {
    uint64_t number;
    uint64_t made; /* by the constructor */
};

struct house {
    tarn_pool *pools[2];
    struct object *objects[2][OBJECTS];
};

static const char *const names[] = {"owned", "for all"};
static const unsigned modes[] = {0, TARN_POOL_SHARED};
static const char *path;
static uint64_t mark;

static void
construct(void *object, void *context)
{
    ((struct object *)object)->made = *(const uint64_t *)context;
}

static const struct tarn_pool_options options = {.construct = construct, .context = &mark};

static size_t
live(tarn_pool *pool)
{
    struct tarn_pool_stats stats;
    assert_null(tarn_pool_check(pool));
    tarn_pool_stats(pool, &stats);
    return stats.live;
}

static void
furnish(void)
{
    mark = 77;
    tarn_heap *heap = tarn_create(path, &(tarn_options){.capacity = (size_t)64 << 20});
    struct house *house = tarn_heap_zalloc(heap, sizeof *house);
    tarn_set_root(heap, house);
    for (unsigned p = 0; p < 2; p++) {
        struct tarn_pool_options made = options;
        made.heap = heap;
        made.name = names[p];
        made.flags = modes[p];
        house->pools[p] = tarn_pool_new(sizeof(struct object), &made);
        for (unsigned i = 0; i < OBJECTS; i++) {
            house->objects[p][i] = tarn_pool_alloc(house->pools[p]);
            house->objects[p][i]->number = i;
        }
    }
    if (tarn_commit(heap) != 0) {
        exit(1);
    }
}

static int
in_child(void (*work)(void))
{
    pid_t child = fork();
    if (child == 0) {
        work();
        _exit(0); /* a crash: it does not close */
    }
    int status;
    waitpid(child, &status, 0);
    return status;
}

static void
nothing(void)
{
}

static void
look(const struct house *house, size_t more)
{
    for (unsigned p = 0; p < 2; p++) {
        assert_int_equal(live(house->pools[p]), OBJECTS + more);
        for (unsigned i = 0; i < OBJECTS; i++) {
            assert_int_equal(house->objects[p][i]->number, i);
            assert_int_equal(house->objects[p][i]->made, 77);
        }
    }
}

/* All live objects freed and as many taken: each is one that was constructed, none is given twice.
 */
static void
use(struct house *house, unsigned p)
{
    tarn_pool *pool = house->pools[p];
    for (unsigned i = 0; i < OBJECTS; i++) {
        tarn_pool_free(pool, house->objects[p][i]);
    }
    assert_int_equal(live(pool), 0);
    for (unsigned i = 0; i < OBJECTS; i++) {
        house->objects[p][i] = tarn_pool_alloc(pool);
        house->objects[p][i]->number = i;
    }
    for (unsigned i = 0; i < OBJECTS; i++) {
        assert_int_equal(house->objects[p][i]->number, i);
    }
    assert_int_equal(live(pool), OBJECTS);
}

/* Objects beyond those that have entered are constructed here and now. */
static void
grow(tarn_pool *pool)
{
    static struct object *many[20 * OBJECTS];
    mark = 99;
    unsigned here = 0;
    for (unsigned i = 0; i < 20 * OBJECTS; i++) {
        many[i] = tarn_pool_alloc(pool);
        assert_true(many[i]->made == 77 || many[i]->made == 99);
        here += many[i]->made == 99;
    }
    assert_true(here > OBJECTS);
    for (unsigned i = 0; i < 20 * OBJECTS; i++) {
        tarn_pool_free(pool, many[i]);
    }
}

static tarn_heap *
open_image(void)
{
    tarn_heap *heap = tarn_open(path, NULL);
    if (heap == NULL) {
        fail_msg("%s", tarn_error());
    }
    return heap;
}

static void
found_again(void **state)
{
    (void)state;
    unlink(path);
    assert_int_equal(in_child(furnish), 0);
    for (unsigned round = 0; round < 4; round++) {
        tarn_heap *heap = open_image();
        struct house *house = tarn_root(heap);
        for (unsigned p = 0; p < 2; p++) {
            assert_ptr_equal(tarn_pool_find(heap, names[p], &options), house->pools[p]);
        }
        look(house, 0);
        use(house, round % 2);
        look(house, 0);
        if (round % 2 == 0) {
            grow(house->pools[1]);
            tarn_close_without_commit(heap);
        } else {
            assert_int_equal(tarn_close(heap), 0);
        }
    }
}

/* By the pointer alone, nobody having looked for the pool. */
static void
used_directly(void **state)
{
    (void)state;
    unlink(path);
    assert_int_equal(in_child(furnish), 0);
    tarn_heap *heap = open_image();
    struct house *house = tarn_root(heap);
    look(house, 0);
    use(house, 0);
    use(house, 1);
    tarn_close_without_commit(heap);
}

static void
rolled_back(void **state)
{
    (void)state;
    unlink(path);
    assert_int_equal(in_child(furnish), 0);
    tarn_heap *heap = open_image();
    struct house *house = tarn_root(heap);
    tarn_pool_find(heap, names[0], &options);
    tarn_pool_find(heap, names[1], &options);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned p = 0; p < 2; p++) {
            for (unsigned i = 0; i < OBJECTS / 2; i++) {
                tarn_pool_free(house->pools[p], house->objects[p][2 * i]);
            }
            tarn_pool_alloc(house->pools[p]);
        }
        struct tarn_pool_options lost = {.heap = heap, .name = "lost"};
        assert_non_null(tarn_pool_new(40, &lost));
        assert_int_equal(tarn_rollback(heap), 0);
        house = tarn_root(heap);
        assert_null(tarn_pool_find(heap, "lost", NULL));
        look(house, 0);
        assert_ptr_equal(tarn_pool_find(heap, names[1], NULL), house->pools[1]);
        use(house, 0);
        use(house, 1);
        grow(house->pools[1]); /* the functions are remembered */
        assert_int_equal(tarn_rollback(heap), 0);
        house = tarn_root(heap);
        look(house, 0);
    }
    assert_int_equal(tarn_close(heap), 0);
}

static void *
use_and_end(void *pool)
{
    tarn_pool_free(pool, tarn_pool_alloc(pool));
    return NULL;
}

/* Threads end and a child is made while an image with a shared pool is open for reading. */
static void
read_by_another(void **state)
{
    (void)state;
    unlink(path);
    assert_int_equal(in_child(furnish), 0);
    tarn_heap *heap = tarn_open(path, &(tarn_options){.flags = TARN_READ_ONLY});
    assert_non_null(heap);
    errno = 0;
    assert_null(tarn_pool_find(heap, names[1], &options));
    assert_int_equal(errno, EROFS);
    errno = 0;
    assert_null(tarn_pool_new(40, &(struct tarn_pool_options){.heap = heap}));
    assert_int_equal(errno, EROFS);
    tarn_pool *pool = tarn_pool_new(40, &(struct tarn_pool_options){.flags = TARN_POOL_SHARED});
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, use_and_end, pool), 0);
    pthread_join(thread, NULL);
    assert_int_equal(in_child(nothing), 0);
    const struct house *house = tarn_root(heap);
    assert_int_equal(house->objects[1][OBJECTS - 1]->number, OBJECTS - 1);
    assert_int_equal(tarn_close(heap), 0);
    tarn_pool_close(pool);
}

int
main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: pools_kept FILE\n");
        return 2;
    }
    path = argv[1];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found_again),
        cmocka_unit_test(used_directly),
        cmocka_unit_test(rolled_back),
        cmocka_unit_test(read_by_another),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
