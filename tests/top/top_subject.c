/* Something to look at: known blocks in known places, then it waits for its standard input to end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SITE __attribute__((noinline))

static void *volatile keep[60000];

SITE static void
make_orders(void)
{
    for (int i = 0; i < 50000; i++) {
        keep[i] = malloc(1000);
    }
}

SITE static void
make_pictures(void)
{
    for (int i = 0; i < 20; i++) {
        keep[50000 + i] = malloc(200000);
        memset(keep[50000 + i], 1, 200000);
    }
}

SITE static void
make_nothing(void)
{
    keep[0] = malloc(100);
    free(keep[0]);
}

int
main(void)
{
    make_nothing();
    make_orders();
    make_pictures();
    for (int i = 0; i < 50000; i += 5) {
        free(keep[i]);
    }
    puts("ready");
    fflush(stdout);
    while (getchar() != EOF) {
    }
    return 0;
}
