/* A quickfit heap and a plain reference, driven by a string of bytes. */
#ifndef MODEL_H
#define MODEL_H

#include <stddef.h>
#include <stdint.h>

struct model_result {
    uint64_t operations;
    uint64_t refused; /* allocations that gave NULL */
    uint64_t checks;  /* whole-heap checks */
};

/* Runs the operations that `next` (0 to 255, or -1 at the end) spells, in a heap of `arena` bytes
 * at `memory` and up to two more regions inside it. Checks contents, zeroing, alignment, overlap,
 * tags and, each `every` operations, all invariants. Returns NULL, or what failed first. */
const char *model_run(void *memory, size_t arena, unsigned options, int (*next)(void *context),
                      void *context, uint64_t every, struct model_result *result);

#endif
