// Allocates where allocators and profilers are tripped up: in static initialisers, in dlopen, in
// atexit, in signal handlers that interrupt allocation itself, in threads' destructors, in forks'
// children while others allocate, in exceptions. It must end, with all memory as it was written.
#include <atomic>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <map>
#include <pthread.h>
#include <stdexcept>
#include <string>
#include <sys/time.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

static std::map<std::string, std::string> at_start = [] {
    std::map<std::string, std::string> words;
    for (int i = 0; i < 1000; i++) {
        words[std::to_string(i)] = std::string(100, 'x');
    }
    return words;
}();

static pthread_key_t key;

static void
thread_destructor(void *block)
{
    for (int i = 0; i < 100; i++) {
        free(malloc(static_cast<size_t>(i) * 50));
    }
    free(block);
}

struct local {
    std::vector<int> numbers = std::vector<int>(1000);
    ~local()
    {
        std::vector<int> more(5000, 1);
        numbers.swap(more);
    }
};

static thread_local local of_thread;

static std::atomic<void *> handed[64];
static std::atomic<unsigned> signals;

// malloc in a handler is safe only where it did not interrupt malloc: the handler is let in between
// allocations, while other threads are anywhere.
static void
on_signal(int)
{
    unsigned n = signals++;
    void *old = handed[n % 64].exchange(malloc(n % 3000 + 1));
    free(old);
}

static std::atomic<bool> stop;

static void
churn(unsigned seed, bool with_signals)
{
    sigset_t alarm;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &alarm, nullptr);
    pthread_setspecific(key, malloc(10));
    of_thread.numbers[0] = 1;
    std::vector<char *> blocks(200);
    for (int i = 0; i < 20000 && !stop; i++) {
        seed = seed * 1664525 + 1013904223;
        size_t place = seed / 65536 % blocks.size();
        size_t size = seed / 4096 % (i % 100 == 0 ? 200000 : 2000) + 1;
        free(blocks[place]);
        blocks[place] = static_cast<char *>(malloc(size));
        if (with_signals) {
            pthread_sigmask(SIG_UNBLOCK, &alarm, nullptr);
        }
        memset(blocks[place], static_cast<int>(place), size);
        pthread_sigmask(SIG_BLOCK, &alarm, nullptr);
        if (i % 500 == 0) {
            try {
                throw std::runtime_error(std::string(200, 'e'));
            } catch (const std::exception &) {
            }
        }
    }
    for (char *block : blocks) {
        free(block);
    }
}

static void
at_the_end()
{
    for (int i = 0; i < 200; i++) {
        at_start[std::to_string(i)] += std::string(300, 'y');
    }
}

static int
child()
{
    std::thread one(churn, 7, false);
    churn(8, false);
    one.join();
    return 0;
}

int
main(int argc, char **argv)
{
    pthread_key_create(&key, thread_destructor);
    std::atexit(at_the_end);
    signal(SIGALRM, on_signal);
    itimerval often = {{0, 200}, {0, 200}};
    sigset_t alarm;
    sigemptyset(&alarm);
    sigaddset(&alarm, SIGALRM);
    pthread_sigmask(SIG_BLOCK, &alarm, nullptr);
    setitimer(ITIMER_REAL, &often, nullptr);
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < 4; i++) {
        threads.emplace_back(churn, i, i < 2);
    }
    for (int i = 0; i < 20; i++) {
        for (int a = 1; a < argc; a++) {
            void *library = dlopen(argv[a], RTLD_NOW | RTLD_LOCAL);
            if (library == nullptr) {
                fprintf(stderr, "%s\n", dlerror());
                return 1;
            }
            dlclose(library);
        }
        if (i % 4 == 0) {
            pid_t pid = fork();
            if (pid == 0) {
                setitimer(ITIMER_REAL, &often, nullptr);
                int code = child();
                itimerval never = {};
                setitimer(ITIMER_REAL, &never, nullptr);
                exit(code);
            }
            int status;
            if (waitpid(pid, &status, 0) != pid || status != 0) {
                fprintf(stderr, "a child ended with %x\n", static_cast<unsigned>(status));
                return 1;
            }
        }
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    itimerval never = {};
    setitimer(ITIMER_REAL, &never, nullptr);
    printf("done, %s signals\n", signals != 0 ? "with" : "no");
    return 0;
}
