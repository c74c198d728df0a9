// A library to be opened and closed: static and thread_local objects on the heap, a constructor and
// a destructor function, and enough thread-local storage that the loader has to make room for it.
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>

static std::map<int, std::string> table{{1, std::string(100, 'a')}, {2, std::string(1000, 'b')}};
static thread_local std::string mine(300, 'm');
static thread_local char room[4096];
static char *held;

__attribute__((constructor)) static void
open_plugin()
{
    held = static_cast<char *>(std::malloc(5000));
    std::memset(held, 7, 5000);
}

__attribute__((destructor)) static void
close_plugin()
{
    std::free(held);
}

extern "C" __attribute__((visibility("default"))) char *
plugin_use(int seed)
{
    table[seed] = std::string((std::size_t)(seed % 4000), 'x');
    if (table.size() > 50) {
        table.erase(table.begin());
    }
    room[seed % 4096]++;
    return strdup(std::string(301, 'p').c_str());
}

// Only for threads that end before the plugin is closed: the destructor it leaves keeps the plugin
// in.
extern "C" __attribute__((visibility("default"))) char *
plugin_use_in_thread(int seed)
{
    mine += (char)('a' + seed % 26);
    return strdup(mine.c_str());
}
