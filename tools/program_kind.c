#include "program_kind.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    MOST_INTERPRETERS = 5 /* the kernel's own limit for scripts of scripts */
};

static bool
is_program(const char *path)
{
    struct stat file;
    if (stat(path, &file) != 0) {
        return false;
    }
    if (!S_ISREG(file.st_mode) || access(path, X_OK) != 0) {
        errno = EACCES;
        return false;
    }
    return true;
}

/* Along PATH, as execvp does. */
static bool
find(const char *name, char path[PATH_MAX])
{
    const char *search = getenv("PATH");
    if (strchr(name, '/') != NULL) {
        int length = snprintf(path, PATH_MAX, "%s", name);
        return length < PATH_MAX && is_program(path);
    }
    int reason = ENOENT;
    for (const char *at = search != NULL ? search : "/bin:/usr/bin"; *name != 0;) {
        size_t length = strcspn(at, ":");
        const char *dot = length == 0 ? "." : "";
        int written = snprintf(path, PATH_MAX, "%s%.*s/%s", dot, (int)length, at, name);
        if (written < PATH_MAX && is_program(path)) {
            return true;
        }
        reason = errno == EACCES ? EACCES : reason;
        if (at[length] == 0) {
            break;
        }
        at += length + 1;
    }
    errno = reason;
    return false;
}

static enum program_kind
judge_elf(int file, const ElfW(Ehdr) * head)
{
    const unsigned char own_class = sizeof(void *) == 8 ? ELFCLASS64 : ELFCLASS32;
    ElfW(Ehdr) self;
    int own = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    bool known = own >= 0 && pread(own, &self, sizeof self, 0) == (ssize_t)sizeof self;
    if (own >= 0) {
        close(own);
    }
    if (head->e_ident[EI_CLASS] != own_class || (known && head->e_machine != self.e_machine)) {
        return PROGRAM_FOREIGN;
    }
    for (unsigned i = 0; i < head->e_phnum; i++) {
        ElfW(Phdr) part;
        off_t at = (off_t)(head->e_phoff + (size_t)i * head->e_phentsize);
        if (pread(file, &part, sizeof part, at) != (ssize_t)sizeof part) {
            return PROGRAM_UNKNOWN;
        }
        if (part.p_type == PT_INTERP) {
            return PROGRAM_DYNAMIC;
        }
    }
    return PROGRAM_STATIC;
}

/* The word after #! of a script's first line. */
static bool
script_interpreter(char *line, char path[PATH_MAX])
{
    char *start = line + 2 + strspn(line + 2, " \t");
    start[strcspn(start, " \t\n")] = 0;
    return *start != 0 && find(start, path);
}

bool
program_look(const char *name, struct program *program)
{
    char path[PATH_MAX];
    memset(program, 0, sizeof *program);
    program->kind = PROGRAM_UNKNOWN;
    if (!find(name, program->path)) {
        program->path[0] = 0;
        return false;
    }
    strcpy(path, program->path);
    for (int depth = 0; depth < MOST_INTERPRETERS; depth++) {
        union {
            char text[PATH_MAX + 8];
            ElfW(Ehdr) head;
        } start;
        struct stat about;
        memset(&start, 0, sizeof start);
        int file = open(path, O_RDONLY | O_CLOEXEC);
        if (file < 0 || fstat(file, &about) != 0 ||
            pread(file, &start, sizeof start.text - 1, 0) < 2) {
            if (file >= 0) {
                close(file);
            }
            return true;
        }
        bool more_rights = ((about.st_mode & S_ISUID) != 0 && about.st_uid != getuid()) ||
                           ((about.st_mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP) &&
                            about.st_gid != getgid());
        if (memcmp(start.text, ELFMAG, SELFMAG) == 0) {
            program->kind = judge_elf(file, &start.head);
            if (program->kind == PROGRAM_DYNAMIC && more_rights) {
                program->kind = PROGRAM_PRIVILEGED;
            }
            close(file);
            return true;
        }
        close(file);
        if (memcmp(start.text, "#!", 2) != 0 || !script_interpreter(start.text, path)) {
            return true;
        }
        strcpy(program->interpreter, path);
    }
    return true;
}
