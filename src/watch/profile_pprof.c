/*
 * profile.proto, as github.com/google/pprof describes it: four values for each stack. An address is
 * that of the call, one byte before where it returns.
 */
#include "watch/modules.h"
#include "watch/profile.h"

#include "base/bits.h"

#include <string.h>

enum text {
    NOTHING,
    ALLOC_OBJECTS,
    ALLOC_SPACE,
    INUSE_OBJECTS,
    INUSE_SPACE,
    COUNT,
    BYTES,
    SPACE,
    LOST,
    TEXTS
};

static const char *const texts[TEXTS] = {
    "",
    "alloc_objects",
    "alloc_space",
    "inuse_objects",
    "inuse_space",
    "count",
    "bytes",
    "space",
    "samples were lost for want of memory",
};

enum field {
    SAMPLE_TYPE = 1,
    SAMPLE = 2,
    MAPPING = 3,
    LOCATION = 4,
    STRING = 6,
    TIME = 9,
    DURATION = 10,
    PERIOD_TYPE = 11,
    PERIOD = 12,
    COMMENT = 13,
    DEFAULT_TYPE = 14,
};

/* Addresses and their locations' numbers: open addressing, a power of two of entries. */
struct address {
    uintptr_t address;
    size_t id;
};

struct addresses {
    struct tn_out table;
    size_t room;
    size_t count;
    struct tn_out part; /* messages inside the profile, one after the other */
    struct tn_out list;
    struct tn_out place;
};

static struct tn_out *
empty(struct tn_out *out)
{
    out->length = 0;
    return out;
}

static void
put_type(struct tn_out *out, struct tn_out *part, enum field field, enum text type, enum text unit)
{
    empty(part);
    tn_out_field(part, 1, type);
    tn_out_field(part, 2, unit);
    tn_out_part(out, field, part->bytes, part->length);
}

static bool
make_table(struct addresses *addresses, size_t frames)
{
    addresses->room = 128;
    while (addresses->room < 2 * frames) {
        addresses->room *= 2;
    }
    return tn_out_room(&addresses->table, addresses->room * sizeof(struct address)) != NULL;
}

static void
put_location(struct tn_out *out, struct tn_out *part, const struct tn_profile *profile, size_t id,
             uintptr_t address)
{
    const struct tn_module *modules = (const void *)profile->modules.bytes;
    const struct tn_module *module = tn_module_of(&profile->modules, address);
    empty(part);
    tn_out_field(part, 1, id);
    if (module != NULL) {
        tn_out_field(part, 2, (uint64_t)(module - modules) + 1);
    }
    tn_out_field(part, 3, address);
    tn_out_part(out, LOCATION, part->bytes, part->length);
}

static size_t
location_of(struct tn_out *out, const struct tn_profile *profile, struct addresses *addresses,
            uintptr_t address)
{
    struct address *table = (void *)addresses->table.bytes;
    size_t slot = tn_mix(address) & (addresses->room - 1);
    while (table[slot].id != 0 && table[slot].address != address) {
        slot = (slot + 1) & (addresses->room - 1);
    }
    if (table[slot].id == 0) {
        table[slot].address = address;
        table[slot].id = ++addresses->count;
        put_location(out, &addresses->place, profile, table[slot].id, address);
    }
    return table[slot].id;
}

static uint64_t
whole(uint64_t thousandths)
{
    return (thousandths + 512) / 1024;
}

static void
put_sample(struct tn_out *out, const struct tn_profile *profile, struct addresses *addresses,
           const struct tn_site_copy *site)
{
    struct tn_out *part = empty(&addresses->part);
    struct tn_out *list = empty(&addresses->list);
    for (size_t i = 0; i < site->depth; i++) {
        uintptr_t address = (uintptr_t)tn_copy_frames(site)[i] - 1;
        tn_out_varint(list, location_of(out, profile, addresses, address));
    }
    tn_out_part(part, 1, list->bytes, list->length);
    empty(list);
    tn_out_varint(list, whole(site->allocated.blocks));
    tn_out_varint(list, whole(site->allocated.bytes));
    tn_out_varint(list, whole(site->live.blocks));
    tn_out_varint(list, whole(site->live.bytes));
    tn_out_part(part, 2, list->bytes, list->length);
    tn_out_part(out, SAMPLE, part->bytes, part->length);
}

/* Names of mappings follow the fixed texts, two for each. */
static void
put_mappings(struct tn_out *out, struct tn_out *part, const struct tn_profile *profile)
{
    const struct tn_module *modules = (const void *)profile->modules.bytes;
    size_t count = profile->modules.length / sizeof *modules;
    for (size_t i = 0; i < count; i++) {
        empty(part);
        tn_out_field(part, 1, i + 1);
        tn_out_field(part, 2, modules[i].start);
        tn_out_field(part, 3, modules[i].end);
        tn_out_field(part, 4, modules[i].offset);
        tn_out_field(part, 5, TEXTS + 2 * i);
        tn_out_field(part, 6, TEXTS + 2 * i + 1);
        tn_out_part(out, MAPPING, part->bytes, part->length);
    }
}

static void
put_strings(struct tn_out *out, const struct tn_profile *profile)
{
    const struct tn_module *modules = (const void *)profile->modules.bytes;
    size_t count = profile->modules.length / sizeof *modules;
    for (unsigned i = 0; i < TEXTS; i++) {
        tn_out_part(out, STRING, texts[i], strlen(texts[i]));
    }
    for (size_t i = 0; i < count; i++) {
        tn_out_part(out, STRING, modules[i].name, strlen(modules[i].name));
        tn_out_part(out, STRING, modules[i].build_id, strlen(modules[i].build_id));
    }
}

void
tn_profile_pprof(const struct tn_profile *profile, struct tn_out *out)
{
    struct tn_out plain = {0};
    struct addresses addresses = {.count = 0};
    struct tn_out *part = &addresses.part;
    size_t frames = 0;
    size_t at = 0;
    const struct tn_site_copy *site;
    while ((site = tn_profile_next(profile, &at)) != NULL) {
        frames += site->depth;
    }
    if (!make_table(&addresses, frames)) {
        out->failed = true;
        return;
    }
    put_type(&plain, part, SAMPLE_TYPE, ALLOC_OBJECTS, COUNT);
    put_type(&plain, part, SAMPLE_TYPE, ALLOC_SPACE, BYTES);
    put_type(&plain, part, SAMPLE_TYPE, INUSE_OBJECTS, COUNT);
    put_type(&plain, part, SAMPLE_TYPE, INUSE_SPACE, BYTES);
    put_mappings(&plain, part, profile);
    at = 0;
    while ((site = tn_profile_next(profile, &at)) != NULL) {
        put_sample(&plain, profile, &addresses, site);
    }
    put_strings(&plain, profile);
    tn_out_field(&plain, TIME, profile->started);
    tn_out_field(&plain, DURATION, profile->duration);
    put_type(&plain, part, PERIOD_TYPE, SPACE, BYTES);
    tn_out_field(&plain, PERIOD, profile->interval);
    if (profile->lost != 0) {
        tn_out_field(&plain, COMMENT, LOST);
    }
    tn_out_field(&plain, DEFAULT_TYPE, INUSE_SPACE);
    tn_out_gzip(out, plain.bytes, plain.length);
    out->failed |=
        plain.failed || addresses.part.failed || addresses.list.failed || addresses.place.failed;
    tn_out_drop(&plain);
    tn_out_drop(&addresses.part);
    tn_out_drop(&addresses.list);
    tn_out_drop(&addresses.place);
    tn_out_drop(&addresses.table);
}
