/*
 * Where images lie: between 32 and 80 TiB, where neither programs, their stacks, heaps and
 * libraries, nor AddressSanitizer's shadow and allocator are, at an address drawn from the image's
 * own id, so that two images seldom want the same one.
 */
#include "persist/image.h"

#include "base/bits.h"
#include "base/text.h"
#include "os/os.h"

#include <errno.h>
#include <string.h>

#define REGION_START ((uintptr_t)32 << 40)
#define REGION_SIZE  ((uintptr_t)48 << 40)
#define GRAIN        ((uintptr_t)1 << 30)
#define TRIES        64u

/* The two hexadecimal numbers that a line of the kernel's list of mappings begins with, and its
 * last word. */
static bool
read_mapping(char *line, uintptr_t *start, uintptr_t *end, const char **name)
{
    uintptr_t numbers[2] = {0, 0};
    char *at = line;
    for (unsigned i = 0; i < 2; i++) {
        for (;; at++) {
            unsigned digit;
            if (*at >= '0' && *at <= '9') {
                digit = (unsigned)(*at - '0');
            } else if (*at >= 'a' && *at <= 'f') {
                digit = (unsigned)(*at - 'a') + 10;
            } else {
                break;
            }
            numbers[i] = numbers[i] << 4 | digit;
        }
        at++;
    }
    *start = numbers[0];
    *end = numbers[1];
    char *slash = strpbrk(at, "/[");
    *name = slash != NULL ? slash : "memory without a name";
    return numbers[1] != 0;
}

/* Says in text what lies in a range. */
static void
say_who(uintptr_t from, size_t size, char *text, size_t room)
{
    char buffer[4096];
    size_t kept = 0;
    size_t got = 1;
    int file;
    tn_text(text, room, "something");
    if (tn_file_open("/proc/self/maps", TN_FILE_READ, 0, &file) != 0) {
        return;
    }
    bool found = false;
    for (uint64_t at = 0; got > 0 && !found; at += got) {
        if (tn_file_read(file, buffer + kept, sizeof buffer - kept, at, &got) != 0) {
            break;
        }
        char *line = buffer;
        char *end = buffer + kept + got;
        char *stop;
        while (!found && (stop = memchr(line, '\n', (size_t)(end - line))) != NULL) {
            uintptr_t low;
            uintptr_t high;
            const char *name;
            *stop = 0;
            if (read_mapping(line, &low, &high, &name) && low < from + size && high > from) {
                tn_text(text, room, "%s (%p to %p)", name, (void *)low, (void *)high);
                found = true;
            }
            line = stop + 1;
        }
        kept = (size_t)(end - line);
        memmove(buffer, line, kept);
        if (kept == sizeof buffer) {
            break;
        }
    }
    tn_file_close(file);
}

int
tn_place_reserve(struct tn_image *image)
{
    char *base = (char *)(uintptr_t)image->head.base;
    char *got = NULL;
    int failed = tn_map_reserve(base, image->head.capacity, &got);
    if (failed == EEXIST) {
        char who[256];
        say_who(image->head.base, image->head.capacity, who, sizeof who);
        return tn_fail(EADDRINUSE, false, "%s: its address %p is taken by %s", image->path,
                       (void *)base, who);
    }
    if (failed != 0) {
        return tn_fail(failed, true, "%s: no %zu bytes of addresses at %p", image->path,
                       (size_t)image->head.capacity, (void *)base);
    }
    image->space.base = got;
    return 0;
}

int
tn_place_choose(struct tn_image *image, void *wanted)
{
    uint64_t capacity = image->head.capacity;
    if (wanted != NULL) {
        if ((uintptr_t)wanted % TN_SPACE_ALIGN != 0) {
            return tn_fail(EINVAL, false, "%s: its address must be a multiple of 2 MiB",
                           image->path);
        }
        image->head.base = (uintptr_t)wanted;
        return tn_place_reserve(image);
    }
    if (capacity >= REGION_SIZE) {
        return tn_fail(EINVAL, false, "%s: a capacity of %zu bytes is too much", image->path,
                       (size_t)capacity);
    }
    uint64_t draw = image->head.id[0];
    int result = -1;
    for (unsigned i = 0; i < TRIES; i++) {
        draw = tn_mix(draw);
        uint64_t places = (REGION_SIZE - capacity) / GRAIN;
        image->head.base = REGION_START + draw % places * GRAIN;
        result = tn_place_reserve(image);
        if (result == 0 || errno != EADDRINUSE) {
            break;
        }
    }
    if (result != 0) { /* few address bits: wherever there is room */
        char *got;
        if (tn_map_reserve(NULL, capacity + TN_SPACE_ALIGN, &got) == 0) {
            uintptr_t base = tn_align_up((uintptr_t)got, TN_SPACE_ALIGN);
            tn_os_release(got, capacity + TN_SPACE_ALIGN);
            image->head.base = base;
            result = tn_place_reserve(image);
        }
    }
    return result;
}
