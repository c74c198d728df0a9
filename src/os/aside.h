/*
 * What the caller of an allocator must not notice of the system calls behind it: errno, and that
 * some of them are cancellation points. A thread cancelled there would end with our locks held and
 * a commit half written.
 */
#ifndef TN_ASIDE_H
#define TN_ASIDE_H

#include <errno.h>
#include <pthread.h>

struct tn_aside {
    int error;
    int cancel;
};

static inline struct tn_aside
tn_aside_begin(void)
{
    struct tn_aside aside = {.error = errno};
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &aside.cancel);
    return aside;
}

static inline void
tn_aside_end(struct tn_aside aside)
{
    (void)pthread_setcancelstate(aside.cancel, &aside.cancel);
    errno = aside.error;
}

#endif
