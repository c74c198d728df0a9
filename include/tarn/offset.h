/*
 * tarn/offset.h: pointers that survive being moved.
 *
 * In an image plain pointers are enough: it lies at the same address in every process. These are
 * for data that is copied or mapped as a whole to other addresses. Header only; needs nothing of
 * Tarn.
 */
#ifndef TARN_OFFSET_H
#define TARN_OFFSET_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The distance from the pointer itself to what it points at, one more where it is not negative. All
 * zero is NULL; a pointer may point at itself. */
typedef struct tarn_offset_ptr {
    intptr_t distance;
} tarn_offset_ptr;

/* Makes the pointer point at p. A copy of the structure elsewhere points elsewhere: copy by
 * tarn_offset_set(&to, tarn_offset_get(&from)). */
static inline void
tarn_offset_set(tarn_offset_ptr *pointer, const void *p)
{
    intptr_t distance = (intptr_t)((uintptr_t)p - (uintptr_t)pointer);
    pointer->distance = p == NULL ? 0 : distance >= 0 ? distance + 1 : distance;
}

/* What the pointer points at, where both now are; NULL when it is NULL. */
static inline void *
tarn_offset_get(const tarn_offset_ptr *pointer)
{
    intptr_t distance = pointer->distance > 0 ? pointer->distance - 1 : pointer->distance;
    return pointer->distance == 0 ? NULL : (void *)((uintptr_t)pointer + (uintptr_t)distance);
}

#ifdef __cplusplus
}
#endif

#endif
