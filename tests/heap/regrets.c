/* Regrets of having purged (space/regret.h), under a clock of the test's own: kept up to the budget
 * without a look at the clock, forgotten at their rate however often one asks, and not all at once
 * the first time. */
#include "space/regret.h"

#include <stdio.h>
#include <stdlib.h>

#define EXPECT(holds)                                                                              \
    do {                                                                                           \
        if (!(holds)) {                                                                            \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #holds);                    \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

enum {
    BUDGET = 1000
};

static uint64_t now = 123456;
static unsigned looks;

uint64_t
tn_os_milliseconds(void)
{
    looks++;
    return now;
}

static unsigned
pages(struct tn_regret *regret)
{
    return atomic_load(&regret->pages);
}

int
main(void)
{
    struct tn_regret regret = {0};
    tn_regret_add(&regret, BUDGET);
    EXPECT(!tn_regrets(&regret, BUDGET) && looks == 0);

    tn_regret_add(&regret, 100);
    EXPECT(tn_regrets(&regret, BUDGET) && pages(&regret) == BUDGET + 100);

    for (int i = 0; i < 99 * (int)TN_REGRET_FORGET; i++) { /* shorter than a page takes */
        now++;
        EXPECT(tn_regrets(&regret, BUDGET));
    }
    EXPECT(pages(&regret) == BUDGET + 1);
    now += TN_REGRET_FORGET;
    EXPECT(!tn_regrets(&regret, BUDGET) && pages(&regret) == BUDGET);

    tn_regret_add(&regret, 10 * BUDGET);
    now += 100 * BUDGET * TN_REGRET_FORGET;
    EXPECT(!tn_regrets(&regret, BUDGET) && pages(&regret) == 0);
    return 0;
}
