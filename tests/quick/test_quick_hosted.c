/* The hooks for programs under an operating system, and the default heap. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "quick_fixture.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Runs `child` in a process of its own; what it wrote on `stream` is in `text`. Returns its status.
 */
static int
apart(void (*child)(struct tarn_quick *q), int stream, char *text, size_t size)
{
    int ends[2];
    size_t length = 0;
    ssize_t more;
    int status;
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    (void)fflush(stdout);
    pid = fork();
    if (pid == 0) {
        die_counted();
        (void)dup2(ends[1], stream);
        child(tarn_quick_init(memory, 65536, TARN_QUICK_TAGS, &tarn_quick_hosted));
        (void)fflush(stdout);
        _exit(0);
    }
    (void)close(ends[1]);
    while ((more = read(ends[0], text + length, size - 1 - length)) > 0) {
        length += (size_t)more;
    }
    text[length] = '\0';
    (void)close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void
free_twice(struct tarn_quick *q)
{
    void *object = tarn_quick_malloc(q, 10);

    tarn_quick_free(q, object);
    tarn_quick_free(q, object);
}

static void
print_summary(struct tarn_quick *q)
{
    tarn_quick_setmalloctag(q, tarn_quick_malloc(q, 10), 0xab);
    tarn_quick_summary(q);
    tarn_quick_leaks(q);
}

static void
panic_and_print(void **state)
{
    char text[4096];
    int status = apart(free_twice, 2, text, sizeof text);

    (void)state;
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(text, "tarn: free(0x"));
    assert_non_null(strstr(text, "): already free, or not an object's address (tag 0)\n"));
    status = apart(print_summary, 1, text, sizeof text);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    assert_non_null(strstr(text, "in use by 1 objects"));
    assert_non_null(strstr(text, "tag 0xab: 1 objects"));
}

struct helper {
    struct tarn_quick *q;
    void *object[64];
    unsigned rounds;
};

static void *
allocate_and_free(void *context)
{
    struct helper *h = context;
    unsigned i;

    for (i = 0; i < h->rounds; i++) {
        void **object = &h->object[i * 7 % 64];

        tarn_quick_free(h->q, *object);
        *object = tarn_quick_malloc(h->q, i % 500);
    }
    for (i = 0; i < 64; i++) {
        tarn_quick_free(h->q, h->object[i]);
    }
    return NULL;
}

static void
lock_among_threads(void **state)
{
    struct helper helper[3];
    pthread_t thread[3];
    int i;

    (void)state;
    memset(helper, 0, sizeof helper);
    for (i = 0; i < 3; i++) {
        helper[i].q = i == 0 ? tarn_quick_init(memory, 262144, 0, &tarn_quick_hosted) : helper[0].q;
        helper[i].rounds = 20000;
        assert_int_equal(pthread_create(&thread[i], NULL, allocate_and_free, &helper[i]), 0);
    }
    for (i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(thread[i], NULL), 0);
    }
    tarn_quick_flush(helper[0].q);
    sound(helper[0].q);
}

static void *
give_up_later(void *context)
{
    struct helper *h = context;

    (void)usleep(20000);
    tarn_quick_free(h->q, h->object[0]);
    return NULL;
}

static void
smalloc_sleeps(void **state)
{
    struct helper h;
    pthread_t thread;
    unsigned char *object;

    (void)state;
    h.q = tarn_quick_init(memory, 65536, 0, &tarn_quick_hosted);
    h.object[0] = tarn_quick_malloc(h.q, 60000);
    assert_non_null(h.object[0]);
    assert_int_equal(pthread_create(&thread, NULL, give_up_later, &h), 0);
    object = tarn_quick_smalloc(h.q, 50000);
    assert_non_null(object);
    assert_int_equal(object[49999], 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    sound(h.q);
}

/* Aligned for any type, whatever the options. */
static void
default_heap(void **state)
{
    size_t i;

    (void)state;
    assert_null(tarn_quick_default());
    tarn_quick_default_init(memory, 65536, 0, &hooks);
    assert_non_null(tarn_quick_default());
    for (i = 0; i < 300; i++) {
        uintptr_t object = (uintptr_t)tarn_quick_malloc(tarn_quick_default(), i);

        assert_true(object != 0 && object % _Alignof(long double) == 0);
    }
    sound(tarn_quick_default());
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(panic_and_print),
        cmocka_unit_test(lock_among_threads),
        cmocka_unit_test(smalloc_sleeps),
        cmocka_unit_test(default_heap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
