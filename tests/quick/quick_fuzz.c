/* A fuzz target for libFuzzer, AFL++ (its libFuzzer mode) or fuzz_main.c: the first byte chooses
 * the options, the second the arena, the rest are operations for the model. */
#include "model.h"

#include "tarn/quick.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text {
    const uint8_t *at;
    const uint8_t *end;
};

static int
next(void *context)
{
    struct text *text = context;

    return text->at < text->end ? *text->at++ : -1;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t arenas[] = {2048, 4096, 16384, 65536};
    struct model_result result = {0, 0, 0};
    struct text text;
    const char *failed;
    void *memory;
    size_t arena;
    unsigned options;

    if (size < 2) {
        return 0;
    }
    options = data[0] & 31u;
    options |= data[0] & 0x80 ? 0x100u : 0;
    arena = arenas[data[1] & 3];
    text.at = data + 2;
    text.end = data + size;
    memory = malloc(arena);
    failed = model_run(memory, arena, options, next, &text, 8, &result);
    free(memory);
    if (failed != NULL) {
        fprintf(stderr, "%s\n", failed);
        abort();
    }
    return 0;
}
