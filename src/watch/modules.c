#define _GNU_SOURCE
#include "watch/modules.h"

#include "base/bits.h"
#include "base/text.h"
#include "os/os.h"

#include <elf.h>
#include <link.h>
#include <string.h>

struct note {
    uint32_t name_size;
    uint32_t size;
    uint32_t type;
};

static void
copy_build_id(struct tn_module *module, const char *note, size_t length)
{
    const char *end = note + length;
    while ((size_t)(end - note) >= sizeof(struct note)) {
        struct note head;
        memcpy(&head, note, sizeof head);
        const char *name = note + sizeof head;
        const char *id = name + tn_align_up(head.name_size, 4);
        if (head.name_size > length || head.size > length || id > end ||
            (size_t)(end - id) < head.size) {
            return;
        }
        if (head.type == NT_GNU_BUILD_ID && head.name_size == 4 && memcmp(name, "GNU", 4) == 0) {
            for (uint32_t i = 0; i < head.size && 2 * i + 2 < TN_MODULE_BUILD_ID; i++) {
                unsigned byte = (unsigned char)id[i];
                module->build_id[2 * i] = "0123456789abcdef"[byte >> 4];
                module->build_id[2 * i + 1] = "0123456789abcdef"[byte & 15];
            }
            return;
        }
        note = id + tn_align_up(head.size, 4);
    }
}

static int
add(struct dl_phdr_info *info, size_t size, void *context)
{
    (void)size;
    struct tn_out *out = context;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD || (segment->p_flags & PF_X) == 0) {
            continue;
        }
        struct tn_module *module = tn_out_room(out, sizeof *module);
        if (module == NULL) {
            return 1;
        }
        module->base = info->dlpi_addr;
        module->start = tn_align_down(info->dlpi_addr + segment->p_vaddr, 4096);
        module->end = tn_align_up(info->dlpi_addr + segment->p_vaddr + segment->p_memsz, 4096);
        module->offset = tn_align_down(segment->p_offset, 4096);
        bool program = out->length == sizeof *module;
        if (*info->dlpi_name != 0) {
            tn_text(module->name, sizeof module->name, "%s", info->dlpi_name);
        } else if (program) {
            tn_os_program(module->name, sizeof module->name);
        } else {
            tn_text(module->name, sizeof module->name, "[vdso]");
        }
        for (unsigned k = 0; k < info->dlpi_phnum; k++) {
            const ElfW(Phdr) *note = &info->dlpi_phdr[k];
            if (note->p_type == PT_NOTE && module->build_id[0] == 0) {
                uintptr_t address = info->dlpi_addr + note->p_vaddr;
                copy_build_id(module, (const char *)address, note->p_memsz);
            }
        }
    }
    return 0;
}

size_t
tn_modules(struct tn_out *out)
{
    dl_iterate_phdr(add, out);
    return out->length / sizeof(struct tn_module);
}

const struct tn_module *
tn_module_of(const struct tn_out *out, uintptr_t address)
{
    const struct tn_module *modules = (const struct tn_module *)(const void *)out->bytes;
    size_t count = out->length / sizeof *modules;
    for (size_t i = 0; i < count; i++) {
        if (address >= modules[i].start && address < modules[i].end) {
            return &modules[i];
        }
    }
    return NULL;
}
