// How often each name was given, over all runs: visits IMAGE NAME... A std::map in a file, and what
// a failed run does to it: nothing.
#include <tarn/tarn.hpp>

#include <cstdio>
#include <exception>
#include <map>
#include <stdexcept>
#include <string>

using text = std::basic_string<char, std::char_traits<char>, tarn::image_allocator<char>>;
using visits =
    std::map<text, long, std::less<>, tarn::image_allocator<std::pair<const text, long>>>;

int
main(int argc, char **argv)
{
    if (argc < 2) {
        std::fprintf(stderr, "usage: visits IMAGE NAME...\n");
        return 2;
    }
    try {
        tarn::image image = tarn::image::open_or_create(argv[1]);
        visits &seen = image.find_or_make<visits>("visits", image);
        for (int i = 2; i < argc; i++) {
            if (argv[i][0] == 0) {
                throw std::invalid_argument("an empty name: this run does not count");
            }
            seen[text(argv[i], tarn::image_allocator<char>(image))]++;
        }
        for (const auto &[name, count] : seen) {
            std::printf("%s %ld\n", name.c_str(), count);
        }
        image.close();
    } catch (const std::exception &failure) {
        std::fprintf(stderr, "visits: %s\n", failure.what());
        return 1;
    }
    return 0;
}
