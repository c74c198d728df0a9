// C++ thread_local objects whose constructors and destructors allocate, in short threads and in the
// main thread, with destructors that make further thread_local objects.
#include "expect.h"

#include <atomic>
#include <map>
#include <string>
#include <thread>
#include <vector>

static std::atomic<int> alive;

struct Late {
    std::string text;
    Late() : text(200, 'l')
    {
        alive++;
    }
    ~Late()
    {
        EXPECT(text == std::string(200, 'l'));
        alive--;
    }
};

static Late &
late()
{
    static thread_local Late object;
    return object;
}

struct Early {
    std::map<int, std::string> entries;
    Early()
    {
        alive++;
        for (int i = 0; i < 50; i++) {
            entries[i] = std::string((std::size_t)i * 3, 'e');
        }
    }
    ~Early()
    {
        EXPECT(entries.size() == 50 && entries[49].size() == 147);
        late().text = std::string(200, 'l');
        std::vector<char> scratch(70000, 's');
        EXPECT(scratch[69999] == 's');
        alive--;
    }
};

static thread_local Early early;

static void
live()
{
    EXPECT(early.entries.size() == 50);
}

int
main()
{
    for (int round = 0; round < 200; round++) {
        std::vector<std::thread> threads;
        for (int i = 0; i < 4; i++) {
            threads.emplace_back(live);
        }
        for (auto &thread : threads) {
            thread.join();
        }
        EXPECT(alive == 0);
    }
    live();
    return 0;
}
