/* What a heap prints about itself. */
#include "quick/guard.h"

static void
print(struct tarn_quick *q, const char *text)
{
    size_t length = 0;

    while (text[length] != '\0') {
        length++;
    }
    if (length != 0) {
        q->hooks->print(q->hooks->context, text, length);
    }
}

static void
print_number(struct tarn_quick *q, uintptr_t number, unsigned base)
{
    char text[24];
    char *at = text + sizeof text - 1;

    *at = '\0';
    do {
        uintptr_t digit = number;
        uintptr_t rest = 0;

        /* number / base, without asking the processor to divide */
        if (base == 16) {
            rest = number >> 4;
            digit = number & 15;
        } else {
            int bit;

            digit = 0;
            for (bit = (int)sizeof number * 8 - 1; bit >= 0; bit--) {
                digit = digit << 1 | (number >> bit & 1);
                rest <<= 1;
                if (digit >= 10) {
                    digit -= 10;
                    rest |= 1;
                }
            }
        }
        *--at = "0123456789abcdef"[digit];
        number = rest;
    } while (number != 0);
    print(q, at);
}

static void
print_size(struct tarn_quick *q, const char *before, size_t size, const char *behind)
{
    print(q, before);
    print_number(q, size, 10);
    print(q, behind);
}

void
tarn_quick_summary(struct tarn_quick *q)
{
    struct tarn_quick_stats stats;
    unsigned i;

    if (q->hooks == NULL || q->hooks->print == NULL) {
        return;
    }
    tarn_quick_get_stats(q, &stats);
    print_size(q, "quickfit: ", stats.used, " of ");
    print_size(q, "", stats.total, " bytes in use by ");
    print_size(q, "", stats.objects, " objects");
    print_size(q, ", at most ", stats.peak, "\n");
    print_size(q, "free: ", stats.free, " bytes, ");
    print_size(q, "", stats.quick, " on quick lists, largest ");
    print_size(q, "", stats.largest, "; ");
    print_size(q, "", stats.regions, stats.regions == 1 ? " region\n" : " regions\n");
    for (i = 0; i < TARN_QUICK_RANGES; i++) {
        if (stats.used_by_size[i] != 0 || stats.free_by_size[i] != 0) {
            print_size(q, "from ", (size_t)1 << i, " bytes: ");
            print_size(q, "", stats.used_by_size[i], " in use, ");
            print_size(q, "", stats.free_by_size[i], " free\n");
        }
    }
}

struct count {
    uintptr_t after; /* tags up to here are done */
    int started;     /* whether `after` counts */
    int found;       /* whether `tag` is one */
    uintptr_t tag;   /* the lowest tag above */
    size_t objects;
    size_t bytes;
};

static bool
count_tag(void *context, const struct tarn_quick_block *block)
{
    struct count *c = (struct count *)context;

    if (!block->used || (c->started && block->malloctag <= c->after)) {
        return true;
    }
    if (!c->found || block->malloctag < c->tag) {
        c->found = 1;
        c->tag = block->malloctag;
        c->objects = 0;
        c->bytes = 0;
    }
    if (block->malloctag == c->tag) {
        c->objects++;
        c->bytes += block->size;
    }
    return true;
}

void
tarn_quick_leaks(struct tarn_quick *q)
{
    struct count c = {0, 0, 0, 0, 0, 0};

    if (q->hooks == NULL || q->hooks->print == NULL) {
        return;
    }
    do {
        c.found = 0;
        (void)tarn_quick_walk(q, count_tag, &c);
        if (c.found) {
            print(q, "tag 0x");
            print_number(q, c.tag, 16);
            print_size(q, ": ", c.objects, " objects, ");
            print_size(q, "", c.bytes, " bytes\n");
        }
        c.after = c.tag;
        c.started = 1;
    } while (c.found);
}
