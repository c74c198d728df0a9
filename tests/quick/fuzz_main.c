/* Runs the fuzz target on each file of a folder. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
main(int argc, char **argv)
{
    static uint8_t data[1 << 20];
    DIR *folder = opendir(argc > 1 ? argv[1] : ".");
    struct dirent *entry;
    char path[1024];
    unsigned cases = 0;

    if (folder == NULL) {
        return 1;
    }
    while ((entry = readdir(folder)) != NULL) {
        FILE *file;
        size_t size;

        if (entry->d_name[0] == '.') {
            continue;
        }
        snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        file = fopen(path, "rb");
        if (file == NULL) {
            return 1;
        }
        size = fread(data, 1, sizeof data, file);
        fclose(file);
        (void)LLVMFuzzerTestOneInput(data, size);
        cases++;
    }
    closedir(folder);
    printf("%u cases\n", cases);
    return cases == 0;
}
