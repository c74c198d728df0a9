/* In a sandbox whose filter lets through only the calls that the C library's own malloc makes too,
 * and for heaps of one's own prlimit64, allocation of every kind goes on. Any other call ends the
 * program, as such filters do, and is named. */
#include "expect.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <tarn/heap.h>
#include <tarn/pool.h>
#include <tarn/tarn.h>

enum {
    BLOCKS = 20000
};

/* Of memory, of threads and processes (the program's own doing), and of this test's reports. */
static const unsigned of_memory[] = {SYS_mmap,     SYS_munmap, SYS_mremap,   SYS_madvise,
                                     SYS_mprotect, SYS_futex,  SYS_getrandom};
static const unsigned of_threads[] = {
    SYS_clone,        SYS_clone3,     SYS_set_robust_list, SYS_rseq,   SYS_rt_sigprocmask,
    SYS_rt_sigaction, SYS_wait4,      SYS_gettid,          SYS_getpid, SYS_tgkill,
    SYS_exit,         SYS_exit_group, SYS_rt_sigreturn,    SYS_write};
static const unsigned of_new_heaps[] = {SYS_prlimit64};

static size_t memory; /* of the machine */
static struct sock_filter filter[64];
static unsigned short filter_length;

static void
instruct(unsigned short code, unsigned char if_so, unsigned char if_not, unsigned value)
{
    EXPECT(filter_length < sizeof filter / sizeof filter[0]);
    filter[filter_length++] = (struct sock_filter){code, if_so, if_not, value};
}

static void
allow(const unsigned *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        instruct(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, calls[i]);
        instruct(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW);
    }
}

static void
refused(int signal_number, siginfo_t *info, void *context)
{
    (void)signal_number;
    (void)context;
    char text[80];
    int length = snprintf(text, sizeof text, "system call %d is asked for\n", info->si_syscall);
    (void)!write(2, text, (size_t)length);
    _exit(1);
}

static void
enter_sandbox(bool new_heaps)
{
    instruct(BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(struct seccomp_data, nr));
    allow(of_memory, sizeof of_memory / sizeof of_memory[0]);
    allow(of_threads, sizeof of_threads / sizeof of_threads[0]);
    if (new_heaps) {
        allow(of_new_heaps, sizeof of_new_heaps / sizeof of_new_heaps[0]);
    }
    instruct(BPF_RET | BPF_K, 0, 0, SECCOMP_RET_TRAP);

    struct sigaction action = {.sa_sigaction = refused, .sa_flags = SA_SIGINFO};
    EXPECT(sigaction(SIGSYS, &action, NULL) == 0);
    EXPECT(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    struct sock_fprog program = {filter_length, filter};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
        expect_skip("a system that filters system calls");
    }
}

static void *
allocate(void *unused)
{
    static _Thread_local void *blocks[BLOCKS];
    uint64_t random = 7;
    for (size_t i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(next_random(&random) % (i % 100 == 0 ? 300000 : 3000));
        EXPECT(blocks[i] != NULL);
    }
    for (size_t i = 0; i < BLOCKS; i++) {
        free(blocks[i]);
    }
    char *grown = NULL;
    for (size_t size = 1; size < ((size_t)32 << 20); size *= 2) {
        grown = realloc(grown, size);
        EXPECT(grown != NULL);
        grown[size - 1] = 1;
    }
    free(grown);
    free(aligned_alloc(1 << 20, 1 << 20));
    void *vast =
        malloc(opaque_size((size_t)1 << 30)); /* from here on the machine's memory counts */
    EXPECT(vast != NULL);
    free(vast);
    return unused;
}

static void
pools(void)
{
    for (unsigned kind = 0; kind < 2; kind++) {
        tarn_pool *pool =
            tarn_pool_new(48, &(struct tarn_pool_options){.flags = kind == 0 ? 0 : TARN_POOL_SHARED,
                                                          .preallocate = 1000});
        EXPECT(pool != NULL);
        for (int i = 0; i < 5000; i++) {
            EXPECT(tarn_pool_alloc(pool) != NULL);
        }
        tarn_pool_destroy(pool);
    }
}

static void
own_heap(void)
{
    tarn_heap *heap = tarn_heap_new();
    EXPECT(heap != NULL);
    for (size_t size = 1; size < 200000; size = size * 5 / 4 + 1) {
        EXPECT(tarn_heap_malloc(heap, size) != NULL);
    }
    tarn_heap_destroy(heap);
}

/* Usage: sandbox process | heap */
int
main(int count, char **arguments)
{
    memory = (size_t)sysconf(_SC_PHYS_PAGES) * (size_t)sysconf(_SC_PAGESIZE);
    free(malloc(1)); /* the heap's start reads options and limits */
    bool new_heaps = count > 1 && strcmp(arguments[1], "heap") == 0;
    enter_sandbox(new_heaps);
    if (new_heaps) {
        own_heap();
        return 0;
    }
    allocate(NULL);
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, allocate, NULL) == 0);
    EXPECT(pthread_join(thread, NULL) == 0);
    pools();
    pid_t child = fork();
    if (child == 0) {
        allocate(NULL);
        _exit(0);
    }
    int status;
    EXPECT(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    EXPECT(mallinfo2().arena > 0);
    EXPECT(malloc_trim(0) >= 0);
    tarn_trim();
    allocate(NULL);
    return 0;
}
