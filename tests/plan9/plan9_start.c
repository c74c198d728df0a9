/* Runs kernelmain with no libc below: the entry point, and the exit and write calls of
 * Linux. */
#include "plan9_start.h"

#include "lib.h"

void _start(void);

static _Alignas(16) unsigned char memory[256 * 1024];

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

struct tarn_quick_hooks plan9_hooks = {NULL, NULL, NULL, panic, NULL, NULL, print, NULL};

static void
failed_at(int line)
{
    char text[] = "FAILED at line 0000\n";
    char *digit = text + sizeof text - 3;

    for (; line != 0; line /= 10) {
        *digit-- = (char)('0' + line % 10);
    }
    print(NULL, text, sizeof text - 1);
}

#if defined(__x86_64__)
__attribute__((force_align_arg_pointer))
#endif
void
_start(void)
{
    int line;

    plan9_memory(memory, sizeof memory, PLAN9_OPTIONS, &plan9_hooks);
    mallocinit();
    line = kernelmain();
    if (line != 0) {
        failed_at(line);
    }
    (void)system_call(0, line != 0, 0, 0);
    for (;;) {
    }
}
