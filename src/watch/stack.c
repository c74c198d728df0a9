/*
 * glibc's backtrace walks by libgcc_s's unwinder, which it loads at its first call, made here when
 * nobody is inside malloc. From then on a walk takes no lock: libgcc finds unwinding tables by
 * _dl_find_object (glibc 2.35); with an older one, by dl_iterate_phdr, whose lock is recursive and
 * never held by us together with one of ours.
 */
#define _GNU_SOURCE
#include "watch/stack.h"

#include "heap/sample.h"
#include "tarn/tarn.h"
#include "watch/modules.h"

#include <string.h>

#if __has_include(<execinfo.h>)
#    include <execinfo.h>
/* An archive made with glibc's headers can be linked on musl, which has no backtrace. A program
 * that is wholly static takes it from libc.a only when told to: -Wl,-u,backtrace. */
#    pragma weak backtrace
#    define HAS_BACKTRACE (&backtrace != NULL)
#else /* musl: the unwinder, where the program has it */
#    include <unwind.h>
#    define HAS_BACKTRACE true
extern _Unwind_Reason_Code _Unwind_Backtrace(_Unwind_Trace_Fn step, void *context)
    __attribute__((weak));
extern _Unwind_Ptr _Unwind_GetIP(struct _Unwind_Context *context) __attribute__((weak));

struct walk {
    void **frames;
    int count;
    int most;
};

static _Unwind_Reason_Code
step(struct _Unwind_Context *context, void *argument)
{
    struct walk *walk = argument;
    if (walk->count == walk->most) {
        return _URC_END_OF_STACK;
    }
    walk->frames[walk->count++] = (void *)(uintptr_t)_Unwind_GetIP(context);
    return _URC_NO_REASON;
}

static int
backtrace(void **frames, int most)
{
    struct walk walk = {frames, 0, most};
    if (_Unwind_Backtrace != NULL) {
        _Unwind_Backtrace(step, &walk);
    }
    return walk.count;
}
#endif

#define OWN_MOST 12u /* frames of ours */

/* Tests link the engine without its surface. */
#pragma weak tarn_malloc
#pragma weak tarn_version

static uintptr_t own_start;
static uintptr_t own_end;

/* Where our code lies: all of the library, or, linked into a program, from the first to the last of
 * some functions from all over it. */
static void
find_own(void)
{
    const uintptr_t some[] = {
        (uintptr_t)tn_stack_look,  (uintptr_t)tn_sample_class, (uintptr_t)tn_malloc_counted,
        (uintptr_t)tn_cache_init,  (uintptr_t)tarn_malloc,     (uintptr_t)tarn_version,
        (uintptr_t)tn_stack_ready,
    };
    own_start = some[0];
    own_end = some[0];
    for (size_t i = 1; i < sizeof some / sizeof *some; i++) {
        if (some[i] != 0) {
            own_start = some[i] < own_start ? some[i] : own_start;
            own_end = some[i] > own_end ? some[i] : own_end;
        }
    }
    own_end += 256;
    struct tn_out modules = {0};
    tn_modules(&modules);
    const struct tn_module *own = tn_module_of(&modules, some[0]);
    if (own != NULL && (const void *)own != modules.bytes) { /* the first is the program's */
        own_start = own->start;
        own_end = own->end;
    }
    tn_out_drop(&modules);
}

bool
tn_stack_ready(void)
{
    void *frames[4];
    if (own_end == 0) {
        find_own();
    }
    return HAS_BACKTRACE && backtrace(frames, 4) > 0;
}

unsigned
tn_stack_look(void **frames, unsigned most)
{
    void *all[TN_STACK_MOST + OWN_MOST];
    int got = backtrace(all, (int)(sizeof all / sizeof *all));
    unsigned count = got > 0 ? (unsigned)got : 0;
    unsigned own = 0;
    for (unsigned i = 0; i < count && i < OWN_MOST; i++) {
        if ((uintptr_t)all[i] - own_start < own_end - own_start) {
            own = i + 1; /* inner ones are ours too: parts that the compiler moved elsewhere */
        }
    }
    count -= own;
    count = count < most ? count : most;
    memcpy(frames, all + own, count * sizeof *frames);
    return count;
}
