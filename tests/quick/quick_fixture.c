#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "quick_fixture.h"

#include <signal.h>
#include <string.h>

_Alignas(64) unsigned char memory[MEMORY_SIZE];
struct tarn_quick_fault fault;
int faults;
char printed[8192];
size_t printed_length;

static void
on_panic(void *context, const struct tarn_quick_fault *what)
{
    (void)context;
    fault = *what;
    faults++;
}

static void
on_print(void *context, const char *text, size_t length)
{
    (void)context;
    assert_true(printed_length + length < sizeof printed);
    memcpy(printed + printed_length, text, length);
    printed_length += length;
    printed[printed_length] = '\0';
}

const struct tarn_quick_hooks hooks = {NULL, NULL, NULL, on_panic, NULL, NULL, on_print, NULL};

struct tarn_quick *
heap_of(size_t size, unsigned options)
{
    struct tarn_quick *q;

    memset(memory, 0xee, sizeof memory);
    faults = 0;
    printed_length = 0;
    q = tarn_quick_init(memory, size, options, &hooks);
    assert_non_null(q);
    return q;
}

extern void __gcov_dump(void) __attribute__((weak));

static void
on_end(int number)
{
    if (__gcov_dump != NULL) {
        __gcov_dump();
    }
    (void)signal(number, SIG_DFL);
    (void)raise(number);
}

void
die_counted(void)
{
    (void)signal(SIGILL, on_end);
    (void)signal(SIGTRAP, on_end);
    (void)signal(SIGABRT, on_end);
}

void
sound(struct tarn_quick *q)
{
    const char *broken = tarn_quick_check(q, NULL);

    if (broken != NULL) {
        fail_msg("%s", broken);
    }
}

void
expect_fault(const char *function, const void *pointer)
{
    assert_int_equal(faults, 1);
    assert_string_equal(fault.function, function);
    assert_ptr_equal(fault.pointer, pointer);
    faults = 0;
}
