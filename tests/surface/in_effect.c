/* Every name of the surface is answered by the library under test and by no other: a preload that
 * the loader dropped, or a name left to the C library, would make every other test here
 * meaningless. */
#include "expect.h"

#include <dlfcn.h>
#include <limits.h>

static const char *const names[] = {
    "malloc",
    "free",
    "calloc",
    "realloc",
    "reallocarray",
    "posix_memalign",
    "aligned_alloc",
    "memalign",
    "valloc",
    "pvalloc",
    "malloc_usable_size",
    "malloc_trim",
    "mallinfo",
    "mallinfo2",
    "malloc_info",
    "mallopt",
    "malloc_stats",
    "cfree",
    "free_sized",
    "free_aligned_sized",
    "_Znwm",
    "_Znam",
    "_ZnwmRKSt9nothrow_t",
    "_ZnamRKSt9nothrow_t",
    "_ZnwmSt11align_val_t",
    "_ZnamSt11align_val_t",
    "_ZnwmSt11align_val_tRKSt9nothrow_t",
    "_ZnamSt11align_val_tRKSt9nothrow_t",
    "_ZdlPv",
    "_ZdaPv",
    "_ZdlPvm",
    "_ZdaPvm",
    "_ZdlPvRKSt9nothrow_t",
    "_ZdaPvRKSt9nothrow_t",
    "_ZdlPvSt11align_val_t",
    "_ZdaPvSt11align_val_t",
    "_ZdlPvmSt11align_val_t",
    "_ZdaPvmSt11align_val_t",
    "_ZdlPvSt11align_val_tRKSt9nothrow_t",
    "_ZdaPvSt11align_val_tRKSt9nothrow_t",
};

int
main(void)
{
    const char *subject = getenv("TARN_TEST_SUBJECT");
    char wanted[PATH_MAX];
    char found[PATH_MAX];
    int missing = 0;

    if (!subject_is_preloaded()) {
        expect_skip("a preloaded library");
    }
    EXPECT(realpath(subject, wanted) != NULL);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        Dl_info info;
        void *address = dlsym(RTLD_DEFAULT, names[i]);
        if (address == NULL || dladdr(address, &info) == 0 ||
            realpath(info.dli_fname, found) == NULL || strcmp(found, wanted) != 0) {
            fprintf(stderr, "%s comes from %s\n", names[i], address ? info.dli_fname : "nowhere");
            missing++;
        }
    }
    EXPECT(missing == 0);
    return 0;
}
