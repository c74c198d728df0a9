/* 8,192 atexit handlers, each of which allocates and frees; the last to run reports. The list of
 * handlers itself is on the heap. Two more kinds end the program: a destructor function and a
 * stream left open. */
#include "expect.h"

enum {
    HANDLERS = 8192
};

static void *kept[HANDLERS];
static size_t ran;

static void
handle(void)
{
    size_t size = 1 + ran * 13 % 3000;
    kept[ran] = malloc(size);
    EXPECT(kept[ran] != NULL);
    stamp(kept[ran], size, ran);
    if (ran % 2 == 1) {
        size_t before = ran - 1;
        EXPECT(is_stamped(kept[before], 1 + before * 13 % 3000, before));
        free(kept[before]);
    }
    ran++;
}

static void
report(void)
{
    EXPECT(ran == HANDLERS);
}

__attribute__((destructor)) static void
after_all(void)
{
    EXPECT(ran == HANDLERS);
    char *block = malloc(100000);
    EXPECT(block != NULL);
    memset(block, 1, 100000);
    free(block);
}

int
main(void)
{
    EXPECT(atexit(report) == 0);
    for (int i = 0; i < HANDLERS; i++) {
        EXPECT(atexit(handle) == 0);
    }
    FILE *open = fopen("/dev/null", "w");
    EXPECT(open != NULL);
    fprintf(open, "unflushed");
    return 0;
}
