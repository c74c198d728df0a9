/*
 * The fuzzer's cases that were kept, each a line of hexadecimal digits: runs them, or writes them
 * to files in a folder for the fuzzer to begin with.
 *
 *     fuzz_replay CASES [FOLDER]
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
parse(const char *line, uint8_t *data, size_t most)
{
    size_t size = 0;
    unsigned byte;
    while (size < most && sscanf(line + 2 * size, "%2x", &byte) == 1) {
        data[size++] = (uint8_t)byte;
    }
    return size;
}

static void
write_case(const char *folder, unsigned number, const uint8_t *data, size_t size)
{
    char name[4096];
    snprintf(name, sizeof name, "%s/kept-%u", folder, number);
    FILE *out = fopen(name, "w");
    if (out == NULL || fwrite(data, 1, size, out) != size || fclose(out) != 0) {
        perror(name);
        exit(1);
    }
}

int
main(int argc, char **argv)
{
    char line[1024];
    uint8_t data[sizeof line / 2];
    unsigned count = 0;
    FILE *cases = argc > 1 ? fopen(argv[1], "r") : NULL;
    if (cases == NULL) {
        fprintf(stderr, "usage: fuzz_replay CASES [FOLDER]\n");
        return 2;
    }
    while (fgets(line, sizeof line, cases) != NULL) {
        size_t size = parse(line, data, sizeof data);
        if (argc > 2) {
            write_case(argv[2], count, data, size);
        } else {
            LLVMFuzzerTestOneInput(data, size);
        }
        count++;
    }
    fclose(cases);
    printf("%u cases\n", count);
    return count == 0;
}
