/* C++ in an image, from process to process: cxx_image IMAGE. The first process makes a std::map of
 * strings and vectors, the second finds and changes it, the third throws while it has it open, the
 * fourth dies; each sees what the last commit left. */
#include <tarn/tarn.hpp>

#include "expect.h"

#include <map>
#include <scoped_allocator>
#include <string>
#include <sys/wait.h>
#include <unordered_map>
#include <vector>

namespace
{

template <class T> using in_image = std::scoped_allocator_adaptor<tarn::image_allocator<T>>;
using text = std::basic_string<char, std::char_traits<char>, tarn::image_allocator<char>>;
using places = std::vector<int, tarn::image_allocator<int>>;
using words = std::map<text, places, std::less<>, in_image<std::pair<const text, places>>>;
using table = std::unordered_map<int, int, std::hash<int>, std::equal_to<>,
                                 tarn::image_allocator<std::pair<const int, int>>>;

text
word(tarn_heap *heap, int i)
{
    return text(("word number " + std::to_string(i)).c_str(), tarn::image_allocator<char>(heap));
}

void
make(const char *path)
{
    tarn::image image = tarn::image::create(path);
    words &index = image.find_or_make<words>("words", in_image<char>(image.get()));
    table &squares = image.find_or_make<table>(
        "squares", tarn::image_allocator<std::pair<const int, int>>(image.get()));
    for (int i = 0; i < 2000; i++) {
        index[word(image, i)].push_back(i);
        squares[i] = i * i;
    }
    image.close();
}

void
change(const char *path)
{
    tarn::image image = tarn::image::open(path);
    words *index = image.find<words>("words");
    table *squares = image.find<table>("squares");
    EXPECT(index != nullptr && index->size() == 2000 && squares->at(44) == 44 * 44);
    for (int i = 0; i < 2000; i++) {
        EXPECT(index->at(word(image, i)) == places({i}, index->get_allocator()));
    }
    for (int i = 0; i < 2000; i += 2) {
        index->erase(word(image, i));
        (*index)[word(image, i + 1)].push_back(-1);
        squares->erase(i);
    }
    image.commit();
    index->clear();
    image.rollback();
    index = image.find<words>("words");
    EXPECT(index->size() == 1000);
    bool refused = false;
    try {
        (void)image.find<table>("words");
    } catch (const tarn::error &error) {
        refused = error.code().value() == EINVAL && strstr(error.what(), "words") != nullptr;
    }
    EXPECT(refused && image.find<int>("nothing") == nullptr && !image.remove<int>("nothing"));
    image.close();
}

void
throw_midway(const char *path)
{
    try {
        tarn::image image = tarn::image::open(path);
        image.find<words>("words")->clear();
        throw 1;
    } catch (int) {
    }
}

void
die_midway(const char *path)
{
    tarn::image image = tarn::image::open(path);
    words *index = image.find<words>("words");
    EXPECT(index->size() == 1000 && index->begin()->second.back() == -1);
    index->clear();
    _exit(0);
}

void
remove_all(const char *path)
{
    tarn::image image = tarn::image::open_or_create(path);
    EXPECT(image.find<words>("words")->size() == 1000);
    EXPECT(image.remove<words>("words") && image.remove<table>("squares"));
    size_t left = 0;
    tarn_heap_walk(
        image,
        [](void *context, void *, size_t) {
            ++*static_cast<size_t *>(context);
            return true;
        },
        &left);
    EXPECT(left == 0 && tarn_heap_check(image) == nullptr);
    image.close();
    bool refused = false;
    try {
        (void)tarn::image::create(path);
    } catch (const std::system_error &error) {
        refused = error.code() == std::errc::file_exists;
    }
    EXPECT(refused);
}

} // namespace

int
main(int argc, char **argv)
{
    const char *path = argc > 1 ? argv[1] : "cxx_image.tarn";
    unlink(path);
    unlink((std::string(path) + "-journal").c_str());
    for (auto *step : {make, change, throw_midway, die_midway, remove_all}) {
        pid_t child = fork();
        if (child == 0) {
            step(path);
            _exit(0);
        }
        int status = 0;
        EXPECT(waitpid(child, &status, 0) == child && WIFEXITED(status) &&
               WEXITSTATUS(status) == 0);
    }
    unlink(path);
    puts("a std::map, through five processes");
    return 0;
}
