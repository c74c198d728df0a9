/*
 * The files that the process's code is from: where each is mapped, and what identifies it.
 */
#ifndef TN_MODULES_H
#define TN_MODULES_H

#include "watch/out.h"

#pragma GCC visibility push(hidden)

#define TN_MODULE_NAME     512u
#define TN_MODULE_BUILD_ID 41u

/* One executable segment of one file. */
struct tn_module {
    uintptr_t start;
    uintptr_t end;
    uint64_t offset; /* in the file */
    uintptr_t base;  /* what addresses in the file's tables count from */
    char name[TN_MODULE_NAME];
    char build_id[TN_MODULE_BUILD_ID]; /* hexadecimal; empty: it has none */
};

/* Appends them to out, which holds nothing else, the program's own first. Takes the dynamic
 * linker's lock. Returns how many. */
size_t tn_modules(struct tn_out *out);

/* The module that address lies in; NULL when it is none's. */
const struct tn_module *tn_module_of(const struct tn_out *out, uintptr_t address);

#pragma GCC visibility pop

#endif
