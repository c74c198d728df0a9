/*
 * Alignment, powers of two and size arithmetic that cannot wrap. No state, no system calls;
 * freestanding headers only.
 */
#ifndef TN_BITS_H
#define TN_BITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TN_LIKELY(x)   __builtin_expect(!!(x), 1)
#define TN_UNLIKELY(x) __builtin_expect(!!(x), 0)
#define TN_NOINLINE    __attribute__((noinline))
#define TN_INLINE      inline __attribute__((always_inline))
/* A function that reads what other threads may be writing, and makes do with any value it sees. Put
 * into another function by the compiler it would be looked at all the same. */
#ifdef __SANITIZE_THREAD__
#    define TN_RACY __attribute__((no_sanitize("thread"), noipa))
#else
#    define TN_RACY __attribute__((no_sanitize("thread")))
#endif
#define TN_COLD __attribute__((noinline, cold))
#define TN_KIB  ((size_t)1024)
#define TN_MIB  ((size_t)1024 * 1024)
#define TN_GIB  ((size_t)1024 * 1024 * 1024)

static inline bool
tn_is_power_of_two(size_t n)
{
    return n != 0 && (n & (n - 1)) == 0;
}

/* n rounded up to a multiple of align, a power of two; wraps to a small number near SIZE_MAX. */
static inline size_t
tn_align_up(size_t n, size_t align)
{
    return (n + align - 1) & ~(align - 1);
}

static inline size_t
tn_align_down(size_t n, size_t align)
{
    return n & ~(align - 1);
}

/* The position of the highest set bit of n, n > 0. */
static inline unsigned
tn_log2(size_t n)
{
    return 63u ^ (unsigned)__builtin_clzll((unsigned long long)n); /* one instruction on x86-64 */
}

/* The position of the lowest set bit of n, n > 0. */
static inline unsigned
tn_lowest_bit(uint64_t n)
{
    return (unsigned)__builtin_ctzll(n);
}

static inline size_t
tn_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static inline size_t
tn_max(size_t a, size_t b)
{
    return a > b ? a : b;
}

/* word ^= key; true when what is left is no address: zero, or with the top bit set. One instruction
 * where the machine's exclusive or tells, which compilers turn into a comparison and an exclusive
 * or. */
static inline bool
tn_decode(uintptr_t *word, const uintptr_t *key)
{
#if defined(__x86_64__) && defined(__GCC_ASM_FLAG_OUTPUTS__)
    bool none;
    __asm__("xor %2, %0" : "+r"(*word), "=@ccle"(none) : "m"(*key));
    return none;
#else
    *word ^= *key;
    return (intptr_t)*word <= 0;
#endif
}

/* word == *memory and word < *memory where another thread may be writing there: one instruction, as
 * for memory that is this thread's own, where compilers load first and then compare. */
#if defined(__x86_64__) && defined(__GCC_ASM_FLAG_OUTPUTS__) && !defined(__SANITIZE_THREAD__)
#    define TN_COMPARED(word, memory, flag)                                                        \
        __extension__({                                                                            \
            bool tn_flag;                                                                          \
            __asm__("cmp %2, %1" : flag(tn_flag) : "r"(word), "m"(*(memory)));                     \
            tn_flag;                                                                               \
        })
#    define TN_IS(word, memory)    TN_COMPARED(word, memory, "=@cce")
#    define TN_BELOW(word, memory) TN_COMPARED(word, memory, "=@ccb")
#else
#    define TN_IS(word, memory)    ((word) == atomic_load_explicit(memory, memory_order_relaxed))
#    define TN_BELOW(word, memory) ((word) < atomic_load_explicit(memory, memory_order_relaxed))
#endif

/* A pointer or word that a function is going to return is best kept where it returns it: compilers
 * see no reason to, and copy it at the end. */
#if defined(__x86_64__) && defined(__GNUC__)
#    define TN_TO_RETURN(word) __asm__("" : "+a"(word))
#else
#    define TN_TO_RETURN(word) ((void)(word))
#endif

/* a * b into *product; false when it does not fit. */
static inline bool
tn_multiply(size_t a, size_t b, size_t *product)
{
    return !__builtin_mul_overflow(a, b, product);
}

/* A well mixed 64-bit number from any other (the finaliser of SplitMix64, Steele et al. 2014). */
static inline uint64_t
tn_mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

#endif
