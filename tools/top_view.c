#include "top_view.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    LINE_MOST = 4400,
    PART = 1 << 20,
    DATA_MOST = 64 << 20, /* of a mapping that is looked through */
};

bool
top_fail(struct top_target *target, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(target->error, sizeof target->error, format, arguments);
    va_end(arguments);
    return false;
}

/* got: of process_vm_readv or its fellow. */
static bool
judge(struct top_target *target, ssize_t got, size_t size, const void *address)
{
    if (got == (ssize_t)size) {
        return true;
    }
    if (got < 0 && errno == ESRCH) {
        return top_fail(target, "process %d has ended", (int)target->pid);
    }
    if (got < 0 && errno == EPERM) {
        return top_fail(target,
                        "no permission to read process %d: only its user may, where "
                        "/proc/sys/kernel/yama/ptrace_scope is 0, or root",
                        (int)target->pid);
    }
    return top_fail(target, "process %d has no memory at %p", (int)target->pid, address);
}

bool
top_read(struct top_target *target, const void *address, void *bytes, size_t size)
{
    struct iovec here = {bytes, size};
    struct iovec there = {(void *)(uintptr_t)address, size};
    return judge(target, process_vm_readv(target->pid, &here, 1, &there, 1, 0), size, address);
}

bool
top_write(struct top_target *target, void *address, const void *bytes, size_t size)
{
    struct iovec here = {(void *)(uintptr_t)bytes, size};
    struct iovec there = {address, size};
    return judge(target, process_vm_writev(target->pid, &here, 1, &there, 1, 0), size, address);
}

static void
read_name(struct top_target *target)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/comm", (int)target->pid);
    FILE *file = fopen(path, "r");
    if (file == NULL || fgets(target->name, sizeof target->name, file) == NULL) {
        target->name[0] = 0;
    }
    target->name[strcspn(target->name, "\n")] = 0;
    if (file != NULL) {
        fclose(file);
    }
}

/* Looks for the view's magic in a range, of which every multiple of 8 may be its start. */
static bool
search(struct top_target *target, uintptr_t start, uintptr_t end, unsigned char *part)
{
    for (uintptr_t at = start; at < end; at += PART) {
        size_t size = end - at < PART ? end - at : PART;
        if (!top_read(target, (const void *)at, part, size)) {
            return false;
        }
        for (size_t i = 0; i + sizeof(struct tn_view) <= size; i += 8) {
            struct tn_view view;
            memcpy(&view, part + i, sizeof view);
            char byte; /* a copy that the linker's work has not reached points nowhere */
            if (memcmp(view.magic, tn_view.magic, TN_VIEW_MAGIC) == 0 &&
                top_read(target, view.heap, &byte, 1)) {
                target->view = view;
                return true;
            }
        }
    }
    return false;
}

/* Whether a file may hold Tarn: its library, or the program itself where it is linked in. */
static bool
may_hold(const char *path, const char *program)
{
    const char *name = strrchr(path, '/');
    return name != NULL && (strncmp(name + 1, "libtarn", 7) == 0 || strcmp(path, program) == 0);
}

static bool
find_view(struct top_target *target)
{
    char path[64];
    char program[LINE_MOST];
    char line[LINE_MOST];
    unsigned char *part = malloc(PART);
    snprintf(path, sizeof path, "/proc/%d/exe", (int)target->pid);
    ssize_t length = readlink(path, program, sizeof program - 1);
    program[length > 0 ? length : 0] = 0;
    snprintf(path, sizeof path, "/proc/%d/maps", (int)target->pid);
    FILE *maps = fopen(path, "r");
    if (maps == NULL || part == NULL) {
        int why = errno;
        free(part);
        if (maps != NULL) {
            fclose(maps);
        }
        if (why == ENOENT || why == ESRCH) {
            return top_fail(target, "there is no process %d", (int)target->pid);
        }
        return top_fail(target, "/proc/%d/maps: %s", (int)target->pid, strerror(why));
    }
    bool found = false;
    bool refused = false;
    while (!found && !refused && fgets(line, sizeof line, maps) != NULL) {
        unsigned long start;
        unsigned long end;
        char rights[5];
        int name = 0;
        line[strcspn(line, "\n")] = 0;
        if (sscanf(line, "%lx-%lx %4s %*s %*s %*s %n", &start, &end, rights, &name) < 3 ||
            name == 0 || rights[0] != 'r' || rights[2] == 'x' || end - start > DATA_MOST ||
            !may_hold(line + name, program)) {
            continue;
        }
        target->error[0] = 0;
        found = search(target, start, end, part);
        refused = !found && strstr(target->error, "permission") != NULL;
    }
    bool any = !feof(maps) || found || ftell(maps) != 0;
    fclose(maps);
    free(part);
    if (found || refused) {
        return found;
    }
    return top_fail(target,
                    any ? "process %d (%s) does not run on Tarn" : "process %d (%s) has no memory",
                    (int)target->pid, target->name);
}

bool
top_open(struct top_target *target, pid_t pid)
{
    *target = (struct top_target){.pid = pid};
    read_name(target);
    if (!find_view(target)) {
        return false;
    }
    target->view.version[sizeof target->view.version - 1] = 0;
    if (target->view.layout != TN_VIEW_LAYOUT) {
        return top_fail(
            target,
            "process %d (%s) runs on another build of Tarn (%s) than this tarn (%s) can read",
            (int)pid, target->name, target->view.version, tn_view.version);
    }
    return true;
}

void
top_close(struct top_target *target)
{
    top_symbols_end(target);
}
