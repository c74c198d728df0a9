/* Runs kernelmain with no libc below: the entry point, the exit and write calls of Linux, and the
 * four functions a freestanding compiler may call. */
#include "lib.h"

#include "tarn/quick.h"

void _start(void);
int kernelmain(void);
void *memcpy(void *to, const void *from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int byte, size_t size);
int memcmp(const void *a, const void *b, size_t size);

static _Alignas(16) unsigned char memory[256 * 1024];

#pragma GCC push_options
#pragma GCC optimize("no-tree-loop-distribute-patterns")
void *
memcpy(void *to, const void *from, size_t size)
{
    size_t i;

    for (i = 0; i < size; i++) {
        ((unsigned char *)to)[i] = ((const unsigned char *)from)[i];
    }
    return to;
}

void *
memmove(void *to, const void *from, size_t size)
{
    size_t i;

    if ((uintptr_t)to < (uintptr_t)from) {
        return memcpy(to, from, size);
    }
    for (i = size; i > 0; i--) {
        ((unsigned char *)to)[i - 1] = ((const unsigned char *)from)[i - 1];
    }
    return to;
}

void *
memset(void *to, int byte, size_t size)
{
    size_t i;

    for (i = 0; i < size; i++) {
        ((unsigned char *)to)[i] = (unsigned char)byte;
    }
    return to;
}

int
memcmp(const void *a, const void *b, size_t size)
{
    size_t i;

    for (i = 0; i < size; i++) {
        int difference = ((const unsigned char *)a)[i] - ((const unsigned char *)b)[i];

        if (difference != 0) {
            return difference;
        }
    }
    return 0;
}
#pragma GCC pop_options

static long
system_call(long number, long a, long b, long c)
{
#if defined(__x86_64__)
    long result;

    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number == 0 ? 60 : 1), "D"(a), "S"(b), "d"(c)
                     : "rcx", "r11", "memory");
    return result;
#else
    register long x8 __asm__("x8") = number == 0 ? 94 : 64;
    register long x0 __asm__("x0") = a;
    register long x1 __asm__("x1") = b;
    register long x2 __asm__("x2") = c;

    __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2) : "memory");
    return x0;
#endif
}

static void
print(void *context, const char *text, size_t length)
{
    (void)context;
    (void)system_call(1, 1, (long)(uintptr_t)text, (long)length);
}

static void
panic(void *context, const struct tarn_quick_fault *fault)
{
    (void)context;
    (void)fault;
    (void)system_call(0, 255, 0, 0);
}

static const struct tarn_quick_hooks hooks = {NULL, NULL, NULL, panic, NULL, NULL, print, NULL};

#if defined(__x86_64__)
__attribute__((force_align_arg_pointer))
#endif
void
_start(void)
{
    int line;

    plan9_memory(memory, sizeof memory, TARN_QUICK_TAGS, &hooks);
    mallocinit();
    line = kernelmain();
    (void)system_call(0, line > 254 ? 254 : line, 0, 0);
    for (;;) {
    }
}
