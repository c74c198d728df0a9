#define _GNU_SOURCE
#include "os/wait.h"

#include "os/aside.h"

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

void
tn_os_wait(_Atomic uint32_t *word, uint32_t seen)
{
    int saved = errno;
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
    errno = saved;
}

void
tn_os_wake(_Atomic uint32_t *word, int count)
{
    int saved = errno;
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
    errno = saved;
}

void
tn_os_pause(unsigned milliseconds)
{
    struct tn_aside aside = tn_aside_begin();
    (void)poll(NULL, 0, (int)milliseconds);
    tn_aside_end(aside);
}
