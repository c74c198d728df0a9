/* pthread_atfork handlers that allocate and free, in all three places, registered before and after
 * the allocator's own, while threads churn. A handler runs while fork() holds what it holds: none
 * of it may be what the handler needs. Usage: fork_handlers FORKS. */
#include "threads/child.h"
#include "threads/churn.h"

#include <pthread.h>

static atomic_bool stop;
static void *kept[3];

static void
use_heap(int place)
{
    char *block = malloc(5000);
    EXPECT(block != NULL);
    memset(block, 1, 5000);
    free(kept[place]);
    kept[place] = realloc(block, 300);
    EXPECT(kept[place] != NULL);
    void *large = calloc(1, 200000);
    EXPECT(large != NULL);
    free(large);
}

static void
prepare(void)
{
    use_heap(0);
}

static void
in_parent(void)
{
    use_heap(1);
}

static void
in_child(void)
{
    use_heap(2);
}

/* Before any constructor of a library, so before the allocator can have registered its own. */
static void
register_early(void)
{
    EXPECT(pthread_atfork(prepare, in_parent, in_child) == 0);
}

__attribute__((section(".preinit_array"), used)) static void (*const early)(void) = register_early;

static void *
churn(void *seed)
{
    uint64_t random = (uintptr_t)seed;
    while (!atomic_load_explicit(&stop, memory_order_relaxed)) {
        churn_step(&random);
    }
    return NULL;
}

int
main(int count, char **arguments)
{
    int forks = count > 1 ? atoi(arguments[1]) : 100;
    pthread_t threads[3];

    EXPECT(pthread_atfork(prepare, in_parent, in_child) == 0);
    for (uintptr_t i = 0; i < 3; i++) {
        EXPECT(pthread_create(&threads[i], NULL, churn, (void *)(i + 50)) == 0);
    }
    for (int i = 0; i < forks; i++) {
        pid_t child = fork();
        if (child == 0) {
            uint64_t random = (uint64_t)i;
            for (int j = 0; j < 30; j++) {
                churn_step(&random);
            }
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
