/* One block of more than the machine's memory and swap is refused at once, as the system refuses it
 * to mmap, and costs no memory; one of a fraction of them is not. */
#include "expect.h"

#include <malloc.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>

enum {
    LIVE = 777,
    MORE_KIB = 16 * 1024
};

static long
peak(void)
{
    struct rusage usage;
    EXPECT(getrusage(RUSAGE_SELF, &usage) == 0);
    return usage.ru_maxrss;
}

static char
overcommit(void)
{
    char mode = 0;
    FILE *file = fopen("/proc/sys/vm/overcommit_memory", "r");
    EXPECT(file != NULL && fread(&mode, 1, 1, file) == 1);
    fclose(file);
    return mode;
}

int
main(void)
{
    struct sysinfo info;
    EXPECT(sysinfo(&info) == 0);
    if (overcommit() != '0') {
        expect_skip("vm.overcommit_memory is not 0");
    }
    size_t all = ((size_t)info.totalram + (size_t)info.totalswap) * info.mem_unit;
    char *live = malloc(LIVE);
    EXPECT(live != NULL);
    stamp(live, LIVE, 1);
    long before = peak();
    for (size_t times = 1; times <= 64; times *= 4) {
        size_t size = opaque_size(all * times + ((size_t)2 << 30));
        errno = 0;
        EXPECT(malloc(size) == NULL && errno == ENOMEM);
        errno = 0;
        EXPECT(calloc(size / 8, 8) == NULL && errno == ENOMEM);
        errno = 0;
        EXPECT(realloc(live, size) == NULL && errno == ENOMEM);
        errno = 0;
        EXPECT(aligned_alloc((size_t)1 << 21, size) == NULL && errno == ENOMEM);
    }
    EXPECT(peak() - before < MORE_KIB);
    EXPECT(is_stamped(live, LIVE, 1));
    char *large = malloc(opaque_size(all / 4));
    EXPECT(large != NULL);
    large[0] = 1;
    large[all / 4 - 1] = 1;
    EXPECT(opaque(realloc(large, opaque_size(all * 2))) == NULL && errno == ENOMEM);
    EXPECT(large[0] == 1 && large[all / 4 - 1] == 1);
    free(large);
    free(live);
    return 0;
}
