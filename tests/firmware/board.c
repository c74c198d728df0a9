/* What the image needs of its board: vectors, start and semihosting. */
#include "board.h"

extern unsigned char bss_start[];
extern unsigned char bss_end[];
extern unsigned char stack_top[];

static uint64_t program_stack[1024];

void reset(void);
void fault(void);
void switch_task(void);

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    stack_top,
    (void *)reset,
    (void *)fault,
    (void *)fault,
    (void *)fault,
    (void *)fault,
    (void *)fault,
    0,
    0,
    0,
    0,
    (void *)fault,
    0,
    0,
    (void *)switch_task,
    (void *)tick,
};

long
semihost(long operation, const void *argument)
{
    register long r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;

    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void
say(const char *text)
{
    (void)semihost(4, text);
}

void
leave(int code)
{
    /* SYS_EXIT_EXTENDED: ADP_Stopped_ApplicationExit and the code. */
    const long block[2] = {0x20026, code};

    for (;;) {
        (void)semihost(0x20, block);
    }
}

void
fault(void)
{
    say("FAILED: processor fault\n");
    leave(3);
}

void
reset(void)
{
    unsigned char *byte;

    for (byte = bss_start; byte < bss_end; byte++) {
        *byte = 0;
    }
    /* Interrupts keep the main stack, the program gets one of its own. */
    __asm__ volatile(
        "msr psp, %0\n\tmov r0, #2\n\tmsr control, r0\n\tisb\n\tbl firmware_main\n\tb leave" ::"r"(
            program_stack + sizeof program_stack / sizeof *program_stack)
        : "r0", "memory");
}
