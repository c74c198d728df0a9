/* A Plan 9 kernel's allocator: it brings malloc itself. */
#include "u.h"

#include "lib.h"

#include <unistd.h>

static char memory[262144];

int
main(void)
{
    plan9_memory(memory, sizeof memory, 0, nil);
    mallocinit();
    void *p = mallocalign(100, 64, 0, 4096);
    int good = p != nil && (uintptr)p % 64 == 0;
    free(p);
    return write(1, good ? "kept\n" : "lost\n", 5) != 5;
}
