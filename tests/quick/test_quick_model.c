/* Random operations against the model, in arenas of 4 KiB, 64 KiB and 1 MiB and under every option.
 *
 *   test_quick_model [operations per arena and option] [seed] */
#include "model.h"

#include "tarn/quick.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

struct random {
    uint64_t state;
    uint64_t left;
};

static int
next(void *context)
{
    struct random *r = context;

    if (r->left == 0) {
        return -1;
    }
    r->left--;
    r->state ^= r->state << 13;
    r->state ^= r->state >> 7;
    r->state ^= r->state << 17;
    return (int)(r->state >> 24 & 0xff);
}

int
main(int argc, char **argv)
{
    static const size_t arenas[] = {4096, 65536, 1048576};
    static const unsigned options[] = {0,
                                       TARN_QUICK_IMMEDIATE,
                                       TARN_QUICK_ALIGN16,
                                       TARN_QUICK_TAGS,
                                       TARN_QUICK_CHECKED,
                                       TARN_QUICK_GROWS,
                                       TARN_QUICK_ALIGN16 | TARN_QUICK_IMMEDIATE,
                                       0x100,
                                       TARN_QUICK_ALIGN16 | TARN_QUICK_TAGS | TARN_QUICK_CHECKED |
                                           TARN_QUICK_GROWS | 0x100};
    uint64_t operations = argc > 1 ? strtoull(argv[1], NULL, 0) : 200000;
    uint64_t seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    size_t i;
    size_t j;

    for (i = 0; i < sizeof arenas / sizeof *arenas; i++) {
        for (j = 0; j < sizeof options / sizeof *options; j++) {
            struct random random = {seed * 0x9e3779b97f4a7c15u + i * 97 + j, operations * 3};
            struct model_result result = {0, 0, 0};
            void *memory = malloc(arenas[i]);
            const char *failed = model_run(memory, arenas[i], options[j], next, &random,
                                           arenas[i] < 65536 ? 16 : arenas[i] / 512, &result);

            printf("arena %zu, options %#x: %" PRIu64 " operations, %" PRIu64 " refused, %" PRIu64
                   " checks\n",
                   arenas[i], options[j], result.operations, result.refused, result.checks);
            free(memory);
            if (failed != NULL) {
                printf("FAILED: %s (seed %" PRIu64 ")\n", failed, seed);
                return 1;
            }
        }
    }
    return 0;
}
