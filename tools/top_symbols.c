/* Names of functions in another process, by elfutils. */
#include "top_view.h"

#include <elfutils/libdwfl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct top_symbols {
    Dwfl *dwfl;
};

static char *debug_path;

static const Dwfl_Callbacks callbacks = {
    .find_elf = dwfl_linux_proc_find_elf,
    .find_debuginfo = dwfl_standard_find_debuginfo,
    .debuginfo_path = &debug_path,
};

static struct top_symbols *
symbols_of(struct top_target *target)
{
    if (target->symbols == NULL) {
        target->symbols = calloc(1, sizeof *target->symbols);
        if (target->symbols != NULL) {
            target->symbols->dwfl = dwfl_begin(&callbacks);
        }
    }
    Dwfl *dwfl = target->symbols != NULL ? target->symbols->dwfl : NULL;
    if (dwfl != NULL) { /* anew each time: libraries come and go */
        dwfl_report_begin_add(dwfl);
        dwfl_linux_proc_report(dwfl, target->pid);
        dwfl_report_end(dwfl, NULL, NULL);
    }
    return target->symbols;
}

/* Functions that allocate for whoever calls them, and tell nothing. */
static bool
is_wrapper(const char *name)
{
    static const char *const wrappers[] = {"_Zn",          "malloc",      "calloc",  "realloc",
                                           "xmalloc",      "xrealloc",    "xcalloc", "g_malloc",
                                           "operator new", "__libc_start"};
    for (size_t i = 0; i < sizeof wrappers / sizeof *wrappers; i++) {
        if (strncmp(name, wrappers[i], strlen(wrappers[i])) == 0) {
            return true;
        }
    }
    return false;
}

void
top_describe(struct top_target *target, const struct top_site *site, char *text, size_t size)
{
    size_t length = 0;
    struct top_symbols *symbols = symbols_of(target);
    text[0] = 0;
    for (unsigned i = 0; i < site->depth && length + 4 < size; i++) {
        Dwarf_Addr address = (uintptr_t)site->frames[i] - 1;
        Dwfl_Module *module = symbols != NULL && symbols->dwfl != NULL
                                  ? dwfl_addrmodule(symbols->dwfl, address)
                                  : NULL;
        const char *name = module != NULL ? dwfl_module_addrname(module, address) : NULL;
        char number[32];
        if (name == NULL) {
            snprintf(number, sizeof number, "0x%llx", (unsigned long long)address);
            name = number;
        }
        if (is_wrapper(name) && i + 1 < site->depth) {
            continue;
        }
        int wrote = snprintf(text + length, size - length, "%s%s", length != 0 ? " < " : "", name);
        length += wrote > 0 ? (size_t)wrote : 0;
    }
    if (text[0] == 0) {
        snprintf(text, size, "(no stack)");
    }
}

void
top_build_id(struct top_target *target, uintptr_t address, char *text, size_t size)
{
    struct top_symbols *symbols = symbols_of(target);
    Dwfl_Module *module =
        symbols != NULL && symbols->dwfl != NULL ? dwfl_addrmodule(symbols->dwfl, address) : NULL;
    const unsigned char *bits = NULL;
    GElf_Addr place;
    GElf_Addr bias;
    text[0] = 0;
    if (module == NULL || dwfl_module_getelf(module, &bias) == NULL) {
        return;
    }
    int length = dwfl_module_build_id(module, &bits, &place);
    for (int i = 0; i < length && (size_t)(2 * i + 3) <= size; i++) {
        snprintf(text + 2 * i, 3, "%02x", bits[i]);
    }
}

void
top_symbols_end(struct top_target *target)
{
    if (target->symbols != NULL) {
        if (target->symbols->dwfl != NULL) {
            dwfl_end(target->symbols->dwfl);
        }
        free(target->symbols);
        target->symbols = NULL;
    }
}
