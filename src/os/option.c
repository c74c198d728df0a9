#define _GNU_SOURCE
#include "os/option.h"

#include "base/bits.h"
#include "base/byte_count.h"
#include "base/spelling.h"
#include "base/text.h"
#include "os/aside.h"
#include "os/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

#define PREFIX      "TARN_"
#define TEST_PREFIX "TARN_TEST_"   /* the test suite's own */
#define TOOL_PREFIX "TARN_TOOL_"   /* what the tarn command tells its libraries */
#define LIBRARY     "TARN_LIBRARY" /* where the tarn command is to look for this library */

struct tn_options tn_options = {
    .huge_pages = TN_AUTO, .dirty_keep = TN_KEEP_AUTO, .profile_interval = 512 * TN_KIB};
struct tn_bell tn_bell;

enum kind {
    FLAG,       /* an atomic bool */
    FIXED_FLAG, /* a bool */
    CHOICE,     /* an enum tn_choice */
    KEEP,       /* KiB, or off, now, auto */
    BYTES,      /* a size_t, not 0 */
    PATH,       /* a char[TN_PATH_MOST] */
};

struct option {
    struct tn_option_text text;
    enum kind kind;
    size_t place; /* in struct tn_options */
};

#define PLACE(field) offsetof(struct tn_options, field)

static const struct option options[] = {
    {{"TARN_STATS", "0 or 1", "0", "print a summary of the heap to stderr at exit", true},
     FLAG,
     PLACE(stats)},
    {{"TARN_PURGE", "KiB, a size as 64M, off, now or auto", "auto",
      "free memory to keep before it goes back to the system", true},
     KEEP,
     PLACE(dirty_keep)},
    {{"TARN_HUGE_PAGES", "off, on or auto", "auto", "ask the system for huge pages", true},
     CHOICE,
     PLACE(huge_pages)},
    {{"TARN_CHECK", "0 or 1", "0", "check each pointer given to free in full (slow)", false},
     FIXED_FLAG,
     PLACE(check)},
    {{"TARN_POPULATE", "0 or 1", "0", "fault memory in as soon as it is committed", true},
     FLAG,
     PLACE(populate)},
    {{"TARN_HELPER", "0 or 1", "0", "a thread that purges when the process is idle", false},
     FIXED_FLAG,
     PLACE(helper)},
    {{"TARN_PROFILE", "a path of at most 511 bytes", "none",
      "sample where memory is allocated, write the profile there at exit", false},
     PATH,
     PLACE(profile)},
    {{"TARN_PROFILE_INTERVAL", "bytes or a size as 64K", "524288",
      "from one sample to the next, in the mean; 1: every block", false},
     BYTES,
     PLACE(profile_interval)},
    {{"TARN_PROFILE_POOLS", "0 or 1", "0", "object pools are sampled too, and slower for it",
      false},
     FIXED_FLAG,
     PLACE(profile_pools)},
    {{"TARN_LEAKS", "0 or 1", "0",
      "print what is live at exit to stderr, by where it was allocated", false},
     FIXED_FLAG,
     PLACE(leaks)},
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
read_flag(const char *value, bool *flag)
{
    *flag = strcmp(value, "1") == 0 || strcmp(value, "on") == 0;
    return *flag || strcmp(value, "0") == 0 || strcmp(value, "off") == 0;
}

static bool
read_choice(const char *value, enum tn_choice *choice)
{
    bool on = false;
    if (strcmp(value, "auto") == 0) {
        *choice = TN_AUTO;
        return true;
    }
    bool fits = read_flag(value, &on);
    *choice = on ? TN_ON : TN_OFF;
    return fits;
}

static bool
read_size(const char *value, size_t unit, size_t *size)
{
    uint64_t bytes;
    if (!tn_byte_count(value, unit, &bytes) || bytes > SIZE_MAX) {
        return false;
    }
    *size = (size_t)bytes;
    return true;
}

static bool
read_keep(const char *value, size_t *keep)
{
    if (strcmp(value, "off") == 0) {
        *keep = TN_KEEP_ALL;
        return true;
    }
    if (strcmp(value, "auto") == 0) {
        *keep = TN_KEEP_AUTO;
        return true;
    }
    if (strcmp(value, "now") == 0) {
        *keep = 0;
        return true;
    }
    return read_size(value, TN_KIB, keep) && *keep < TN_KEEP_AUTO;
}

static void *
place_of(const struct option *option)
{
    return (char *)&tn_options + option->place;
}

/* Reads the value and, if it is to be kept, writes it to the option. */
static bool
take(const struct option *option, const char *value, bool kept)
{
    bool flag = false;
    enum tn_choice choice = TN_OFF;
    size_t keep = 0;
    switch (option->kind) {
    case FLAG:
    case FIXED_FLAG:
        if (!read_flag(value, &flag)) {
            return false;
        }
        if (kept && option->kind == FLAG) {
            *(atomic_bool *)place_of(option) = flag;
        } else if (kept) {
            *(bool *)place_of(option) = flag;
        }
        return true;
    case CHOICE:
        if (!read_choice(value, &choice)) {
            return false;
        }
        if (kept) {
            *(_Atomic unsigned *)place_of(option) = choice;
        }
        return true;
    case BYTES:
        if (!read_size(value, 1, &keep) || keep == 0) {
            return false;
        }
        if (kept) {
            *(size_t *)place_of(option) = keep;
        }
        return true;
    case PATH:
        if (strlen(value) >= TN_PATH_MOST) {
            return false;
        }
        if (kept) {
            memcpy(place_of(option), value, strlen(value) + 1);
        }
        return true;
    default:
        if (!read_keep(value, &keep)) {
            return false;
        }
        if (kept) {
            *(_Atomic size_t *)place_of(option) = keep;
        }
        return true;
    }
}

bool
tn_option_fits(unsigned i, const char *value)
{
    return take(&options[i], value, false);
}

bool
tn_option_set(unsigned i, const char *value)
{
    return take(&options[i], value, true);
}

size_t
tn_option_show(unsigned i, char *text, size_t size)
{
    static const char *const choices[] = {"off", "on", "auto"};
    const struct option *option = &options[i];
    size_t keep = 0;
    switch (option->kind) {
    case FLAG:
        return tn_text(text, size, *(atomic_bool *)place_of(option) ? "1" : "0");
    case FIXED_FLAG:
        return tn_text(text, size, *(bool *)place_of(option) ? "1" : "0");
    case CHOICE:
        return tn_text(text, size, "%s", choices[*(_Atomic unsigned *)place_of(option)]);
    case BYTES:
        return tn_text(text, size, "%zu", *(size_t *)place_of(option));
    case PATH:
        return tn_text(text, size, "%s", (const char *)place_of(option));
    default:
        keep = *(_Atomic size_t *)place_of(option);
        if (keep >= TN_KEEP_AUTO) {
            return tn_text(text, size, keep == TN_KEEP_ALL ? "off" : "auto");
        }
        return tn_text(text, size, "%zu", keep / TN_KIB);
    }
}

/* The letter as it is written in the table. */
static char
plain(char letter)
{
    return (char)(letter >= 'a' && letter <= 'z' ? letter - 'a' + 'A'
                  : letter == '-'                ? '_'
                                                 : letter);
}

/* Whether a name, as a person may write it, is that of the table. */
static bool
is_named(const char *name, const char *known)
{
    while (*name != 0 && plain(*name) == *known) {
        name++;
        known++;
    }
    return *name == 0 && *known == 0;
}

unsigned
tn_option_find(const char *name)
{
    for (unsigned i = 0; i < OPTIONS; i++) {
        const char *known = options[i].text.name;
        if (is_named(name, known) || is_named(name, known + strlen(PREFIX))) {
            return i;
        }
    }
    return TN_NO_OPTION;
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

const char *
tn_option_nearest(const char *name)
{
    char full[TN_SPELLING_MOST + 1];
    size_t lead = 0;
    size_t length = 0;
    while (PREFIX[lead] != 0 && plain(name[lead]) == PREFIX[lead]) {
        lead++;
    }
    lead = PREFIX[lead] == 0 ? lead : 0;
    length = tn_text(full, sizeof full, PREFIX "%s", name + lead);
    for (char *letter = full; *letter != 0; letter++) {
        *letter = plain(*letter);
    }
    return nearest(full, length);
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
            if (equals[1] != 0 && !take(option, equals + 1, true)) {
                report("tarn: %s: must be %s, ignored", entry, option->text.values);
            }
            return;
        }
    }
    bool other = strncmp(entry, TEST_PREFIX, strlen(TEST_PREFIX)) == 0 ||
                 strncmp(entry, TOOL_PREFIX, strlen(TOOL_PREFIX)) == 0 ||
                 strncmp(entry, LIBRARY "=", strlen(LIBRARY "=")) == 0;
    if (!other) {
        report_unknown(entry, length);
    }
}

/* The environment the process was started with, for who asks before the C library has it. False
 * when the system does not tell. */
static bool
read_start(void)
{
    char entry[sizeof "TARN_PROFILE=" + TN_PATH_MOST];
    char piece[1024];
    size_t length = 0;
    ssize_t got = -1;
    struct tn_aside aside = tn_aside_begin();
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
    tn_aside_end(aside);
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

void
tn_bell_answer(void)
{
    atomic_store(&tn_bell.rung, 0);
    void (*inside)(void) = atomic_exchange(&tn_bell.inside, NULL);
    if (inside != NULL) {
        inside();
    }
    if (tn_bell.outside != NULL) {
        tn_bell.outside();
    }
}
