/*
 * libpmemcto's manual: "EACCES No write access permission to the pool file(s)." A process that may
 * write to everything has to become one that may not, which only root can.
 *
 *     pmemcto_nobody POOL
 */
#include "beside.h"
#include "expect.h"

#include <libpmemcto.h>

#include <sys/stat.h>

#define NOBODY 65534

static const char *path;

/* 0: refused for want of permission. */
static int
open_as_nobody(void)
{
    return setuid(NOBODY) == 0 && pmemcto_open(path, NULL) == NULL && errno == EACCES &&
                   pmemcto_errormsg()[0] != 0
               ? 0
               : 1;
}

static int
make_as_nobody(void)
{
    return setuid(NOBODY) == 0 && pmemcto_create(path, NULL, PMEMCTO_MIN_POOL, 0600) == NULL &&
                   errno == EACCES
               ? 0
               : 1;
}

/* Who may read may have it checked, and not open it. */
static int
check_as_nobody(void)
{
    return setuid(NOBODY) == 0 && pmemcto_check(path, NULL) == 1 &&
                   pmemcto_open(path, NULL) == NULL && errno == EACCES
               ? 0
               : 1;
}

int
main(int argc, char **argv)
{
    char folder[4096];
    if (argc < 2) {
        return 2;
    }
    if (geteuid() != 0) {
        expect_skip("root, who alone can become nobody");
    }
    snprintf(folder, sizeof folder, "%.4000s.folder", argv[1]);
    (void)!mkdir(folder, 0755);
    char pool[4096 + 8];
    snprintf(pool, sizeof pool, "%s/pool", folder);
    path = pool;
    unlink(pool);
    EXPECT(in_child(make_as_nobody) == 0);
    pmemcto_close(pmemcto_create(pool, NULL, PMEMCTO_MIN_POOL, 0600));
    EXPECT(in_child(open_as_nobody) == 0);
    EXPECT(chmod(pool, 0644) == 0);
    EXPECT(in_child(check_as_nobody) == 0);
    unlink(pool);
    rmdir(folder);
    return 0;
}
