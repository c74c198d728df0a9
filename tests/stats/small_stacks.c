/* Every call that tells figures, and the profile, on a thread with the least stack there is.
 * Usage: small_stacks FILE */
#include "tarn/profile.h"
#include "tarn/stats.h"

#include "expect.h"

#include <limits.h>
#include <malloc.h>
#include <pthread.h>

static struct tarn_stats stats;

static void
drop(void *context, const char *line)
{
    size_t *lines = context;
    *lines += *line != 0;
}

static void
profile(const char *path)
{
    EXPECT(tarn_profile_start(1));
    char *volatile block = malloc(1000);
    EXPECT(tarn_profile_write(path, TARN_PROFILE_PPROF) == 0);
    EXPECT(tarn_profile_write(path, TARN_PROFILE_HEAP) == 0);
    EXPECT(tarn_profile_write(path, TARN_PROFILE_LEAKS) == 0);
    free(block);
    tarn_profile_stop();
}

static void *
ask(void *path)
{
    size_t lines = 0;
    stats.size = sizeof stats;
    EXPECT(tarn_stats(&stats) == sizeof stats);
    EXPECT(mallinfo2().uordblks > 0);
    malloc_stats();
    tarn_summary(drop, &lines);
    EXPECT(lines > 10);
    lines = 0;
    tarn_stats_write(tarn_heap_process(), TARN_STATS_JSON, drop, &lines);
    EXPECT(lines > 10);
    profile(path);
    return NULL;
}

int
main(int argc, char **argv)
{
    EXPECT(argc == 2);
    pthread_t thread;
    pthread_attr_t attributes;
    char *volatile block = malloc(1000);
    EXPECT(block != NULL);
    EXPECT(pthread_attr_init(&attributes) == 0);
    EXPECT(pthread_attr_setstacksize(&attributes, (size_t)PTHREAD_STACK_MIN) == 0);
    EXPECT(pthread_create(&thread, &attributes, ask, argv[1]) == 0);
    EXPECT(pthread_join(thread, NULL) == 0);
    free(block);
    return 0;
}
