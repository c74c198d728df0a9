/* fork() beside threads that hold stdio's locks while they allocate: memory streams that grow,
 * files opened and closed, all streams flushed. fork() takes stdio's locks and the allocator's; in
 * the wrong order one of these threads stops it for ever. Usage: fork_streams FORKS. */
#include "threads/child.h"

#include <pthread.h>
#include <stdatomic.h>

static atomic_bool stop;

static void *
grow_stream(void *unused)
{
    while (!atomic_load(&stop)) {
        char *text = NULL;
        size_t length = 0;
        FILE *stream = open_memstream(&text, &length);
        EXPECT(stream != NULL);
        for (int i = 0; i < 2000; i++) {
            fprintf(stream, "%d ", i);
        }
        EXPECT(fclose(stream) == 0);
        free(text);
    }
    return unused;
}

static void *
open_and_close(void *unused)
{
    while (!atomic_load(&stop)) {
        FILE *file = fopen("/dev/null", "w");
        EXPECT(file != NULL);
        fprintf(file, "text");
        EXPECT(fclose(file) == 0);
    }
    return unused;
}

static void *
flush_all(void *unused)
{
    while (!atomic_load(&stop)) {
        fflush(NULL);
    }
    return unused;
}

int
main(int count, char **arguments)
{
    int forks = count > 1 ? atoi(arguments[1]) : 100;
    void *(*const works[3])(void *) = {grow_stream, open_and_close, flush_all};
    pthread_t threads[3];

    for (int i = 0; i < 3; i++) {
        EXPECT(pthread_create(&threads[i], NULL, works[i], NULL) == 0);
    }
    for (int i = 0; i < forks; i++) {
        pid_t child = fork();
        if (child == 0) {
            FILE *file = fopen("/dev/null", "w");
            EXPECT(file != NULL);
            fprintf(file, "%d", i);
            fclose(file);
            _exit(0);
        }
        child_succeeds(child);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 3; i++) {
        EXPECT(pthread_join(threads[i], NULL) == 0);
    }
    return 0;
}
