/* tarn/option.h: every option by every spelling of its name, values that fit and that do not, and
 * what may be changed while the program runs. */
#include "expect.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <tarn/option.h>
#include <tarn/stats.h>
#include <tarn/tarn.h>

static void
expect_value(const char *name, const char *value)
{
    char got[600];
    EXPECT(tarn_option_get(name, got, sizeof got) == (int)strlen(value));
    EXPECT(strcmp(got, value) == 0);
}

static void
table(void)
{
    struct tarn_option option;
    unsigned i = 0;
    for (; tarn_option_list(i, &option); i++) {
        char small[64];
        char value[600];
        EXPECT(strncmp(option.name, "TARN_", 5) == 0);
        EXPECT(*option.values != 0 && *option.standard != 0 && *option.meaning != 0);
        snprintf(small, sizeof small, "%s", option.name + 5);
        for (char *letter = small; *letter != 0; letter++) {
            *letter = (char)(*letter == '_' ? '-' : *letter + ('a' - 'A'));
        }
        EXPECT(tarn_option_get(small, value, sizeof value) >= 0);
        EXPECT(tarn_option_get(option.name, NULL, 0) == (int)strlen(value));
        errno = 0;
        EXPECT(tarn_option_set(option.name, "nonsense,never") == -1);
        EXPECT(errno == EINVAL || (errno == EPERM && !option.running));
        expect_value(option.name, value);
        if (option.running) {
            EXPECT(tarn_option_set(option.name, value) == 0);
        }
    }
    EXPECT(i >= 6);
    EXPECT(!tarn_option_list(i, &option) && !tarn_option_list(~0u, &option));
}

static void
wrong_names(void)
{
    char value[4] = "abc";
    errno = 0;
    EXPECT(tarn_option_get("no-such", value, sizeof value) == -1 && errno == ENOENT);
    EXPECT(strcmp(value, "abc") == 0);
    EXPECT(tarn_option_set("no-such", "1") == -1 && errno == ENOENT);
    EXPECT(tarn_option_set("", "1") == -1 && errno == ENOENT);
    EXPECT(tarn_option_set("TARN_", "1") == -1 && errno == ENOENT);
    EXPECT(strcmp(tarn_option_nearest("hugepages"), "TARN_HUGE_PAGES") == 0);
    EXPECT(strcmp(tarn_option_nearest("TARN_PURGES"), "TARN_PURGE") == 0);
    EXPECT(tarn_option_nearest("something else altogether, and long") == NULL);
}

static void
values(void)
{
    char cut[3];
    EXPECT(tarn_option_set("purge", "4096") == 0);
    expect_value("TARN_PURGE", "4096");
    EXPECT(tarn_option_get("Purge", cut, sizeof cut) == 4 && strcmp(cut, "40") == 0);
    EXPECT(tarn_option_set("purge", "now") == 0);
    expect_value("purge", "0");
    EXPECT(tarn_option_set("purge", "-1") == -1 && errno == EINVAL);
    EXPECT(tarn_option_set("purge", "off") == 0);
    expect_value("purge", "off");
    EXPECT(tarn_option_set("huge_pages", "1") == 0);
    expect_value("huge-pages", "on");
    EXPECT(tarn_option_set("helper", "1") == -1 && errno == EPERM);
    EXPECT(tarn_option_set("check", "1") == -1 && errno == EPERM);
    EXPECT(tarn_option_set("helper", "many") == -1 && errno == EINVAL);
}

static size_t
dirty(void)
{
    struct tarn_stats stats = {.size = sizeof stats};
    EXPECT(tarn_stats(&stats) == sizeof stats);
    return stats.dirty_bytes + stats.cached_bytes;
}

/* What is set holds: free memory stays, or goes. */
static void
effect(const char *purge, bool stays)
{
    enum {
        BLOCKS = 100,
        SIZE = 1 << 20
    };
    void *blocks[BLOCKS];
    EXPECT(tarn_option_set("purge", purge) == 0);
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = tarn_malloc(SIZE);
        EXPECT(blocks[i] != NULL);
        memset(blocks[i], 1, SIZE);
    }
    for (int i = 0; i < BLOCKS; i++) {
        tarn_free(blocks[i]);
    }
    EXPECT((dirty() >= (size_t)BLOCKS * SIZE / 2) == stays);
    tarn_trim();
}

int
main(void)
{
    wrong_names();
    table();
    values();
    effect("off", true);
    effect("now", false);
    return 0;
}
