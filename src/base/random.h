/*
 * Random numbers for sampling: fast and good enough, and no secret. No libm.
 */
#ifndef TN_RANDOM_H
#define TN_RANDOM_H

#include <stdint.h>

/* The next number of a state that is not 0 (Marsaglia's xorshift64, Vigna's multiplier). */
static inline uint64_t
tn_random_next(uint64_t *state)
{
    uint64_t x = *state;
    x ^= x >> 12;
    x ^= x << 25;
    x ^= x >> 27;
    *state = x;
    return x * 0x2545f4914f6cdd1d;
}

/* Exponentially distributed, with mean 1. state of 0 is put right. */
double tn_random_exponential(uint64_t *state);

/* 1 - exp(-x) for x >= 0, to about 1e-12 of itself. */
double tn_one_less_exp(double x);

#endif
