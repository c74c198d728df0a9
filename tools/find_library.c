#include "find_library.h"

#include "command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MULTIARCH_X86 "/usr/lib/x86_64-linux-gnu"
#define MULTIARCH_ARM "/usr/lib/aarch64-linux-gnu"

static const char *const folders[] = {MULTIARCH_X86, MULTIARCH_ARM, "/usr/lib64", "/usr/local/lib",
                                      "/usr/lib",    "/lib64",      "/lib",       NULL};

/* From a program's folder to where its libraries and files may be. */
static const char *const own_places[] = {"/",
                                         "/../",
                                         "/../lib/",
                                         "/../lib/tarn/",
                                         "/../" TARN_LIBRARY_FOLDER "/",
                                         "/../" TARN_LIBRARY_FOLDER "/tarn/",
                                         "/../lib64/",
                                         "/../libexec/tarn/",
                                         "/../share/tarn/",
                                         NULL};

/* Known allocators, the best library of each first. */
static const struct {
    const char *name;
    const char *libraries[4];
} known[] = {
    {"jemalloc", {"libjemalloc.so.2", "libjemalloc.so"}},
    {"mimalloc", {"libmimalloc.so.3", "libmimalloc.so.2", "libmimalloc.so"}},
    {"tcmalloc", {"libtcmalloc_minimal.so.4", "libtcmalloc.so.4", "libtcmalloc_minimal.so"}},
};

#define KNOWN (sizeof known / sizeof *known)

static bool
join(char path[PATH_MAX], const char *folder, const char *between, const char *name)
{
    int length = snprintf(path, PATH_MAX, "%s%s%s", folder, between, name);
    return length > 0 && length < PATH_MAX && access(path, R_OK) == 0;
}

static bool
own_folder(char folder[PATH_MAX])
{
    ssize_t length = readlink("/proc/self/exe", folder, PATH_MAX - 1);
    if (length <= 0) {
        return false;
    }
    folder[length] = 0;
    char *slash = strrchr(folder, '/');
    if (slash == NULL) {
        return false;
    }
    *slash = 0;
    return true;
}

bool
find_own(const char *name, char path[PATH_MAX])
{
    char folder[PATH_MAX];
    char candidate[PATH_MAX];
    if (!own_folder(folder)) {
        return false;
    }
    for (const char *const *place = own_places; *place != NULL; place++) {
        if (join(candidate, folder, *place, name) && realpath(candidate, path) != NULL) {
            return true;
        }
    }
    return false;
}

bool
find_companion(const char *command, const char *name, char path[PATH_MAX])
{
    if (find_own(name, path)) {
        return true;
    }
    char folder[PATH_MAX];
    if (!own_folder(folder)) {
        snprintf(folder, sizeof folder, "this program's folder");
    }
    command_fail(command,
                 "%s is not there: looked in %s and in ../lib, ../lib/tarn, ../%s, "
                 "../lib64, ../libexec/tarn and ../share/tarn from there",
                 name, folder, TARN_LIBRARY_FOLDER);
    return false;
}

bool
find_tarn(const char *command, char path[PATH_MAX])
{
    const char *told = getenv("TARN_LIBRARY");
    if (told != NULL && *told != 0) {
        if (access(told, R_OK) == 0 && realpath(told, path) != NULL) {
            return true;
        }
        command_fail(command, "TARN_LIBRARY=%s: no such file, or it cannot be read", told);
        return false;
    }
    if (find_own("libtarn.so", path) || find_own("libtarn.so.1", path)) {
        return true;
    }
    find_companion(command, "libtarn.so", path);
    fputs("TARN_LIBRARY=/path/to/libtarn.so says where it is\n", stderr);
    return false;
}

/* The path that the dynamic linker's cache has for a library. */
static bool
in_cache(const char *library, char path[PATH_MAX])
{
    bool found = false;
    char line[PATH_MAX + 256];
    size_t length = strlen(library);
    FILE *cache = popen("PATH=/sbin:/usr/sbin:$PATH ldconfig -p 2>/dev/null", "r");
    while (cache != NULL && fgets(line, sizeof line, cache) != NULL) {
        const char *name = line + strspn(line, " \t");
        const char *arrow = strstr(line, "=> ");
        bool same = strncmp(name, library, length) == 0 && name[length] == ' ';
        bool of_this_size = strstr(line, sizeof(void *) == 8 ? "64" : "libc6") != NULL;
        if (!found && same && of_this_size && arrow != NULL) {
            line[strcspn(line, "\n")] = 0;
            found = join(path, arrow + 3, "", "");
        }
    }
    if (cache != NULL) {
        pclose(cache);
    }
    return found;
}

static bool
find_known(unsigned which, char path[PATH_MAX])
{
    for (unsigned i = 0; i < 4 && known[which].libraries[i] != NULL; i++) {
        const char *library = known[which].libraries[i];
        for (const char *const *folder = folders; *folder != NULL; folder++) {
            if (join(path, *folder, "/", library)) {
                return true;
            }
        }
        if (in_cache(library, path)) {
            return true;
        }
    }
    return false;
}

/* The C library is preloaded too, by the name the loader knows: some programs are linked with an
 * allocator of their own. */
static void
use_system(struct allocator *found)
{
    found->name = "system";
    strcpy(found->path, "libc.so.6");
}

unsigned
find_peers(struct allocator found[MOST_ALLOCATORS])
{
    unsigned count = 1;
    use_system(&found[0]);
    for (unsigned i = 0; i < KNOWN; i++) {
        if (find_known(i, found[count].path)) {
            found[count++].name = known[i].name;
        }
    }
    return count;
}

bool
find_allocator(const char *name, struct allocator *found)
{
    found->name = name;
    if (strcmp(name, "system") == 0) {
        use_system(found);
        return true;
    }
    if (strcmp(name, "tarn") == 0) {
        const char *told = getenv("TARN_LIBRARY");
        if (told != NULL && *told != 0) {
            return realpath(told, found->path) != NULL;
        }
        return find_own("libtarn.so", found->path) || find_own("libtarn.so.1", found->path);
    }
    for (unsigned i = 0; i < KNOWN; i++) {
        if (strcmp(name, known[i].name) == 0) {
            return find_known(i, found->path);
        }
    }
    if (strchr(name, '/') == NULL || realpath(name, found->path) == NULL) {
        return false;
    }
    const char *base = strrchr(found->path, '/') + 1;
    found->name = strncmp(base, "lib", 3) == 0 ? base + 3 : base;
    return access(found->path, R_OK) == 0;
}
