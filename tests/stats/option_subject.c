/* A program for option_table.py to run under TARN_* variables. It does what its arguments say, in
 * order, and prints what is asked for. */
#include "expect.h"

#include <dirent.h>
#include <malloc.h>
#include <sys/wait.h>

enum {
    BLOCKS = 60000,
    SIZE = 1000
};

static char *blocks[BLOCKS];

static void
fill(void)
{
    for (int i = 0; i < BLOCKS; i++) {
        blocks[i] = malloc(SIZE);
        EXPECT(blocks[i] != NULL);
        memset(blocks[i], 1, SIZE);
    }
}

static void
empty(void)
{
    for (int i = 0; i < BLOCKS; i++) {
        free(blocks[i]);
    }
}

static int
thread_count(void)
{
    return (int)status_kib("Threads:");
}

/* Mappings of the heap with a flag in /proc/self/smaps. */
static int
mappings_with(const char *flag)
{
    char line[512];
    int count = 0;
    FILE *file = fopen("/proc/self/smaps", "r");
    EXPECT(file != NULL);
    while (fgets(line, sizeof line, file) != NULL) {
        count += strncmp(line, "VmFlags:", 8) == 0 && strstr(line, flag) != NULL;
    }
    fclose(file);
    return count;
}

static void
in_child(void)
{
    pid_t child = fork();
    EXPECT(child >= 0);
    if (child != 0) {
        int status;
        EXPECT(waitpid(child, &status, 0) == child);
        exit(WIFEXITED(status) ? WEXITSTATUS(status) : 99);
    }
}

int
main(int count, char **words)
{
    for (int i = 1; i < count; i++) {
        const char *word = words[i];
        if (strcmp(word, "fill") == 0) {
            fill();
        } else if (strcmp(word, "empty") == 0) {
            empty();
        } else if (strcmp(word, "resident") == 0) {
            printf("%zu\n", status_kib("VmRSS:"));
        } else if (strcmp(word, "threads") == 0) {
            printf("%d\n", thread_count());
        } else if (strcmp(word, "wait") == 0) {
            usleep(3500000);
        } else if (strcmp(word, "fork") == 0) {
            in_child();
        } else if (strcmp(word, "closed") == 0) {
            close(2);
        } else if (strcmp(word, "info") == 0) {
            EXPECT(malloc_info(0, stdout) == 0);
        } else if (strcmp(word, "keep-nothing") == 0) {
            EXPECT(mallopt(M_TRIM_THRESHOLD, 0) == 1);
        } else {
            printf("%d\n", mappings_with(word));
        }
        fflush(stdout);
    }
    return 0;
}
