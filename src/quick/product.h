/* Multiplication that notices overflow and needs no division, nor a product wider than size_t. */
#ifndef TN_QUICK_PRODUCT_H
#define TN_QUICK_PRODUCT_H

#include <stddef.h>
#include <stdint.h>

/* a times b, or SIZE_MAX when that does not fit. */
static inline size_t
tn_product(size_t a, size_t b)
{
    const unsigned bits = sizeof(size_t) * 4;
    const size_t half = ((size_t)1 << bits) - 1;
    size_t large = a > b ? a : b;
    size_t other = a > b ? b : a;
    size_t high;
    size_t low;

    if (large <= half) {
        return a * b;
    }
    if (other > half) {
        return SIZE_MAX;
    }
    high = (large >> bits) * other;
    low = (large & half) * other;
    if (high > half || (high << bits) > SIZE_MAX - low) {
        return SIZE_MAX;
    }
    return (high << bits) + low;
}

#endif
