/* What the programs under test share: a check that ends the program, values the optimiser cannot
 * see through, a random sequence, and patterns that show whose bytes a block holds. Plain C that
 * C++ takes too; nothing here allocates. */
#ifndef TESTS_EXPECT_H
#define TESTS_EXPECT_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXPECT_SKIPPED 77

/* The surface holds these under every C library, though only glibc's headers name them. */
#ifndef __GLIBC__
void *pvalloc(size_t size);
int malloc_trim(size_t pad);
#endif

static inline void
expect_failed(const char *file, int line, const char *what)
{
    char text[512];
    const char *name = strrchr(file, '/');
    int length = snprintf(text, sizeof text, "%s:%d: not so: %s (errno %d)\n",
                          name ? name + 1 : file, line, what, errno);
    if (write(2, text, (size_t)length) != length) {
        _exit(2);
    }
    _exit(1);
}

#define EXPECT(condition) ((condition) ? (void)0 : expect_failed(__FILE__, __LINE__, #condition))

/* Ends the program as skipped, saying what it lacks. */
static inline void
expect_skip(const char *lacking)
{
    (void)!write(2, "skipped: ", 9);
    (void)!write(2, lacking, strlen(lacking));
    (void)!write(2, "\n", 1);
    _exit(EXPECT_SKIPPED);
}

/* The same pointer, of which the compiler knows nothing any more. */
static inline void *
opaque(void *pointer)
{
    __asm__ volatile("" : "+r"(pointer) : : "memory");
    return pointer;
}

/* The same number, of which the compiler knows nothing any more. */
static inline size_t
opaque_size(size_t size)
{
    __asm__ volatile("" : "+r"(size));
    return size;
}

/* True iff a library of ours or a peer's is preloaded, so that more than the C library is tested.
 */
static inline bool
subject_is_preloaded(void)
{
    const char *subject = getenv("TARN_TEST_SUBJECT");
    return subject != NULL && subject[0] != '\0';
}

/* splitmix64: one word of state, every seed good. */
static inline uint64_t
next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline bool
is_aligned(const void *pointer, size_t alignment)
{
    return ((uintptr_t)pointer & (alignment - 1)) == 0;
}

/* The alignment malloc owes a block of this size. */
static inline size_t
owed_alignment(size_t size)
{
    return size <= 8 ? 8 : 16;
}

/* Fills a block with bytes that depend on `tag` and on the place. */
static inline void
stamp(void *block, size_t size, uint64_t tag)
{
    unsigned char *bytes = (unsigned char *)block;
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (unsigned char)(tag + i + (i >> 8) * 7);
    }
}

/* True iff the first `size` bytes are as stamp() left them. */
static inline bool
is_stamped(const void *block, size_t size, uint64_t tag)
{
    const unsigned char *bytes = (const unsigned char *)block;
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != (unsigned char)(tag + i + (i >> 8) * 7)) {
            return false;
        }
    }
    return true;
}

static inline bool
is_zero(const void *block, size_t size)
{
    const unsigned char *bytes = (const unsigned char *)block;
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

/* A field of /proc/self/status such as "VmRSS:", in KiB; 0 where it is not told. */
static inline size_t
status_kib(const char *field)
{
    char line[256];
    size_t kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    if (file == NULL) {
        return 0;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, field, strlen(field)) == 0) {
            kib = strtoull(line + strlen(field), NULL, 10);
        }
    }
    fclose(file);
    return kib;
}

#endif
