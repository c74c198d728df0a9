/* Products and sums that wrap: calloc and reallocarray over every pair of awkward factors against
 * wide arithmetic, and aligned sizes whose rounding up to a page or an alignment passes zero. */
#include "expect.h"

#include <malloc.h>

static const size_t factors[] = {
    0,
    1,
    2,
    3,
    7,
    16,
    255,
    65535,
    65537,
    0xffffffff,
    0x100000000,
    0x100000001,
    0x7fffffffffffffff,
    0x8000000000000000,
    0x8000000000000001,
    0xfffffffffffffff0,
    0xffffffffffffffff,
};

static void
pairs(void)
{
    size_t count = sizeof factors / sizeof *factors;
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < count; j++) {
            size_t a = opaque_size(factors[i]);
            size_t b = opaque_size(factors[j]);
            size_t product = 0;
            bool wraps = __builtin_mul_overflow(a, b, &product);
            bool impossible = wraps || product >= ((size_t)1 << 47);
            bool modest = !wraps && product <= ((size_t)1 << 24);
            if (!impossible && !modest) {
                continue;
            }

            errno = 0;
            char *block = calloc(a, b);
            EXPECT((block == NULL) == impossible);
            EXPECT(errno == (impossible ? ENOMEM : 0));
            EXPECT(block == NULL || is_zero(block, product));
            free(block);

            errno = 0;
            block = reallocarray(NULL, a, b);
            EXPECT((block == NULL) == impossible);
            EXPECT(errno == (impossible ? ENOMEM : 0));
            free(block);

            char *old = malloc(100);
            EXPECT(old != NULL);
            stamp(old, 100, i + j);
            errno = 0;
            block = reallocarray(opaque(old), a, b); /* debug builds warn of old's use below */
            if (impossible) {
                EXPECT(block == NULL && errno == ENOMEM);
                EXPECT(is_stamped(old, 100, i + j));
                free(old);
            } else if (product == 0) {
                EXPECT(block == NULL);
            } else {
                EXPECT(block != NULL && is_stamped(block, product < 100 ? product : 100, i + j));
                free(block);
            }
        }
    }
}

static void
sums(void)
{
    for (size_t below = 0; below <= 3 * 65536; below += below < 70 ? 1 : 61) {
        size_t size = opaque_size(SIZE_MAX - below);
        errno = 0;
        EXPECT(pvalloc(size) == NULL);
        EXPECT(errno == ENOMEM);
        errno = 0;
        EXPECT(valloc(size) == NULL);
        EXPECT(errno == ENOMEM);
        for (int power = 4; power < 63; power += 7) {
            size_t alignment = (size_t)1 << power;
            void *block = NULL;
            errno = 0;
            EXPECT(memalign(alignment, size) == NULL);
            EXPECT(errno == ENOMEM);
            errno = 0;
            EXPECT(aligned_alloc(alignment, size) == NULL);
            EXPECT(errno == ENOMEM);
            EXPECT(posix_memalign(&block, alignment, size) == ENOMEM);
            EXPECT(block == NULL);
        }
    }
    /* An alignment nearly as large as the address space with a modest size. */
    for (int power = 48; power < 64; power++) {
        void *block = NULL;
        size_t alignment = opaque_size((size_t)1 << power);
        errno = 0;
        EXPECT(memalign(alignment, 100) == NULL);
        EXPECT(errno == ENOMEM || errno == EINVAL);
        int error = posix_memalign(&block, alignment, 100);
        EXPECT(error == ENOMEM || error == EINVAL);
        EXPECT(block == NULL);
    }
}

int
main(void)
{
    pairs();
    sums();
    return 0;
}
