/* What the two halves of libpmemcto's tests share. */
#ifndef PMEMCTO_USE_H
#define PMEMCTO_USE_H

#include <libpmemcto.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define POOL (PMEMCTO_MIN_POOL * 2)

extern const char *pool_path;

/* A new pool there. */
PMEMctopool *make(const char *layout);

/* In pmemcto_blocks.c. */
void blocks(void **state);
void aligned(void **state);
void strings(void **state);
void root_pointer(void **state);
void figures(void **state);
void where_figures_go(void **state);

#define assert_refused(call, code)                                                                 \
    do {                                                                                           \
        errno = 0;                                                                                 \
        assert_null(call);                                                                         \
        assert_int_equal(errno, code);                                                             \
        assert_true(pmemcto_errormsg()[0] != 0);                                                   \
    } while (0)

#endif
