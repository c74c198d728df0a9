/* The same in C++. */
#include <cstdio>
#include <list>
#include <map>
#include <new>
#include <tarn/tarn.hpp>
#include <vector>

int
main(int argc, char **argv)
{
    if (argc != 2) {
        return 2;
    }
    int *number = new int(1);
    if (tarn_heap_of(number) != tarn_heap_process()) {
        return 3;
    }
    delete number;
    try {
        std::vector<char> *volatile huge = nullptr;
        huge = new std::vector<char>(static_cast<std::size_t>(1) << 62);
        return huge != nullptr ? 4 : 5;
    } catch (const std::bad_alloc &) {
    }
    tarn::pool_resource pools;
    std::pmr::list<int> list({1, 2, 3}, &pools);
    using map = std::map<int, int, std::less<>, tarn::image_allocator<std::pair<const int, int>>>;
    {
        tarn::image image = tarn::image::open_or_create(argv[1]);
        image.find_or_make<map>("map", image.get())[1] = 42;
        image.close();
    }
    tarn::image image = tarn::image::open(argv[1]);
    std::printf("%s\n", image.find<map>("map")->at(1) == 42 ? "kept" : "lost");
    return 0;
}
