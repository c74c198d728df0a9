/* What a profile says is live, by stack, for people. */
#include "profile_read.h"

#include "terminal.h"

#include <inttypes.h>
#include <stdlib.h>

static int
by_bytes(const void *a, const void *b)
{
    const struct profile_sample *const *one = a;
    const struct profile_sample *const *other = b;
    uint64_t bytes = (*one)->values[INUSE_SPACE];
    uint64_t others = (*other)->values[INUSE_SPACE];
    return (bytes < others) - (bytes > others);
}

static void
amount(FILE *out, const char *about, uint64_t bytes, uint64_t blocks)
{
    char room[TERMINAL_SIZE_ROOM];
    fprintf(out, "%s%" PRIu64 " bytes", about, bytes);
    if (bytes >= 1024) {
        fprintf(out, " (%s)", terminal_size(room, (double)bytes));
    }
    fprintf(out, " in %" PRIu64 " %s", blocks, blocks == 1 ? "block" : "blocks");
}

static void
put_stack(const struct profile_file *profile, FILE *out, const struct profile_sample *sample)
{
    for (size_t k = 0; k < sample->depth; k++) {
        const struct profile_place *place = &profile->places[sample->places[k]];
        fprintf(out, "    %s", profile_place_name(profile, sample->places[k]));
        if (place->file != NULL) {
            fprintf(out, " (%s:%d)", place->file, place->line);
        } else if (place->function != NULL && place->mapping != 0) {
            fprintf(out, " (%s)", profile->mappings[place->mapping - 1].path);
        }
        fputc('\n', out);
    }
}

void
profile_leaks(const struct profile_file *profile, FILE *out)
{
    const struct profile_sample **order = calloc(profile->sample_count + 1, sizeof *order);
    const char *about = profile->period == 1 ? "" : "about ";
    size_t count = 0;
    uint64_t bytes = 0;
    uint64_t blocks = 0;
    for (size_t i = 0; order != NULL && i < profile->sample_count; i++) {
        const struct profile_sample *sample = &profile->samples[i];
        if (sample->values[INUSE_OBJECTS] != 0) {
            order[count++] = sample;
            bytes += sample->values[INUSE_SPACE];
            blocks += sample->values[INUSE_OBJECTS];
        }
    }
    fputs("live: ", out);
    amount(out, about, bytes, blocks);
    fprintf(out, ", from %zu %s", count, count == 1 ? "stack" : "stacks");
    if (profile->period != 1) {
        fprintf(out, " (a sample every %" PRIu64 " bytes)", profile->period);
    }
    fputc('\n', out);
    if (order != NULL) {
        qsort(order, count, sizeof *order, by_bytes);
    }
    for (size_t i = 0; i < count; i++) {
        fputc('\n', out);
        amount(out, about, order[i]->values[INUSE_SPACE], order[i]->values[INUSE_OBJECTS]);
        fputs(", allocated at\n", out);
        put_stack(profile, out, order[i]);
    }
    free(order);
}
