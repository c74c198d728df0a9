#define _GNU_SOURCE
#include "os/option.h"

#include "base/bits.h"
#include "base/spelling.h"
#include "base/text.h"
#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#define PREFIX      "TARN_"
#define TEST_PREFIX "TARN_TEST_" /* the test suite's own */

struct tn_options tn_options = {.huge_pages = TN_AUTO, .dirty_keep = TN_KEEP_AUTO};
_Atomic(void (*)(void)) tn_soon;

enum kind {
    FLAG,   /* a bool */
    CHOICE, /* an enum tn_choice */
    KEEP,   /* KiB, or off, now, auto */
};

struct option {
    struct tn_option_text text;
    enum kind kind;
    size_t place; /* in struct tn_options */
};

#define PLACE(field) offsetof(struct tn_options, field)

static const struct option options[] = {
    {{"TARN_STATS", "0 or 1", "0", "print a summary of the heap to stderr at exit"},
     FLAG,
     PLACE(stats)},
    {{"TARN_PURGE", "KiB, off, now or auto", "auto",
      "free memory to keep before it goes back to the system"},
     KEEP,
     PLACE(dirty_keep)},
    {{"TARN_HUGE_PAGES", "off, on or auto", "auto", "ask the system for huge pages"},
     CHOICE,
     PLACE(huge_pages)},
    {{"TARN_CHECK", "0 or 1", "0", "check each pointer given to free in full (slow)"},
     FLAG,
     PLACE(check)},
    {{"TARN_POPULATE", "0 or 1", "0", "fault memory in as soon as it is committed"},
     FLAG,
     PLACE(populate)},
    {{"TARN_HELPER", "0 or 1", "0", "a thread that purges when the process is idle"},
     FLAG,
     PLACE(helper)},
};

#define OPTIONS (sizeof options / sizeof *options)

bool
tn_option_text(unsigned i, struct tn_option_text *text)
{
    if (i >= OPTIONS) {
        return false;
    }
    *text = options[i].text;
    return true;
}

static bool
set_flag(bool *flag, const char *value)
{
    if (strcmp(value, "1") == 0 || strcmp(value, "on") == 0) {
        *flag = true;
    } else if (strcmp(value, "0") == 0 || strcmp(value, "off") == 0) {
        *flag = false;
    } else {
        return false;
    }
    return true;
}

static bool
set_choice(enum tn_choice *choice, const char *value)
{
    bool on;
    if (strcmp(value, "auto") == 0) {
        *choice = TN_AUTO;
    } else if (set_flag(&on, value)) {
        *choice = on ? TN_ON : TN_OFF;
    } else {
        return false;
    }
    return true;
}

static bool
set_keep(_Atomic size_t *keep, const char *value)
{
    size_t kib = 0;
    if (strcmp(value, "off") == 0) {
        *keep = TN_KEEP_ALL;
        return true;
    }
    if (strcmp(value, "auto") == 0) {
        *keep = TN_KEEP_AUTO;
        return true;
    }
    if (strcmp(value, "now") != 0) {
        if (*value == 0) {
            return false;
        }
        for (const char *digit = value; *digit != 0; digit++) {
            if (*digit < '0' || *digit > '9' || kib > TN_KEEP_AUTO / TN_KIB / 10 - 1) {
                return false;
            }
            kib = kib * 10 + (size_t)(*digit - '0');
        }
    }
    *keep = kib * TN_KIB;
    return true;
}

static bool
set(const struct option *option, const char *value)
{
    void *place = (char *)&tn_options + option->place;
    switch (option->kind) {
    case FLAG:
        return set_flag(place, value);
    case CHOICE:
        return set_choice(place, value);
    default:
        return set_keep(place, value);
    }
}

static const char *
nearest(const char *name, size_t length)
{
    const char *best = NULL;
    unsigned least = TN_SPELLING_NEAR + 1;
    for (size_t i = 0; i < OPTIONS && length <= TN_SPELLING_MOST; i++) {
        unsigned apart = tn_spelling_distance(name, length, options[i].text.name);
        if (apart < least) {
            least = apart;
            best = options[i].text.name;
        }
    }
    return best;
}

static void
report(const char *format, ...)
{
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    size_t length = tn_text_list(line, sizeof line - 1, format, arguments);
    va_end(arguments);
    line[length++] = '\n';
    tn_os_print(line, length);
}

static void
report_unknown(const char *name, size_t length)
{
    char shown[TN_SPELLING_MOST + 4];
    size_t most = tn_min(length, TN_SPELLING_MOST);
    memcpy(shown, name, most);
    tn_text(shown + most, sizeof shown - most, length > TN_SPELLING_MOST ? "..." : "");
    const char *near = nearest(name, length);
    if (near != NULL) {
        report("tarn: %s: no such option, ignored; is %s meant?", shown, near);
    } else {
        report("tarn: %s: no such option, ignored", shown);
    }
}

static void
read_one(const char *entry)
{
    const char *equals = strchr(entry, '=');
    if (equals == NULL) {
        return;
    }
    size_t length = (size_t)(equals - entry);
    for (size_t i = 0; i < OPTIONS; i++) {
        const struct option *option = &options[i];
        if (strlen(option->text.name) == length && memcmp(entry, option->text.name, length) == 0) {
            if (equals[1] != 0 && !set(option, equals + 1)) {
                report("tarn: %s: must be %s, ignored", entry, option->text.values);
            }
            return;
        }
    }
    if (strncmp(entry, TEST_PREFIX, strlen(TEST_PREFIX)) != 0) {
        report_unknown(entry, length);
    }
}

/* The environment the process was started with, for who asks before the C library has it. False
 * when the system does not tell. */
static bool
read_start(void)
{
    char entry[256];
    char piece[1024];
    size_t length = 0;
    ssize_t got = -1;
    int saved = errno;
    int file = open("/proc/self/environ", O_RDONLY | O_CLOEXEC);
    while (file >= 0 && (got = read(file, piece, sizeof piece)) > 0) {
        for (ssize_t i = 0; i < got; i++) {
            entry[tn_min(length++, sizeof entry - 1)] = piece[i];
            if (piece[i] == 0) {
                entry[sizeof entry - 1] = 0;
                if (strncmp(entry, PREFIX, strlen(PREFIX)) == 0) {
                    read_one(entry);
                }
                length = 0;
            }
        }
    }
    if (file >= 0) {
        close(file);
    }
    errno = saved;
    return got == 0;
}

void
tn_options_read(void)
{
    static atomic_bool done;
    static atomic_bool late; /* blocks are out that TARN_CHECK has not laid out */
    if (environ == NULL) {
        if (!atomic_load(&done) && (getauxval(AT_SECURE) != 0 || read_start())) {
            atomic_store(&done, true);
        } else {
            atomic_store(&late, true);
        }
        return;
    }
    if (atomic_exchange(&done, true)) {
        return;
    }
    if (getauxval(AT_SECURE) != 0) {
        return; /* who starts a program with more rights than his own does not configure it */
    }
    for (char **entry = environ; *entry != NULL; entry++) {
        if (strncmp(*entry, PREFIX, strlen(PREFIX)) == 0) {
            read_one(*entry);
        }
    }
    if (tn_options.check && atomic_load(&late)) {
        tn_options.check = false;
        report("tarn: TARN_CHECK: /proc/self/environ could not be read in time, ignored");
    }
}
