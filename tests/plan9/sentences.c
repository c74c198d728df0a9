/* The document that describes this allocator, sentence by sentence, in its own names. Each function
 * is one sentence or two; it returns 0, or the line that failed. */
#include "plan9_start.h"

#include "u.h"
#include "lib.h"

#define CHECK(x)                                                                                   \
    if (!(x)) {                                                                                    \
        return __LINE__;                                                                           \
    }

enum {
    N = 4096
};

static void *held[N];
static int nheld;
static int slept;
static int panicked;
static int printed;
static int lines;

static void
onsleep(void *context, unsigned ms)
{
    (void)context;
    slept += ms == 100 ? 1 : 1000;
    if (slept == 3) {
        while (nheld > 0) {
            free(held[--nheld]);
        }
    }
}

static void
onpanic(void *context, const struct tarn_quick_fault *fault)
{
    (void)context;
    (void)fault;
    panicked++;
}

static void
onprint(void *context, const char *text, size_t length)
{
    size_t i;

    (void)context;
    printed += (int)length;
    for (i = 0; i < length; i++) {
        lines += text[i] == '\n';
    }
}

static int
all(const uchar *p, usize n, int byte)
{
    while (n > 0 && *p == byte) {
        p++;
        n--;
    }
    return n == 0;
}

static void
fill(uchar *p, usize n, int byte)
{
    while (n > 0) {
        *p++ = (uchar)byte;
        n--;
    }
}

/* Takes all the memory there is, large blocks first. */
static void
takeall(void)
{
    usize n;

    for (n = 65536; n > 0; n /= 2) {
        while (nheld < N && (held[nheld] = malloc(n)) != nil) {
            nheld++;
        }
    }
}

static void
giveall(void)
{
    while (nheld > 0) {
        free(held[--nheld]);
    }
}

/* Malloc returns a pointer to a block of at least size bytes, initialised to zero. */
static int
malloc_zeroes(void)
{
    uchar *p;
    usize n;

    for (n = 1; n < 3000; n += n / 20 + 1) {
        p = malloc(n);
        CHECK(p != nil && all(p, n, 0));
        fill(p, n, 0xff);
        free(p);
        p = malloc(n);
        CHECK(p != nil && all(p, n, 0));
        CHECK(msize(p) >= n && all(p, msize(p), 0));
        free(p);
    }
    return 0;
}

/* The block is suitably aligned for storage of any type of object. The call malloc(0) returns a
 * valid pointer rather than null. */
static int
malloc_aligns(void)
{
    void *p;
    void *r;
    usize n;

    for (n = 0; n < 200; n++) {
        p = malloc(n);
        r = n == 0 ? malloc(0) : calloc(n, 1);
        CHECK(p != nil && r != nil && p != r);
        CHECK((uintptr)p % _Alignof(long double) == 0 && (uintptr)p % _Alignof(vlong) == 0);
        CHECK((uintptr)r % _Alignof(long double) == 0 && (uintptr)r % _Alignof(vlong) == 0);
        free(p);
        free(r);
    }
    return 0;
}

/* Mallocz is similar, but only clears the memory if clr is non-zero. */
static int
mallocz_clears_if_asked(void)
{
    uchar *p;
    usize n;

    for (n = 100; n < 3000; n += 100) {
        p = mallocz(n, 0);
        CHECK(p != nil && (uintptr)p % _Alignof(long double) == 0);
        fill(p, n, 0xff);
        free(p);
        p = mallocz(n, 0);
        CHECK(p != nil && !all(p, n, 0));
        fill(p, n, 0xff);
        free(p);
        p = mallocz(n, 1);
        CHECK(p != nil && all(p, n, 0));
        fill(p, n, 0xff);
        free(p);
        p = mallocz(n, -5);
        CHECK(p != nil && all(p, n, 0));
        free(p);
    }
    p = mallocz(0, 0);
    CHECK(p != nil);
    free(p);
    return 0;
}

/* Smalloc returns a pointer to a block of size bytes, initialised to zero. If the memory is not
 * immediately available, smalloc retries every 100 milliseconds until the memory is acquired. All
 * functions except smalloc return a null pointer if space is unavailable. */
static int
smalloc_waits(void)
{
    uchar *p = smalloc(500);

    CHECK(p != nil && slept == 0 && all(p, 500, 0));
    fill(p, 500, 0xff);
    free(p);
    takeall();
    CHECK(nheld > 3 && nheld < N);
    p = smalloc(20000);
    CHECK(p != nil && slept == 3 && nheld == 0 && all(p, 20000, 0));
    free(p);
    CHECK(panicked == 0);
    CHECK(smalloc(~(usize)0) == nil && panicked == 1 && slept == 3);
    takeall();
    plan9_hooks.sleep = nil;
    CHECK(smalloc(20000) == nil && panicked == 2);
    plan9_hooks.sleep = onsleep;
    giveall();
    panicked = 0;
    return 0;
}

/* Mallocalign allocates a block of at least n bytes of memory respecting alignment contraints. If
 * align is non-zero, the returned pointer is aligned to be equal to offset modulo align. If span is
 * non-zero, the n byte block allocated will not span a span-byte boundary. */
static int
mallocalign_places(void)
{
    static const usize values[] = {0, 1, 2, 4, 8, 16, 24, 64, 100, 512, 4096};
    static const long offsets[] = {0, 1, 4, 8, 60, -1, -4, -100, 5000};
    usize a;
    usize s;
    usize o;
    usize n;

    for (a = 0; a < sizeof values / sizeof values[0]; a++) {
        for (s = 0; s < sizeof values / sizeof values[0]; s++) {
            for (o = 0; o < sizeof offsets / sizeof offsets[0]; o++) {
                for (n = 0; n < 700; n += 99) {
                    usize align = values[a];
                    usize span = values[s];
                    long offset = offsets[o];
                    long rest = align == 0 ? 0 : offset % (long)align;
                    uchar *p = mallocalign(n, align, offset, span);

                    rest += rest < 0 ? (long)align : 0;
                    if (p == nil) {
                        CHECK(span != 0);
                        /* Only where the residues leave no n bytes between two multiples. */
                        CHECK(n > span || align == 0 || span % align != 0 ||
                              (usize)rest + n > span || align < 16);
                        continue;
                    }
                    CHECK(align == 0 || (uintptr)p % align == (usize)rest);
                    CHECK(align != 0 || (uintptr)p % _Alignof(long double) == 0);
                    CHECK(span == 0 || n == 0 || (uintptr)p / span == ((uintptr)p + n - 1) / span);
                    CHECK(all(p, n, 0));
                    fill(p, n, 0xff);
                    CHECK(msize(p) >= n);
                    free(p);
                }
            }
        }
    }
    return panicked == 0 ? 0 : __LINE__;
}

/* Realloc changes the size of the block pointed to by p to size bytes, if possible without moving
 * the data, and returns a pointer to the block. The contents are unchanged up to the lesser of old
 * and new sizes, and any new space allocated is initialised to zero. */
static int
realloc_keeps(void)
{
    uchar *p = malloc(20000);
    uchar *r = realloc(p, 40000);
    usize old;
    usize n;

    CHECK(p != nil && r == p && all(r, 40000, 0));
    fill(p, 40000, 0xaa);
    CHECK(realloc(p, 30000) == p && all(p, 30000, 0xaa));
    CHECK(realloc(p, 40000) == p && all(p, 30000, 0xaa) && all(p + 30000, 10000, 0));
    CHECK(realloc(p, 1) == p && p[0] == 0xaa);
    CHECK(realloc(p, 600) == p && p[0] == 0xaa && all(p + 1, 599, 0));
    free(p);
    for (old = 1; old < 3000; old += old / 3 + 1) {
        for (n = 1; n < 3000; n += n / 3 + 1) {
            usize kept = old < n ? old : n;

            p = malloc(old);
            r = malloc(8); /* in the way */
            CHECK(p != nil && r != nil);
            fill(p, old, 0xbb);
            p = realloc(p, n);
            CHECK(p != nil && all(p, kept, 0xbb) && all(p + kept, n - kept, 0));
            fill(p, n, 0xcc);
            CHECK(all(r, 8, 0));
            free(r);
            free(p);
        }
    }
    return 0;
}

/* realloc(0, size) means malloc(size); realloc(ptr, 0) means free(ptr); returns null; realloc(0, 0)
 * no-op; returns null. */
static int
realloc_of_zero(void)
{
    uchar *p = realloc(nil, 1000);
    usize n;

    CHECK(p != nil && all(p, 1000, 0));
    CHECK(realloc(p, 0) == nil);
    CHECK(realloc(nil, 0) == nil);
    for (n = 0; n < 10000; n++) { /* would run out if it did not free */
        p = malloc(1000);
        CHECK(p != nil && realloc(p, 0) == nil && realloc(nil, 0) == nil);
    }
    free(p); /* a second time */
    CHECK(panicked == 1);
    panicked = 0;
    return 0;
}

/* Calloc returns a pointer to a block of memory of at least n*szelem bytes, initialised to zero. */
static int
calloc_multiplies(void)
{
    uchar *p;
    usize n;

    for (n = 0; n < 60; n++) {
        p = calloc(n, 37);
        CHECK(p != nil && all(p, n * 37, 0) && msize(p) >= n * 37);
        fill(p, n * 37, 0xff);
        free(p);
    }
    CHECK(calloc(~(usize)0 / 2 + 2, 2) == nil);
    CHECK(calloc(~(usize)0, ~(usize)0) == nil);
    p = calloc(0, ~(usize)0);
    CHECK(p != nil);
    free(p);
    return 0;
}

/* The argument to free is a pointer to a block of memory allocated by one of the routines above,
 * which is returned to the allocation pool, or a null pointer, which is ignored. */
static int
free_returns(void)
{
    usize n;

    for (n = 0; n < 20000; n++) {
        free(malloc(300));
        free(mallocz(301, 0));
        free(smalloc(302));
        free(mallocalign(303, 64, 3, 512));
        free(realloc(malloc(10), 2000));
        free(calloc(10, 30));
        free(nil);
    }
    CHECK(panicked == 0 && slept == 3);
    return 0;
}

/* When a block is allocated, sometimes there is some extra unused space at the end. Msize grows the
 * block to encompass this unused space and returns the new number of bytes that may be used. */
static int
msize_grows(void)
{
    usize room;
    usize n;
    usize slack = 0;

    for (n = 0; n < 400; n++) {
        uchar *p = malloc(n);
        uchar *other = malloc(n);

        CHECK(p != nil && other != nil);
        room = msize(p);
        CHECK(room >= n);
        slack += room - n;
        fill(p, room, 0xee);
        CHECK(msize(p) == room && all(other, n, 0));
        p = realloc(p, room + 100);
        CHECK(p != nil && all(p, room, 0xee) && all(p + room, 100, 0));
        free(p);
        free(other);
    }
    CHECK(slack > 0 && panicked == 0);
    return 0;
}

/* The functions setmalloctag, getmalloctag, setrealloctag, and getrealloctag are provided. */
static int
tags_are_kept(void)
{
    const int kept = (PLAN9_OPTIONS & TARN_QUICK_TAGS) != 0;
    void *p = malloc(100);
    void *r = malloc(100);

    setmalloctag(p, 0x1234);
    setrealloctag(p, 0x5678);
    setmalloctag(r, 1);
    setrealloctag(r, 2);
    CHECK(getmalloctag(p) == (kept ? 0x1234u : 0) && getrealloctag(p) == (kept ? 0x5678u : 0));
    free(r);
    CHECK(getmalloctag(p) == (kept ? 0x1234u : 0) && getrealloctag(p) == (kept ? 0x5678u : 0));
    free(p);
    return 0;
}

/* Mallocinit must be called before malloc is used. Mallocsummary prints a short summary of the
 * allocator's state on the console. */
static int
summary_is_short(void)
{
    uchar *p = malloc(100);

    fill(p, 100, 0x11);
    mallocinit();
    mallocsummary();
    CHECK(all(p, 100, 0x11) && printed > 50 && lines > 1 && lines < 60);
    free(p);
    return 0;
}

/* All functions except smalloc return a null pointer if space is unavailable. */
static int
none_left(void)
{
    uchar *p;

    takeall();
    p = held[0];
    fill(p, 65536, 0x77);
    CHECK(malloc(5000) == nil);
    CHECK(mallocz(5000, 0) == nil);
    CHECK(mallocalign(5000, 64, 8, 0) == nil);
    CHECK(calloc(50, 100) == nil);
    CHECK(realloc(nil, 5000) == nil);
    CHECK(realloc(p, 200000) == nil && all(p, 65536, 0x77));
    giveall();
    CHECK(panicked == 0);
    p = malloc(200000);
    CHECK(p != nil);
    free(p);
    return 0;
}

int
kernelmain(void)
{
    static int (*const sentences[])(void) = {
        malloc_zeroes,     malloc_aligns,    mallocz_clears_if_asked, smalloc_waits,
        mallocalign_places, realloc_keeps,    realloc_of_zero,         calloc_multiplies,
        free_returns,      msize_grows,      tags_are_kept,           summary_is_short,
        none_left,
    };
    usize i;

    plan9_hooks.sleep = onsleep;
    plan9_hooks.panic = onpanic;
    plan9_hooks.print = onprint;
    for (i = 0; i < sizeof sentences / sizeof sentences[0]; i++) {
        int line = sentences[i]();

        if (line != 0) {
            return line;
        }
    }
    return 0;
}
