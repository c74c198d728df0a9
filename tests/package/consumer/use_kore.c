/* Kore's calls and pools, by the headers' own names. */
#include <kore/kore.h>
#include <stdio.h>

int
main(void)
{
    struct kore_pool pool;
    kore_mem_init();
    char *text = kore_strdup("kept");
    kore_pool_init(&pool, "numbers", sizeof(long), 16);
    kore_pool_put(&pool, kore_pool_get(&pool));
    kore_pool_cleanup(&pool);
    puts(text);
    kore_free(text);
    return 0;
}
