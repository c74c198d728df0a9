/* A program in C that loads a library in C++, for itself alone. Usage: late LIBRARY */
#include "expect.h"

#include <dlfcn.h>

int
main(int count, char **words)
{
    EXPECT(count == 2);
    void *library = dlopen(words[1], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        return 1;
    }
    union {
        void *object;
        int (*code)(size_t);
    } late = {dlsym(library, "late")};
    EXPECT(late.object != NULL);
    EXPECT(late.code(opaque_size((size_t)1 << 60)) == 5);
    return 0;
}
