/*
 * The system, as Tarn sees it: the only room that makes system calls. Every function leaves errno
 * as it was, on failure too; callers say what failed in their own words. All may be called from
 * any thread. A test replaces them one by one at link time to make the n-th call fail.
 */
#ifndef TN_OS_H
#define TN_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Address range of size bytes, aligned to align (both multiples of the page size), no access, no
 * memory behind it. NULL when there is no such range. */
void *tn_os_reserve(size_t size, size_t align);

/* Gives a range back to the system, reserved or committed. */
void tn_os_release(void *start, size_t size);

/* Makes a reserved range readable and writable, zero; where pages are larger, the whole of those at
 * its ends. False when the system refuses. */
bool tn_os_commit(void *start, size_t size);

/* Makes a reserved range readable, zero; it costs no memory until it is committed. */
bool tn_os_show(void *start, size_t size);

/* Makes a committed range unreadable; its contents stay. tn_os_commit undoes it. False when the
 * system refuses. */
bool tn_os_forbid(void *start, size_t size);

/* Takes the memory out of a committed range, which stays committed and reads as zero again.
 * False when the contents may still be there, as of a range that is not of whole pages. */
bool tn_os_purge(void *start, size_t size);

/* Bytes purged since the process began. */
size_t tn_os_purged(void);

/* Faults a committed range in with one call where the kernel can (Linux 5.14). */
void tn_os_populate(void *start, size_t size);

/* Asks for huge pages in a range, or against them. */
void tn_os_huge_pages(void *start, size_t size, bool want);

/* A fork's child will find a range of whole pages zero; it stays as it is for a vfork's, which uses
 * its parent's memory. False where the system cannot (Linux before 4.14). */
bool tn_os_wipe_on_fork(void *start, size_t size);

/* Moves the pages of a committed range to another committed range of size bytes; the old range is
 * committed and zero afterwards. False where it cannot be done: from is as it was, to is zero. */
bool tn_os_move(void *from, void *to, size_t size);

/* Makes a committed range zero, with pages that have never been elsewhere. False (nothing done)
 * when the system refuses. */
bool tn_os_renew(void *start, size_t size);

size_t tn_os_page_size(void);

/* Bytes of address space this process may hold (RLIMIT_AS), SIZE_MAX when unlimited. */
size_t tn_os_address_limit(void);

/* Bytes of physical memory in the machine. */
size_t tn_os_memory(void);

/* Whether so many bytes at once are more than the machine can hold, swap included, where the system
 * refuses to map such ranges (vm.overcommit_memory is not 1). To commit what was reserved before it
 * does not refuse. */
bool tn_os_beyond_memory(size_t size);

/* A number that no two runs share, as far as the system can help. */
uint64_t tn_os_random(void);

/* Milliseconds of a clock that only goes forward; cheap and coarse (a few milliseconds). */
uint64_t tn_os_milliseconds(void);

/* What the process has used so far; a field is 0 where the system does not tell. */
struct tn_os_usage {
    size_t resident;      /* bytes */
    size_t resident_most; /* bytes, at its peak */
    size_t faults;        /* pages given without reading from a device */
    size_t faults_read;   /* pages read from one */
};
void tn_os_usage(struct tn_os_usage *usage);

/* Nanoseconds since 1970. */
uint64_t tn_os_nanoseconds(void);

/* The path of the program that runs; empty where the system does not tell. */
void tn_os_program(char *path, size_t size);

/* Processor time of all threads so far. */
uint64_t tn_os_cpu_milliseconds(void);
unsigned tn_os_process(void);

/* Writes to stderr as one piece; never fails visibly. */
void tn_os_print(const char *text, size_t length);

/* For what is written at exit: many programs close stderr before, and what has its number then may
 * be a file of theirs. Keeps a copy of today's stderr; and writes to it. */
void tn_os_keep_stderr(void);
void tn_os_print_last(const char *text, size_t length);

/* Prints one line, prefixed and ended, and aborts. */
_Noreturn void tn_os_die(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The thread pointer: unlike zero, and different for every running thread. */
static inline uintptr_t
tn_os_thread(void)
{
#if defined(__x86_64__)
    uintptr_t id;
    __asm__("mov %%fs:0, %0" : "=r"(id));
    return id;
#elif defined(__aarch64__)
    uintptr_t id;
    __asm__("mrs %0, tpidr_el0" : "=r"(id));
    return id;
#else
    static _Thread_local char here;
    return (uintptr_t)&here;
#endif
}

/* tn_os_thread() == id, in one instruction where the machine can. */
static inline bool
tn_os_is_thread(uintptr_t id)
{
#if defined(__x86_64__) && defined(__GCC_ASM_FLAG_OUTPUTS__)
    bool same;
    __asm__("cmp %%fs:0, %1" : "=@cce"(same) : "r"(id));
    return same;
#else
    return tn_os_thread() == id;
#endif
}

#endif
