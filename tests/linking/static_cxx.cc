// A C++ program linked with libtarn.a, wholly static and not: threads, containers, streams, and a
// new that fails, with and without a handler.
#include "expect.h"

#include <map>
#include <new>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

extern "C" const char *tarn_version(void);

static int calls;

static void
handler()
{
    calls++;
    throw std::bad_alloc();
}

static bool
throws()
{
    try {
        ::operator delete(::operator new(opaque_size((std::size_t)1 << 60)));
    } catch (const std::bad_alloc &) {
        return true;
    }
    return false;
}

static void
work(int seed)
{
    std::map<int, std::string> names;
    for (int i = 0; i < 2000; i++) {
        std::ostringstream text;
        text << "name " << i * seed;
        names[i * seed % 501] += text.str();
    }
    EXPECT(names.size() > 100);
}

int
main()
{
    std::vector<std::thread> threads;
    for (int i = 1; i <= 4; i++) {
        threads.emplace_back(work, i);
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
    EXPECT(throws());
    std::set_new_handler(handler);
    EXPECT(throws());
    EXPECT(::operator new(opaque_size((std::size_t)1 << 60), std::nothrow) == nullptr);
    EXPECT(calls == 2);
    return strlen(tarn_version()) == 0;
}
