/* libpmemcto's pools; run with the name of a file. */
#include <libpmemcto.h>
#include <stdio.h>

int
main(int argc, char **argv)
{
    if (argc != 2) {
        return 2;
    }
    PMEMctopool *pool = pmemcto_create(argv[1], "consumer", PMEMCTO_MIN_POOL, 0600);
    if (pool == NULL) {
        fprintf(stderr, "%s\n", pmemcto_errormsg());
        return 1;
    }
    pmemcto_set_root_pointer(pool, pmemcto_strdup(pool, "kept"));
    pmemcto_close(pool);
    pool = pmemcto_open(argv[1], "consumer");
    puts(pmemcto_get_root_pointer(pool));
    pmemcto_close(pool);
    return 0;
}
