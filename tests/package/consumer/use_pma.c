/* gawk's persistent malloc; run with the name of a file that does not exist yet. */
#include <pma.h>
#include <stdio.h>

int
main(int argc, char **argv)
{
    FILE *file = argc == 2 ? fopen(argv[1], "w") : NULL;
    if (file == NULL || fseek(file, (64 << 20) - 4096, SEEK_SET) != 0) {
        return 2;
    }
    for (int i = 0; i < 4096; i++) {
        fputc(0, file);
    }
    fclose(file);
    if (pma_init(1, argv[1]) != 0) {
        return 1;
    }
    pma_set_root(pma_malloc(10));
    puts(pma_get_root() != NULL && pma_commit() == 0 ? "kept" : "lost");
    return 0;
}
