/* Finds a factor of a composite number by Pollard's rho method (1975) with Brent's batching of the
 * greatest common divisors. Every number lives in a heap block of its own and every operation makes
 * a new one: blocks of 8 to 48 bytes that live for an instant, as in any program that computes with
 * exact numbers through pointers. */
#include "pattern.h"

#include <stdbool.h>
#include <stdlib.h>

/* Non-negative, least limb first, no leading zero limb. */
struct number {
    uint32_t length;
    uint32_t limbs[];
};

static struct number *
blank(size_t length)
{
    size_t size = sizeof(struct number) + length * sizeof(uint32_t);
    struct number *number = bench_checked(calloc(1, size), size);
    number->length = (uint32_t)length;
    return number;
}

static struct number *
trimmed(struct number *number)
{
    while (number->length != 0 && number->limbs[number->length - 1] == 0)
        number->length--;
    return number;
}

static struct number *
from(uint64_t value)
{
    struct number *number = blank(2);
    number->limbs[0] = (uint32_t)value;
    number->limbs[1] = (uint32_t)(value >> 32);
    return trimmed(number);
}

static struct number *
product(const struct number *a, const struct number *b)
{
    struct number *result = blank(a->length + b->length);
    for (size_t i = 0; i < a->length; i++) {
        uint64_t carry = 0;
        for (size_t k = 0; k < b->length; k++) {
            carry += (uint64_t)a->limbs[i] * b->limbs[k] + result->limbs[i + k];
            result->limbs[i + k] = (uint32_t)carry;
            carry >>= 32;
        }
        result->limbs[i + b->length] = (uint32_t)carry;
    }
    return trimmed(result);
}

static int
compare(const struct number *a, const struct number *b)
{
    if (a->length != b->length)
        return a->length < b->length ? -1 : 1;
    for (size_t i = a->length; i-- > 0;) {
        if (a->limbs[i] != b->limbs[i])
            return a->limbs[i] < b->limbs[i] ? -1 : 1;
    }
    return 0;
}

/* a - b, for a >= b. */
static struct number *
difference(const struct number *a, const struct number *b)
{
    struct number *result = blank(a->length);
    uint64_t borrow = 0;
    for (size_t i = 0; i < a->length; i++) {
        uint64_t taken = borrow + (i < b->length ? b->limbs[i] : 0);
        borrow = a->limbs[i] < taken;
        result->limbs[i] = (uint32_t)(a->limbs[i] - taken);
    }
    return trimmed(result);
}

static struct number *
plus_one(const struct number *a)
{
    struct number *result = blank(a->length + 1);
    uint64_t carry = 1;
    for (size_t i = 0; i < a->length; i++) {
        carry += a->limbs[i];
        result->limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    result->limbs[a->length] = (uint32_t)carry;
    return trimmed(result);
}

/* Shifts left by fewer than 32 bits into one limb more. */
static struct number *
shifted(const struct number *a, int bits)
{
    struct number *result = blank(a->length + 1);
    uint64_t carry = 0;
    for (size_t i = 0; i < a->length; i++) {
        carry |= (uint64_t)a->limbs[i] << bits;
        result->limbs[i] = (uint32_t)carry;
        carry >>= 32;
    }
    result->limbs[a->length] = (uint32_t)carry;
    return result;
}

/* a mod b, for b > 0, by Knuth's algorithm D (The Art of Computer Programming, 4.3.1). */
static struct number *
remainder_of(const struct number *a, const struct number *b)
{
    int bits = __builtin_clz(b->limbs[b->length - 1]);
    struct number *rest = shifted(a, bits);
    struct number *divisor = shifted(b, bits);
    size_t n = b->length;
    for (size_t at = rest->length > n ? rest->length - n : 0; at-- > 0;) {
        uint64_t top = (uint64_t)rest->limbs[at + n] << 32 | rest->limbs[at + n - 1];
        uint64_t guess = top / divisor->limbs[n - 1];
        uint64_t left = top % divisor->limbs[n - 1];
        while (guess >> 32 != 0 ||
               (n > 1 && guess * divisor->limbs[n - 2] > (left << 32 | rest->limbs[at + n - 2]))) {
            guess--;
            left += divisor->limbs[n - 1];
            if (left >> 32 != 0)
                break;
        }
        uint64_t carry = 0;
        uint64_t borrow = 0;
        for (size_t i = 0; i <= n; i++) {
            carry += guess * (i < n ? divisor->limbs[i] : 0);
            uint64_t taken = (uint32_t)carry + borrow;
            carry >>= 32;
            borrow = rest->limbs[at + i] < taken;
            rest->limbs[at + i] = (uint32_t)(rest->limbs[at + i] - taken);
        }
        if (borrow != 0) {
            carry = 0;
            for (size_t i = 0; i <= n; i++) {
                carry += (uint64_t)rest->limbs[at + i] + (i < n ? divisor->limbs[i] : 0);
                rest->limbs[at + i] = (uint32_t)carry;
                carry >>= 32;
            }
        }
    }
    trimmed(rest);
    for (size_t i = 0; i < rest->length; i++) {
        uint32_t above = i + 1 < rest->length ? rest->limbs[i + 1] : 0;
        rest->limbs[i] = (uint32_t)(((uint64_t)above << 32 | rest->limbs[i]) >> bits);
    }
    free(divisor);
    return trimmed(rest);
}

/* Takes both numbers. */
static struct number *
common_divisor(struct number *a, struct number *b)
{
    while (b->length != 0) {
        struct number *rest = remainder_of(a, b);
        free(a);
        a = b;
        b = rest;
    }
    free(b);
    return a;
}

static struct number *
product_modulo(const struct number *a, const struct number *b, const struct number *modulus)
{
    struct number *whole = product(a, b);
    struct number *rest = remainder_of(whole, modulus);
    free(whole);
    return rest;
}

/* Takes x; returns x * x + 1 modulo the modulus. */
static struct number *
step(struct number *x, const struct number *modulus)
{
    struct number *square = product_modulo(x, x, modulus);
    struct number *next = plus_one(square);
    free(square);
    free(x);
    return next;
}

static struct number *
copy(const struct number *a)
{
    struct number *result = blank(a->length);
    memcpy(result->limbs, a->limbs, a->length * sizeof(uint32_t));
    return result;
}

static struct number *
find_factor(const struct number *composite, uint64_t start)
{
    enum {
        BATCH = 64
    };
    struct number *one = from(1);
    struct number *slow = from(start);
    struct number *fast = copy(slow);
    struct number *factor = copy(one);
    while (compare(factor, one) == 0) {
        struct number *gathered = copy(one);
        for (int i = 0; i < BATCH; i++) {
            slow = step(slow, composite);
            fast = step(step(fast, composite), composite);
            bool ordered = compare(slow, fast) >= 0;
            struct number *gap = ordered ? difference(slow, fast) : difference(fast, slow);
            struct number *next = product_modulo(gathered, gap, composite);
            free(gap);
            free(gathered);
            gathered = next;
        }
        free(factor);
        factor = common_divisor(copy(composite), gathered);
    }
    free(one);
    free(slow);
    free(fast);
    return factor;
}

uint64_t
pattern_factor(const struct bench_plan *plan)
{
    static const uint64_t primes[][2] = {
        {100000007, 1000000000039},  {179424673, 10000000000037}, {982451653, 1000000000039},
        {100000007, 10000000000037}, {179424673, 1000000000039},  {982451653, 10000000000037},
    };
    enum {
        COUNT = sizeof primes / sizeof primes[0]
    };
    uint64_t sum = 0;
    uint64_t rounds = bench_work(plan, 80);
    for (uint64_t i = 0; i < rounds; i++) {
        struct number *p = from(primes[i % COUNT][0]);
        struct number *q = from(primes[i % COUNT][1]);
        struct number *composite = product(p, q);
        struct number *factor = find_factor(composite, i + 2);
        if (compare(factor, p) != 0 && compare(factor, q) != 0)
            bench_die("a wrong factor: %u limbs, %u", factor->length, factor->limbs[0]);
        sum = sum * 31 + factor->limbs[0];
        free(p);
        free(q);
        free(composite);
        free(factor);
    }
    return sum;
}
