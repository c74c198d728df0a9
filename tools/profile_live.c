/*
 * The profile of a process that runs, from its memory: what it knows of each stack, and which files
 * its code is from. It goes on meanwhile: a stack's figures may be those of different moments.
 */
#include "profile_live.h"

#include "base/bits.h"
#include "os/os.h"
#include "watch/modules.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    SITES_MOST = 1 << 20,
    LINE_MOST = 4400,
};

bool
live_is_process(const char *word)
{
    return *word != 0 && word[strspn(word, "0123456789")] == 0;
}

static void
at_most(struct tn_tally *live, const struct tn_tally *allocated)
{
    live->samples = tn_min(live->samples, allocated->samples);
    live->sample_bytes = tn_min(live->sample_bytes, allocated->sample_bytes);
    live->blocks = tn_min(live->blocks, allocated->blocks);
    live->bytes = tn_min(live->bytes, allocated->bytes);
}

static bool
copy_sites(struct top_target *target, struct tn_profile *profile)
{
    const struct tn_site *at;
    struct tn_site site;
    void *frames[TOP_FRAMES];
    if (!top_first_site(target, &at, &profile->interval)) {
        return top_fail(target,
                        "process %d (%s) is not profiled: 'tarn profile --start %d' does it",
                        (int)target->pid, target->name, (int)target->pid);
    }
    for (int i = 0; i < SITES_MOST && top_next_site(target, &at, &site, frames); i++) {
        struct tn_site_copy copy = {site.allocated, site.live, site.depth};
        at_most(&copy.live, &copy.allocated);
        tn_out_bytes(&profile->sites, &copy, sizeof copy);
        tn_out_bytes(&profile->sites, frames, site.depth * sizeof *frames);
    }
    return true;
}

/* A line of /proc/PID/maps that has code of a file. */
static bool
read_mapping(char *line, struct tn_module *module)
{
    unsigned long start;
    unsigned long end;
    unsigned long offset;
    char rights[5];
    int name = 0;
    line[strcspn(line, "\n")] = 0;
    if (sscanf(line, "%lx-%lx %4s %lx %*s %*s %n", &start, &end, rights, &offset, &name) < 4 ||
        name == 0 || rights[2] != 'x' || (line[name] != '/' && line[name] != '[')) {
        return false;
    }
    char *deleted = strstr(line + name, " (deleted)");
    if (deleted != NULL) {
        *deleted = 0;
    }
    *module =
        (struct tn_module){.start = start, .end = end, .offset = offset, .base = start - offset};
    snprintf(module->name, sizeof module->name, "%.*s", (int)sizeof module->name - 1, line + name);
    return true;
}

static bool
copy_modules(struct top_target *target, struct tn_out *modules)
{
    char path[64];
    char line[LINE_MOST];
    snprintf(path, sizeof path, "/proc/%d/maps", (int)target->pid);
    FILE *maps = fopen(path, "r");
    if (maps == NULL) {
        return top_fail(target, "%s: %s", path, strerror(errno));
    }
    while (fgets(line, sizeof line, maps) != NULL) {
        struct tn_module module;
        if (read_mapping(line, &module)) {
            top_build_id(target, module.start, module.build_id, sizeof module.build_id);
            tn_out_bytes(modules, &module, sizeof module);
        }
    }
    fclose(maps);
    return true;
}

bool
live_copy(struct top_target *target, struct tn_profile *profile)
{
    *profile = (struct tn_profile){.started = 0};
    if (!copy_sites(target, profile) || !copy_modules(target, &profile->modules) ||
        !top_read(target, (const void *)(uintptr_t)target->view.profile_time, &profile->started,
                  sizeof profile->started)) {
        tn_profile_drop(profile);
        return false;
    }
    profile->duration = tn_os_nanoseconds() - profile->started;
    if (profile->sites.failed || profile->modules.failed) {
        tn_profile_drop(profile);
        return top_fail(target, "no memory");
    }
    return true;
}

static bool
write_to(struct top_target *target, const struct tn_out *out, int file, const char *path)
{
    size_t done = 0;
    while (!out->failed && done < out->length) {
        ssize_t wrote = write(file, out->bytes + done, out->length - done);
        if (wrote < 0 && errno == EINTR) {
            continue;
        }
        if (wrote <= 0) {
            return top_fail(target, "%s: %s", path, strerror(errno));
        }
        done += (size_t)wrote;
    }
    return !out->failed || top_fail(target, "no memory");
}

bool
live_load(struct top_target *target, struct profile_file *profile)
{
    struct tn_profile copy;
    struct tn_out out = {0};
    char path[64];
    *profile = (struct profile_file){.error = ""};
    if (!live_copy(target, &copy)) {
        return false;
    }
    tn_profile_pprof(&copy, &out);
    tn_profile_drop(&copy);
    int file = memfd_create("profile", MFD_CLOEXEC);
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    bool good = file >= 0 && write_to(target, &out, file, path);
    tn_out_drop(&out);
    if (good && !profile_load(profile, path)) {
        good = top_fail(target, "%s", profile->error);
    }
    if (file >= 0) {
        close(file);
    }
    return good;
}

/* For people, with names: what the library writes into a .txt file has fewer. */
static bool
dump_text(struct top_target *target, const char *path)
{
    struct profile_file profile;
    bool good = live_load(target, &profile);
    if (good) {
        profile_name(&profile);
        FILE *out = fopen(path, "w");
        if (out != NULL) {
            profile_leaks(&profile, out);
        }
        if (out == NULL || ferror(out) || fclose(out) != 0) {
            good = top_fail(target, "%s: %s", path, strerror(errno));
        }
    }
    profile_drop(&profile);
    return good;
}

bool
live_dump(struct top_target *target, const char *path)
{
    struct tn_profile profile;
    struct tn_out out = {0};
    enum tarn_profile_format format = tn_profile_format_of(path);
    if (format == TARN_PROFILE_LEAKS) {
        return dump_text(target, path);
    }
    if (!live_copy(target, &profile)) {
        return false;
    }
    (format == TARN_PROFILE_HEAP ? tn_profile_heap : tn_profile_pprof)(&profile, &out);
    tn_profile_drop(&profile);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    bool good = file >= 0 ? write_to(target, &out, file, path)
                          : top_fail(target, "%s: %s", path, strerror(errno));
    tn_out_drop(&out);
    if (file >= 0 && close(file) != 0 && good) {
        good = top_fail(target, "%s: %s", path, strerror(errno));
    }
    return good;
}
