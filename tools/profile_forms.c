/* The forms that `tarn profile` writes a profile in. */
#include "profile_read.h"

#include "json_text.h"
#include "terminal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    EVENTS = 200000 /* heaptrack's, about at most */
};

struct function {
    const char *name;
    uint64_t own;     /* where it is the innermost */
    uint64_t all;     /* where it is on the stack */
    size_t last_seen; /* the sample counted last */
};

static int
by_all(const void *a, const void *b)
{
    const struct function *one = a;
    const struct function *other = b;
    if (one->own != other->own) {
        return one->own < other->own ? 1 : -1;
    }
    return (one->all < other->all) - (one->all > other->all);
}

static struct function *
function_of(struct function *functions, size_t *count, const char *name)
{
    for (size_t i = 0; i < *count; i++) {
        if (strcmp(functions[i].name, name) == 0) {
            return &functions[i];
        }
    }
    char *copy = strdup(name);
    functions[*count] = (struct function){.name = copy, .last_seen = SIZE_MAX};
    return copy != NULL ? &functions[(*count)++] : &functions[*count];
}

static void
show(FILE *out, uint64_t number, enum profile_value value)
{
    char room[TERMINAL_SIZE_ROOM];
    if (value == ALLOC_SPACE || value == INUSE_SPACE) {
        fprintf(out, "%12s", terminal_size(room, (double)number));
    } else {
        fprintf(out, "%12" PRIu64, number);
    }
}

static void
put_function(FILE *out, const struct function *function, uint64_t total, enum profile_value value)
{
    show(out, function->own, value);
    fprintf(out, " %5.1f%% ", 100 * (double)function->own / (double)total);
    show(out, function->all, value);
    fprintf(out, " %5.1f%%  %s\n", 100 * (double)function->all / (double)total, function->name);
}

/* Why there is not one function to name. */
static void
say_nothing_there(const struct profile_file *profile, FILE *out, enum profile_value value)
{
    bool allocated = false;
    for (size_t i = 0; i < profile->sample_count; i++) {
        allocated |= profile->samples[i].values[ALLOC_OBJECTS] != 0;
    }
    if (!allocated) {
        fputs("no sample was taken; a smaller interval (TARN_PROFILE_INTERVAL) takes more\n", out);
    } else {
        fprintf(out, "no sampled block was live at the end; --value %s shows what was allocated\n",
                value == INUSE_OBJECTS ? "alloc_objects" : "alloc_space");
    }
}

void
profile_text(const struct profile_file *profile, FILE *out, enum profile_value value)
{
    static const char *const names[] = {"blocks allocated", "bytes allocated", "blocks live",
                                        "bytes live"};
    struct function *functions = calloc(profile->place_count + 1, sizeof *functions);
    size_t count = 0;
    uint64_t total = 0;
    for (size_t i = 0; functions != NULL && i < profile->sample_count; i++) {
        const struct profile_sample *sample = &profile->samples[i];
        total += sample->values[value];
        for (size_t k = 0; k < sample->depth; k++) {
            const char *name = profile_place_name(profile, sample->places[k]);
            struct function *function = function_of(functions, &count, name);
            function->own += k == 0 ? sample->values[value] : 0;
            function->all += function->last_seen != i ? sample->values[value] : 0;
            function->last_seen = i;
        }
    }
    fprintf(out, "%s: ", names[value]);
    show(out, total, value);
    fprintf(out, ", a sample every %" PRIu64 " bytes\n", profile->period);
    if (total == 0) {
        say_nothing_there(profile, out, value);
    } else {
        fprintf(out, "%12s %6s %12s %6s  %s\n", "there", "", "below", "", "function");
    }
    if (functions != NULL) {
        qsort(functions, count, sizeof *functions, by_all);
    }
    for (size_t i = 0; i < count; i++) {
        if (functions[i].all != 0) {
            put_function(out, &functions[i], total, value);
        }
        free((void *)(uintptr_t)functions[i].name);
    }
    free(functions);
}

/* One line for each stack, outermost first, for flame graphs: a;b;c 123. */
void
profile_collapsed(const struct profile_file *profile, FILE *out, enum profile_value value)
{
    for (size_t i = 0; i < profile->sample_count; i++) {
        const struct profile_sample *sample = &profile->samples[i];
        if (sample->values[value] == 0) {
            continue;
        }
        for (size_t k = sample->depth; k-- > 0;) {
            for (const char *c = profile_place_name(profile, sample->places[k]); *c != 0; c++) {
                fputc(*c == ';' || *c == '\n' ? ':' : *c, out);
            }
            fputc(k != 0 ? ';' : ' ', out);
        }
        fprintf(out, "%s%" PRIu64 "\n", sample->depth == 0 ? "[unknown] " : "",
                sample->values[value]);
    }
}

void
profile_json(const struct profile_file *profile, FILE *out)
{
    fprintf(out, "{\"interval\": %" PRIu64 ", \"seconds\": %.3f, \"stacks\": [", profile->period,
            (double)profile->duration / 1e9);
    for (size_t i = 0; i < profile->sample_count; i++) {
        const struct profile_sample *sample = &profile->samples[i];
        fprintf(out,
                "%s\n {\"alloc_objects\": %" PRIu64 ", \"alloc_space\": %" PRIu64
                ", \"inuse_objects\": %" PRIu64 ", \"inuse_space\": %" PRIu64 ", \"stack\": [",
                i != 0 ? "," : "", sample->values[ALLOC_OBJECTS], sample->values[ALLOC_SPACE],
                sample->values[INUSE_OBJECTS], sample->values[INUSE_SPACE]);
        for (size_t k = 0; k < sample->depth; k++) {
            fputs(k != 0 ? ", " : "", out);
            json_string(out, profile_place_name(profile, sample->places[k]));
        }
        fputs("]}", out);
    }
    fputs("]}\n", out);
}

/* heaptrack numbers what it has met: strings, places and traces from 1, kinds of blocks from 0. */
struct numbers {
    size_t strings;
    size_t places;
    size_t traces;
    size_t infos;
    uint64_t group; /* blocks that an event stands for */
};

static size_t
put_string(FILE *out, struct numbers *numbers, const char *text)
{
    if (text == NULL) {
        return 0;
    }
    fprintf(out, "s %zx %s\n", strlen(text), text);
    return ++numbers->strings;
}

static size_t
put_place(const struct profile_file *profile, FILE *out, struct numbers *numbers,
          struct profile_place *place)
{
    if (place->number == 0) {
        size_t function = put_string(out, numbers, place->function);
        size_t file = put_string(out, numbers, place->file);
        size_t module = place->mapping != 0 ? profile->mappings[place->mapping - 1].number : 0;
        fprintf(out, "i %" PRIx64 " %zx", place->address, module);
        if (function != 0) {
            fprintf(out, " %zx", function);
        }
        if (function != 0 && file != 0) {
            fprintf(out, " %zx %x", file, (unsigned)place->line);
        }
        fputc('\n', out);
        place->number = ++numbers->places;
    }
    return place->number;
}

/* A stack's blocks, so many with so many bytes together, as events. */
static void
put_blocks(struct profile_file *profile, FILE *out, struct numbers *numbers,
           const struct profile_sample *sample, uint64_t count, uint64_t bytes, bool freed)
{
    size_t parent = 0;
    if (count == 0) {
        return;
    }
    for (size_t k = sample->depth; k-- > 0;) {
        size_t place = put_place(profile, out, numbers, &profile->places[sample->places[k]]);
        fprintf(out, "t %zx %zx\n", place, parent);
        parent = ++numbers->traces;
    }
    uint64_t events = (count + numbers->group - 1) / numbers->group;
    fprintf(out, "a %" PRIx64 " %zx\n", (bytes + events / 2) / events, parent);
    for (uint64_t i = 0; i < events; i++) {
        fprintf(out, freed ? "+ %zx\n- %zx\n" : "+ %zx\n", numbers->infos, numbers->infos);
    }
    numbers->infos++;
}

/*
 * heaptrack's file, version 3, as its interpreter writes it: every stack's blocks as events, first
 * those that were freed. Where there would be too many, an event stands for several blocks: bytes
 * are right, and numbers of calls are less.
 */
void
profile_heaptrack(struct profile_file *profile, FILE *out)
{
    struct numbers numbers = {.group = 1};
    uint64_t blocks = 0;
    fputs("v 10400 3\nX (a sampled profile of Tarn's)\nI 1000 1\n", out);
    for (size_t i = 0; i < profile->mapping_count; i++) {
        profile->mappings[i].number = put_string(out, &numbers, profile->mappings[i].path);
    }
    for (size_t i = 0; i < profile->sample_count; i++) {
        blocks += profile->samples[i].values[ALLOC_OBJECTS];
    }
    numbers.group = blocks / EVENTS + 1;
    fputs("c 0\n", out);
    for (size_t i = 0; i < profile->sample_count; i++) {
        const uint64_t *values = profile->samples[i].values;
        put_blocks(profile, out, &numbers, &profile->samples[i],
                   values[ALLOC_OBJECTS] - values[INUSE_OBJECTS],
                   values[ALLOC_SPACE] - values[INUSE_SPACE], true);
    }
    fprintf(out, "c %" PRIx64 "\n", profile->duration / 1000000);
    for (size_t i = 0; i < profile->sample_count; i++) {
        const uint64_t *values = profile->samples[i].values;
        put_blocks(profile, out, &numbers, &profile->samples[i], values[INUSE_OBJECTS],
                   values[INUSE_SPACE], false);
    }
}
