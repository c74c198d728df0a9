/*
 * `tarn profile`: a profile that the library wrote, read back and given names.
 */
#ifndef TARN_PROFILE_READ_H
#define TARN_PROFILE_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum profile_value {
    ALLOC_OBJECTS,
    ALLOC_SPACE,
    INUSE_OBJECTS,
    INUSE_SPACE,
    PROFILE_VALUES
};

struct profile_mapping {
    uint64_t start;
    uint64_t end;
    uint64_t offset;
    char *path;
    size_t number; /* of heaptrack's strings */
};

struct profile_place {
    uint64_t address;
    size_t mapping; /* counting from 1; 0: none */
    char *function; /* NULL: nobody knows */
    char *file;
    int line;
    size_t number; /* of heaptrack's instructions */
};

struct profile_sample {
    uint64_t values[PROFILE_VALUES];
    size_t depth;
    size_t *places; /* innermost first, counting from 0 */
};

struct profile_file {
    struct profile_mapping *mappings;
    size_t mapping_count;
    struct profile_place *places;
    size_t place_count;
    struct profile_sample *samples;
    size_t sample_count;
    uint64_t period;
    uint64_t duration; /* nanoseconds */
    char error[256];
};

/* False: error says why. profile_drop in either case. */
bool profile_load(struct profile_file *profile, const char *path);
void profile_drop(struct profile_file *profile);

/* profile_symbols.c: names the places, as far as files tell. */
void profile_name(struct profile_file *profile);

/* What a place is called: its function, or its file and address. Good until the next call but two.
 */
const char *profile_place_name(const struct profile_file *profile, size_t place);

/* profile_forms.c */
void profile_text(const struct profile_file *profile, FILE *out, enum profile_value value);
void profile_collapsed(const struct profile_file *profile, FILE *out, enum profile_value value);
void profile_heaptrack(struct profile_file *profile, FILE *out);
/* profile_leaks.c: what is live, by stack, the most bytes first. */
void profile_leaks(const struct profile_file *profile, FILE *out);
void profile_json(const struct profile_file *profile, FILE *out);

#endif
