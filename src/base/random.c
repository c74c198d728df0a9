#include "base/random.h"

#define LN2 0.69314718055994530942

double
tn_random_exponential(uint64_t *state)
{
    if (*state == 0) {
        *state = 1;
    }
    /* u in (0, 1] is mantissa * 2^-power with mantissa in [1/2, 1]. */
    uint64_t bits = (tn_random_next(state) >> 11) + 1;
    int power = 53;
    while (bits < (uint64_t)1 << 52) {
        bits <<= 1;
        power++;
    }
    double mantissa = (double)bits * 0x1p-53;
    power -= 53;
    /* ln of the mantissa by atanh's series: |s| <= 1/3. */
    double s = (mantissa - 1) / (mantissa + 1);
    double square = s * s;
    double sum = 0;
    for (int k = 25; k >= 1; k -= 2) {
        sum = sum * square + 1.0 / k;
    }
    return power * LN2 - 2 * s * sum;
}

double
tn_one_less_exp(double x)
{
    if (x > 40) {
        return 1;
    }
    double halvings = 1;
    while (x > 0.25) {
        x /= 2;
        halvings *= 2;
    }
    double term = x;
    double sum = x;
    for (int k = 2; k < 14; k++) {
        term *= -x / k;
        sum += term;
    }
    for (; halvings > 1; halvings /= 2) { /* 1 - e^-2x = (1 - e^-x)(1 + e^-x) */
        sum *= 2 - sum;
    }
    return sum;
}
