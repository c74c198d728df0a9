/* A library whose constructor runs before all others', and allocates. */
#include <stdlib.h>

__attribute__((visibility("default"))) void *volatile early_block;

__attribute__((constructor)) static void
first_of_all(void)
{
    early_block = malloc(100);
}
