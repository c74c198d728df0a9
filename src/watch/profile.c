#define _GNU_SOURCE
#include "watch/profile.h"

#include "base/bits.h"
#include "base/text.h"
#include "heap/sample.h"
#include "os/file.h"
#include "os/option.h"
#include "os/os.h"
#include "os/probe.h"
#include "watch/modules.h"
#include "watch/stack.h"
#include "watch/view.h"

#include "tarn/tarn.h"

#include <errno.h>
#include <string.h>

#define TEXT(x)   #x
#define NUMBER(x) TEXT(x)
#define TN_VERSION_TEXT                                                                            \
    NUMBER(TARN_VERSION_MAJOR) "." NUMBER(TARN_VERSION_MINOR) "." NUMBER(TARN_VERSION_PATCH)

#define INTERVAL_MOST ((size_t)1 << 40) /* what a sample stands for must fit into 64 bits */

static size_t interval = TARN_PROFILE_INTERVAL;
static _Atomic uint64_t started;
static _Atomic bool ever;

static void
record(void *block, size_t size, void *const *frames, unsigned depth)
{
    uint64_t stands_for = tn_sites_record(block, size, interval, frames, depth);
    TN_PROBE3(otel_memory, alloc, block, size, stands_for);
}

struct tn_order tn_order;

const struct tn_view tn_view __attribute__((used)) = {
    .magic = {0x9e, 'T', 'a', 'r', 'n', 0xf3, 'v', 'i', 'e', 'w', 0x17, 0xd0, 0x5c, 0x81, 0xaa,
              0x4b},
    .layout = TN_VIEW_LAYOUT,
    .version = TN_VERSION_TEXT,
    .heap = &tn_process_heap,
    .sampler = &tn_sampler,
    .sites = (const struct tn_site *const *)&tn_first_site,
    .interval = &interval,
    .profile_time = &started,
    .order = &tn_order,
    .bell = &tn_bell.rung,
};

static void
forget(void *block)
{
    TN_PROBE1(otel_memory, free, block);
    tn_sites_forget(block);
}

static const struct tn_sample_hooks hooks = {
    .look = tn_stack_look,
    .record = record,
    .forget = forget,
    .forget_all = tn_sites_forget_all,
    .reset = tn_sites_reset,
};

bool
tarn_profile_start(size_t bytes)
{
    if (!tn_stack_ready() || !tn_sample_lock()) {
        return false;
    }
    tn_sites_reset();
    interval = bytes == 0 ? TARN_PROFILE_INTERVAL : tn_min(bytes, INTERVAL_MOST);
    started = tn_os_nanoseconds();
    atomic_store(&ever, true);
    tn_sample_unlock();
    tn_sample_start(interval, &hooks);
    return tn_sample_on();
}

void
tarn_profile_stop(void)
{
    tn_sample_stop();
}

/* Under the lock: as short as can be. */
static void
copy_sites(struct tn_out *out)
{
    for (const struct tn_site *site = tn_sites_first(); site != NULL; site = site->next) {
        struct tn_site_copy copy = {site->allocated, site->live, site->depth};
        tn_out_bytes(out, &copy, sizeof copy);
        tn_out_bytes(out, site->frames, site->depth * sizeof *site->frames);
    }
}

int
tn_profile_copy(struct tn_profile *profile)
{
    *profile = (struct tn_profile){.interval = interval, .started = started};
    if (!atomic_load(&ever)) {
        return ENODATA;
    }
    tn_modules(&profile->modules);
    if (!tn_sample_lock()) {
        return EDEADLK;
    }
    copy_sites(&profile->sites);
    profile->interval = interval;
    profile->started = started;
    profile->lost = tn_sites_lost();
    tn_sample_unlock();
    profile->duration = tn_os_nanoseconds() - profile->started;
    if (profile->sites.failed || profile->modules.failed) {
        tn_profile_drop(profile);
        return ENOMEM;
    }
    return 0;
}

void
tn_profile_drop(struct tn_profile *profile)
{
    tn_out_drop(&profile->sites);
    tn_out_drop(&profile->modules);
}

static bool
ends_with(const char *text, const char *end)
{
    size_t length = strlen(text);
    size_t tail = strlen(end);
    return length >= tail && strcmp(text + length - tail, end) == 0;
}

enum tarn_profile_format
tn_profile_format_of(const char *path)
{
    if (ends_with(path, ".heap")) {
        return TARN_PROFILE_HEAP;
    }
    return ends_with(path, ".txt") ? TARN_PROFILE_LEAKS : TARN_PROFILE_PPROF;
}

int
tarn_profile_write(const char *path, enum tarn_profile_format format)
{
    struct tn_profile profile;
    int failed = tn_profile_copy(&profile);
    if (failed != 0) {
        return failed;
    }
    struct tn_out out = {0};
    switch (format == TARN_PROFILE_BY_NAME ? tn_profile_format_of(path) : format) {
    case TARN_PROFILE_HEAP:
        tn_profile_heap(&profile, &out);
        break;
    case TARN_PROFILE_LEAKS:
        tn_profile_leaks(&profile, &out);
        break;
    default:
        tn_profile_pprof(&profile, &out);
        break;
    }
    failed = out.failed ? ENOMEM : tn_file_replace(path, out.bytes, out.length, 0666);
    tn_out_drop(&out);
    tn_profile_drop(&profile);
    return failed;
}

void
tn_profile_at_start(void)
{
    if (tn_options.profile[0] == 0 && !tn_options.leaks) {
        return;
    }
    if (tn_options.leaks) {
        tn_os_keep_stderr();
    }
    if (!tarn_profile_start(tn_options.profile_interval)) {
        static const char stacks[] =
            "tarn: TARN_PROFILE: stacks cannot be walked here, no profile\n";
        static const char check[] = "tarn: TARN_PROFILE: no profile together with TARN_CHECK\n";
        tn_os_print(tn_options.check ? check : stacks,
                    tn_options.check ? sizeof check - 1 : sizeof stacks - 1);
    }
}

/* The file's name, with the process's number for %p. */
static void
expand(char *path, size_t size, const char *pattern)
{
    size_t length = 0;
    for (; *pattern != 0 && length + 1 < size; pattern++) {
        if (pattern[0] == '%' && pattern[1] == 'p') {
            length += tn_text(path + length, size - length, "%u", tn_os_process());
            pattern++;
        } else {
            path[length++] = *pattern;
        }
    }
    path[length] = 0;
}

void
tn_profile_at_end(void)
{
    if (!atomic_load(&ever)) {
        return;
    }
    if (tn_options.leaks) {
        struct tn_profile profile;
        struct tn_out out = {0};
        if (tn_profile_copy(&profile) == 0) {
            tn_profile_leaks(&profile, &out);
            tn_os_print_last((const char *)out.bytes, out.length);
            tn_out_drop(&out);
            tn_profile_drop(&profile);
        }
    }
    if (tn_options.profile[0] != 0) {
        char path[sizeof tn_options.profile + 16];
        expand(path, sizeof path, tn_options.profile);
        int failed = tarn_profile_write(path, TARN_PROFILE_BY_NAME);
        if (failed != 0) {
            char line[sizeof path + 64];
            size_t length =
                tn_text(line, sizeof line, "tarn: TARN_PROFILE=%s: cannot be written (errno %d)\n",
                        path, failed);
            tn_os_print_last(line, length);
        }
    }
}
