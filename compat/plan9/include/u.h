/* The basic names of a Plan 9 kernel's C, as far as the allocator's callers need them. */
#ifndef TARN_PLAN9_U_H
#define TARN_PLAN9_U_H

#include <stddef.h>
#include <stdint.h>

#define nil ((void *)0)

typedef unsigned char uchar;
typedef unsigned short ushort;
typedef unsigned int uint;
typedef unsigned long ulong;
typedef signed char schar;
typedef long long vlong;
typedef unsigned long long uvlong;
typedef uint8_t u8int;
typedef uint16_t u16int;
typedef uint32_t u32int;
typedef uint64_t u64int;
typedef size_t usize;
typedef intptr_t intptr;
typedef uintptr_t uintptr;

#define USED(x)                                                                                    \
    if (x) {                                                                                       \
    } else

#endif
