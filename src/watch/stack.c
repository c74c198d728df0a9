/*
 * The stack is walked by the compiler's unwinder, libgcc_s's or what the program has in its place,
 * found and loaded before the first walk, when nobody is inside malloc. From then on a walk takes
 * no lock: libgcc finds unwinding tables by _dl_find_object (glibc 2.35); with an older one, by
 * dl_iterate_phdr, whose lock is recursive and never held by us together with one of ours. An
 * archive in a program without an unwinder asks glibc's backtrace, which loads one for itself.
 *
 * It interprets tables at every frame. On x86-64 most frames are as large whenever the same
 * instruction is about to run in them: what the unwinder found of those is kept, by that
 * instruction, and the stack walked by adding sizes, as long as every return address that turns up
 * is a known one. (The way of libunwind's fast trace, whose rules come from the tables themselves.)
 */
#define _GNU_SOURCE
#include "watch/stack.h"

#include "base/bits.h"
#include "base/random.h"
#include "heap/fast.h"
#include "heap/sample.h"
#include "tarn/tarn.h"
#include "watch/modules.h"

#include <string.h>
#include <unwind.h>

#define OWN_MOST 12u /* frames of ours */
#define MOST     (TN_STACK_MOST + OWN_MOST)

/* A wholly static program has them, and backtrace, only when told to: -Wl,-u,backtrace. */
#pragma weak _Unwind_Backtrace
#pragma weak _Unwind_GetIPInfo
#pragma weak _Unwind_GetCFA
#pragma weak _Unwind_GetGR
#pragma weak backtrace
int backtrace(void **frames, int most);

static struct {
    __typeof__(&_Unwind_Backtrace) begin;
    __typeof__(&_Unwind_GetIPInfo) address;
    __typeof__(&_Unwind_GetCFA) stack;
    __typeof__(&_Unwind_GetGR) reg;
} unwinder;

static void
find_unwinder(void)
{
    if (&_Unwind_Backtrace != NULL) {
        unwinder.begin = &_Unwind_Backtrace;
        unwinder.address = &_Unwind_GetIPInfo;
        unwinder.stack = &_Unwind_GetCFA;
        unwinder.reg = &_Unwind_GetGR;
    } else if (&tn_unwinder_symbol != NULL) {
        *(void **)&unwinder.address = tn_unwinder_symbol("_Unwind_GetIPInfo");
        *(void **)&unwinder.stack = tn_unwinder_symbol("_Unwind_GetCFA");
        *(void **)&unwinder.reg = tn_unwinder_symbol("_Unwind_GetGR");
        *(void **)&unwinder.begin = tn_unwinder_symbol("_Unwind_Backtrace");
    }
}

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
        (uintptr_t)tn_stack_look,  (uintptr_t)tn_sample_class, (uintptr_t)tn_malloc_slow,
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

/* What the unwinder tells of a frame. */
struct frame {
    uintptr_t address; /* what runs next in it */
    uintptr_t stack;   /* the stack's pointer then */
    uintptr_t base;    /* what is in the register that frames of changing size are found by */
    bool interrupted;  /* by a signal, whose frame is the one before */
};

struct walk {
    void **frames;
    unsigned count;
    struct frame last;
    uintptr_t missed; /* where on the stack a frame is that is not known; further in none is looked
                         up. UINTPTR_MAX: the unwinder is to see all */
};

#ifdef __x86_64__
/* How large the frames of an instruction are, in words: the address above, the size below. */
#    define STRIDES     4096u
#    define STRIDE_BITS 16
#    define STRIDE_END  0xffffu /* no frame beyond */
#    define CHECK_EVERY 64u     /* walks */

static _Atomic uint64_t strides[STRIDES];
static _Atomic unsigned walks;

static _Atomic uint64_t *
place_of(uintptr_t address)
{
    return &strides[tn_mix(address) % STRIDES];
}

static void
keep(uintptr_t address, size_t words)
{
    if (address >> (64 - STRIDE_BITS) == 0) {
        atomic_store_explicit(place_of(address), (uint64_t)address << STRIDE_BITS | words,
                              memory_order_relaxed);
    }
}

/* A frame that grows while it runs has its base's address in the register, which then points into
 * it; then, and where a signal came in between, its size is not its instruction's alone. */
static void
learn(const struct frame *frame, const struct frame *next)
{
    size_t size = next->stack - frame->stack;
    if (!frame->interrupted && !next->interrupted && next->stack > frame->stack && size % 8 == 0 &&
        size / 8 < STRIDE_END && frame->base - frame->stack >= size &&
        ((const uintptr_t *)next->stack)[-1] == next->address) {
        keep(frame->address, size / 8);
    }
}

static void
learn_last(const struct frame *frame)
{
    if (!frame->interrupted) {
        keep(frame->address, STRIDE_END);
    }
}

/* From a frame outwards to the last. False: one on the way is not known. */
static bool
stride(struct walk *walk, uintptr_t address, uintptr_t stack)
{
    unsigned count = walk->count;
    while (count < MOST) {
        uint64_t known = atomic_load_explicit(place_of(address), memory_order_relaxed);
        size_t words = known & STRIDE_END;
        if (known >> STRIDE_BITS != address) {
            walk->missed = stack;
            return false;
        }
        walk->frames[count++] = (void *)address;
        if (words == STRIDE_END) {
            break;
        }
        stack += words * sizeof(uintptr_t);
        address = ((const uintptr_t *)stack)[-1];
    }
    walk->count = count;
    return true;
}

#else
static void
learn(const struct frame *frame, const struct frame *next)
{
    (void)frame;
    (void)next;
}

static void
learn_last(const struct frame *frame)
{
    (void)frame;
}

static bool
stride(struct walk *walk, uintptr_t address, uintptr_t stack)
{
    (void)walk;
    (void)address;
    (void)stack;
    return false;
}
#endif

static _Unwind_Reason_Code
step(struct _Unwind_Context *context, void *argument)
{
    struct walk *walk = argument;
    if (walk->count == MOST) {
        return _URC_NORMAL_STOP;
    }
    int interrupted = 0;
    struct frame frame = {.address = unwinder.address(context, &interrupted)};
    if (frame.address == 0) { /* beyond the first function of all */
        return _URC_NORMAL_STOP;
    }
    frame.interrupted = interrupted != 0;
#ifdef __x86_64__
    frame.stack = unwinder.stack(context);
    frame.base = unwinder.reg(context, 6); /* rbp */
#endif
    if (walk->count != 0) {
        learn(&walk->last, &frame);
    }
    walk->last.address = 0;
    if (!frame.interrupted && frame.stack > walk->missed &&
        stride(walk, frame.address, frame.stack)) {
        return _URC_NORMAL_STOP;
    }
    walk->frames[walk->count++] = (void *)frame.address;
    walk->last = frame;
    return _URC_NO_REASON;
}

static void
unwind(struct walk *walk)
{
    walk->count = 0;
    walk->last.address = 0;
    if (unwinder.begin != NULL) {
        unwinder.begin(step, walk);
    } else if (&backtrace != NULL) {
        int count = backtrace(walk->frames, MOST);
        walk->count = count > 0 ? (unsigned)count : 0;
    }
    if (walk->last.address != 0 && walk->count < MOST) {
        learn_last(&walk->last);
    }
}

bool
tn_stack_ready(void)
{
    void *frames[MOST];
    struct walk walk = {.frames = frames, .missed = UINTPTR_MAX};
    if (own_end == 0) {
        find_own();
    }
    if (unwinder.begin == NULL) {
        find_unwinder();
    }
    unwind(&walk);
    return walk.count > 0;
}

/* Frames of ours; inner ones are ours too: parts that the compiler moved elsewhere. */
static unsigned
own_frames(void *const *frames, unsigned count)
{
    unsigned own = 0;
    for (unsigned i = 0; i < count && i < OWN_MOST; i++) {
        if ((uintptr_t)frames[i] - own_start < own_end - own_start) {
            own = i + 1;
        }
    }
    return own;
}

/* Frames that are not ours. */
static unsigned
take(const struct walk *walk, void **frames, unsigned most)
{
    unsigned own = own_frames(walk->frames, walk->count);
    unsigned count = (unsigned)tn_min(walk->count - own, most);
    memcpy(frames, walk->frames + own, count * sizeof *frames);
    return count;
}

#ifdef __x86_64__
/* Whether the unwinder sees what was found without it. */
static bool
agrees(const struct walk *walk)
{
    void *all[MOST];
    void *seen[TN_STACK_MOST];
    void *found[TN_STACK_MOST];
    struct walk whole = {.frames = all, .missed = UINTPTR_MAX};
    unwind(&whole);
    unsigned count = take(&whole, seen, TN_STACK_MOST);
    return take(walk, found, TN_STACK_MOST) == count &&
           memcmp(found, seen, count * sizeof *seen) == 0;
}

static bool
look_by_strides(struct walk *walk, uintptr_t address, uintptr_t stack)
{
    bool known = stride(walk, address, stack);
    bool check = atomic_fetch_add_explicit(&walks, 1, memory_order_relaxed) % CHECK_EVERY == 0;
    if (known && check && !agrees(walk)) { /* code that lies where other code lay */
        for (unsigned i = 0; i < STRIDES; i++) {
            atomic_store_explicit(&strides[i], 0, memory_order_relaxed);
        }
        return false;
    }
    return known;
}
#endif

TN_NOINLINE unsigned
tn_stack_look(void **frames, unsigned most)
{
    void *all[MOST];
    struct walk walk = {.frames = all};
    bool done = false;
#ifdef __x86_64__
    done = look_by_strides(&walk, (uintptr_t)__builtin_return_address(0),
                           (uintptr_t)__builtin_dwarf_cfa());
#endif
    if (!done) {
        unwind(&walk);
    }
    return take(&walk, frames, most);
}
