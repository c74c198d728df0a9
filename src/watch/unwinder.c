/*
 * The compiler's unwinder, loaded: for the shared library alone. A static program's dlopen does not
 * work, and linking it warns of that.
 */
#define _GNU_SOURCE
#include "watch/stack.h"

#include <dlfcn.h>
#include <stddef.h>

void *
tn_unwinder_symbol(const char *name)
{
    static void *library;
    if (library == NULL) {
        library = dlopen("libgcc_s.so.1", RTLD_NOW);
    }
    return library != NULL ? dlsym(library, name) : NULL;
}
