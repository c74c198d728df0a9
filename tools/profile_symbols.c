/* Functions and lines of a profile's addresses, by elfutils, from the files that were mapped. */
#include "profile_read.h"

#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE ((uint64_t)4096)

static char *debug_path;

static const Dwfl_Callbacks callbacks = {
    .find_elf = dwfl_build_id_find_elf,
    .find_debuginfo = dwfl_standard_find_debuginfo,
    .section_address = dwfl_offline_section_address,
    .debuginfo_path = &debug_path,
};

/* What lies between the file's own addresses and those it had in the process. */
static bool
find_bias(const struct profile_mapping *mapping, uint64_t *bias)
{
    int file = open(mapping->path, O_RDONLY | O_CLOEXEC);
    bool found = false;
    if (file < 0) {
        return false;
    }
    Elf *elf = elf_begin(file, ELF_C_READ_MMAP, NULL);
    size_t count = 0;
    if (elf != NULL && elf_getphdrnum(elf, &count) == 0) {
        for (size_t i = 0; i < count && !found; i++) {
            GElf_Phdr head;
            if (gelf_getphdr(elf, (int)i, &head) != NULL && head.p_type == PT_LOAD &&
                (head.p_flags & PF_X) != 0 && (head.p_offset & ~(PAGE - 1)) == mapping->offset) {
                *bias = mapping->start - (head.p_vaddr & ~(PAGE - 1));
                found = true;
            }
        }
    }
    elf_end(elf);
    close(file);
    return found;
}

static void
name_place(Dwfl *dwfl, struct profile_place *place)
{
    Dwfl_Module *module = dwfl_addrmodule(dwfl, place->address);
    const char *name = module != NULL ? dwfl_module_addrname(module, place->address) : NULL;
    Dwfl_Line *line = module != NULL ? dwfl_module_getsrc(module, place->address) : NULL;
    if (name != NULL) {
        place->function = strndup(name, strcspn(name, "@")); /* without its version */
    }
    if (line != NULL) {
        const char *file = dwfl_lineinfo(line, NULL, &place->line, NULL, NULL, NULL);
        place->file = file != NULL ? strdup(file) : NULL;
    }
}

void
profile_name(struct profile_file *profile)
{
    elf_version(EV_CURRENT);
    Dwfl *dwfl = dwfl_begin(&callbacks);
    if (dwfl == NULL) {
        return;
    }
    dwfl_report_begin(dwfl);
    for (size_t i = 0; i < profile->mapping_count; i++) {
        const struct profile_mapping *mapping = &profile->mappings[i];
        uint64_t bias;
        if (find_bias(mapping, &bias)) {
            dwfl_report_elf(dwfl, mapping->path, mapping->path, -1, bias, true);
        }
    }
    dwfl_report_end(dwfl, NULL, NULL);
    for (size_t i = 0; i < profile->place_count; i++) {
        name_place(dwfl, &profile->places[i]);
    }
    dwfl_end(dwfl);
}

const char *
profile_place_name(const struct profile_file *profile, size_t place)
{
    static char rooms[3][320];
    static unsigned turn;
    const struct profile_place *one = &profile->places[place];
    char *room = rooms[turn++ % 3];
    if (one->function != NULL) {
        return one->function;
    }
    if (one->mapping == 0) {
        snprintf(room, sizeof rooms[0], "0x%llx", (unsigned long long)one->address);
    } else {
        const struct profile_mapping *mapping = &profile->mappings[one->mapping - 1];
        const char *slash = strrchr(mapping->path, '/');
        snprintf(room, sizeof rooms[0], "%.255s+0x%llx", slash != NULL ? slash + 1 : mapping->path,
                 (unsigned long long)(one->address - mapping->start + mapping->offset));
    }
    return room;
}
