/* libcork's pools. */
#include <libcork/core.h>
#include <stdio.h>

int
main(void)
{
    struct cork_mempool *pool = cork_mempool_new(long);
    long *number = cork_mempool_new_object(pool);
    *number = 1;
    cork_mempool_free_object(pool, number);
    cork_mempool_free(pool);
    puts("kept");
    return 0;
}
