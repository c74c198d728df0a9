/*
 * Names of roots: many of them, gone through while each is removed or set anew.
 *
 *     roots_kept FILE
 */
#include "expect.h"
#include "say_fault.h"

#include <tarn/persist.h>

#define NAMES 100u

static unsigned seen;

static unsigned
number_of(const char *name)
{
    return (unsigned)strtoul(name + 5, NULL, 10);
}

static bool
replace_odd_remove_even(void *context, const char *name, void *p, size_t size, uint64_t type)
{
    unsigned number = number_of(name);
    EXPECT(*(unsigned *)p == number && size == sizeof number && type == 7);
    seen++;
    EXPECT(tarn_set_named_root(context, name, number % 2 == 1 ? p : NULL, size, 8) == 0);
    return true;
}

static bool
is_odd(void *context, const char *name, void *p, size_t size, uint64_t type)
{
    (void)context;
    EXPECT(number_of(name) % 2 == 1 && *(unsigned *)p == number_of(name));
    EXPECT(size == sizeof seen && type == 8);
    seen++;
    return seen < NAMES / 4; /* no more are wanted */
}

int
main(int argc, char **argv)
{
    if (argc < 2) {
        return 2;
    }
    unlink(argv[1]);
    tarn_heap *heap = tarn_create(argv[1], &(tarn_options){.capacity = (size_t)4 << 20});
    EXPECT(heap != NULL);
    for (unsigned i = 0; i < NAMES; i++) {
        char name[16];
        unsigned *number = tarn_heap_malloc(heap, sizeof *number);
        *number = i;
        snprintf(name, sizeof name, "name %u", i);
        EXPECT(tarn_set_named_root(heap, name, number, sizeof *number, 7) == 0);
    }
    tarn_each_root(heap, replace_odd_remove_even, heap);
    EXPECT(seen == NAMES);
    seen = 0;
    tarn_each_root(heap, is_odd, NULL);
    EXPECT(seen == NAMES / 4);
    EXPECT(tarn_named_root(heap, "name 2", 0, 0) == NULL && errno == ENOENT);
    EXPECT(tarn_check_heap(heap, say_fault, NULL) == 0);
    EXPECT(tarn_close(heap) == 0);
    unlink(argv[1]);
    return 0;
}
