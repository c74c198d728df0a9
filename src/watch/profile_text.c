/* The profile as text: gperftools' heap profile, and what is live for people to read. */
#define _GNU_SOURCE
#include "watch/modules.h"
#include "watch/profile.h"

#include "base/bits.h"

#include <dlfcn.h>

/* Samples as they are: google-pprof un-samples them itself, by the interval in the header. */
static void
put_tallies(struct tn_out *out, const struct tn_tally *live, const struct tn_tally *allocated)
{
    tn_out_text(out, "%zu: %zu [%zu: %zu] @", (size_t)live->samples, (size_t)live->sample_bytes,
                (size_t)allocated->samples, (size_t)allocated->sample_bytes);
}

static void
add(struct tn_tally *sum, const struct tn_tally *one)
{
    sum->samples += one->samples;
    sum->sample_bytes += one->sample_bytes;
    sum->blocks += one->blocks;
    sum->bytes += one->bytes;
}

static void
put_hex(struct tn_out *out, uint64_t number, unsigned digits)
{
    while (digits-- > 0) {
        tn_out_byte(out, (unsigned char)"0123456789abcdef"[number >> 4 * digits & 15]);
    }
}

void
tn_profile_heap(const struct tn_profile *profile, struct tn_out *out)
{
    struct tn_tally live = {0};
    struct tn_tally allocated = {0};
    const struct tn_site_copy *site;
    for (size_t at = 0; (site = tn_profile_next(profile, &at)) != NULL;) {
        add(&live, &site->live);
        add(&allocated, &site->allocated);
    }
    tn_out_text(out, "heap profile: ");
    put_tallies(out, &live, &allocated);
    tn_out_text(out, " heap_v2/%zu\n", profile->interval);
    for (size_t at = 0; (site = tn_profile_next(profile, &at)) != NULL;) {
        put_tallies(out, &site->live, &site->allocated);
        for (size_t i = 0; i < site->depth; i++) {
            tn_out_text(out, " %p", tn_copy_frames(site)[i]);
        }
        tn_out_text(out, "\n");
    }
    tn_out_text(out, "\nMAPPED_LIBRARIES:\n");
    const struct tn_module *modules = (const void *)profile->modules.bytes;
    for (size_t i = 0; i < profile->modules.length / sizeof *modules; i++) {
        put_hex(out, modules[i].start, 12);
        tn_out_byte(out, '-');
        put_hex(out, modules[i].end, 12);
        tn_out_text(out, " r-xp ");
        put_hex(out, modules[i].offset, 8);
        tn_out_text(out, " 00:00 0          %s\n", modules[i].name);
    }
}

static void
put_frame(struct tn_out *out, const struct tn_profile *profile, void *frame)
{
    uintptr_t call = (uintptr_t)frame - 1;
    const struct tn_module *module = tn_module_of(&profile->modules, call);
    Dl_info info;
    tn_out_text(out, "    ");
    if (dladdr((void *)call, &info) != 0 && info.dli_sname != NULL) {
        tn_out_text(out, "%s ", info.dli_sname);
    }
    if (module != NULL) {
        tn_out_text(out, "(%s+%p)\n", module->name, (void *)(call - module->base));
    } else {
        tn_out_text(out, "(%p)\n", (void *)call);
    }
}

/* Offsets of sites with something live, the most bytes first: shell sort, for there may be many. */
static size_t
sort(const struct tn_profile *profile, struct tn_out *order)
{
    const struct tn_site_copy *site;
    size_t at = 0;
    size_t before = 0;
    while ((site = tn_profile_next(profile, &at)) != NULL) {
        if (site->live.samples != 0) {
            tn_out_bytes(order, &before, sizeof before);
        }
        before = at;
    }
    size_t *places = (void *)order->bytes;
    size_t count = order->length / sizeof *places;
    const unsigned char *base = profile->sites.bytes;
#define BYTES(place) (((const struct tn_site_copy *)(const void *)(base + (place)))->live.bytes)
    for (size_t gap = count / 2; gap > 0; gap /= 2) {
        for (size_t i = gap; i < count; i++) {
            size_t place = places[i];
            size_t k = i;
            for (; k >= gap && BYTES(places[k - gap]) < BYTES(place); k -= gap) {
                places[k] = places[k - gap];
            }
            places[k] = place;
        }
    }
#undef BYTES
    return count;
}

void
tn_profile_leaks(const struct tn_profile *profile, struct tn_out *out)
{
    struct tn_out order = {0};
    size_t count = sort(profile, &order);
    const size_t *places = (const void *)order.bytes;
    const char *about = profile->interval == 1 ? "" : "about ";
    struct tn_tally live = {0};
    for (size_t i = 0; i < count; i++) {
        const struct tn_site_copy *site = (const void *)(profile->sites.bytes + places[i]);
        add(&live, &site->live);
    }
    tn_out_text(out, "tarn: live: %s%zu bytes in %zu blocks, from %zu stacks", about,
                (size_t)(live.bytes / 1024), (size_t)(live.blocks / 1024), count);
    if (profile->interval == 1) {
        tn_out_text(out, "\n");
    } else {
        tn_out_text(out, " (a sample every %zu bytes)\n", profile->interval);
    }
    for (size_t i = 0; i < count; i++) {
        const struct tn_site_copy *site = (const void *)(profile->sites.bytes + places[i]);
        tn_out_text(out, "\n%s%zu bytes in %zu blocks, allocated at\n", about,
                    (size_t)(site->live.bytes / 1024), (size_t)(site->live.blocks / 1024));
        for (size_t k = 0; k < site->depth; k++) {
            put_frame(out, profile, tn_copy_frames(site)[k]);
        }
    }
    if (profile->lost != 0) {
        tn_out_text(out, "\n%zu samples were lost for want of memory\n", (size_t)profile->lost);
    }
    tn_out_drop(&order);
}
