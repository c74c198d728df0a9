// Allocation before main: from the executable's pre-initialisers, before any library's constructors
// have run, from constructor functions of every priority and from static objects; all of it freed
// in main.
#include "expect.h"

#include <string>
#include <vector>

static void *before_all[40];
static void *by_priority[3];

extern "C" {
static void
before_constructors()
{
    for (std::size_t i = 0; i < 40; i++) {
        std::size_t size = i * i * i * 3 + 1;
        before_all[i] = malloc(size);
        EXPECT(before_all[i] != nullptr);
        stamp(before_all[i], size, i);
    }
    free(opaque(realloc(calloc(3, 30), 5000)));
}
}

__attribute__((section(".preinit_array"), used)) static void (*const first)() = before_constructors;

__attribute__((constructor(101))) static void
constructor_first()
{
    by_priority[0] = calloc(1, 777);
}

__attribute__((constructor(5000))) static void
constructor_middle()
{
    by_priority[1] = realloc(by_priority[0], 7777);
}

__attribute__((constructor)) static void
constructor_last()
{
    by_priority[2] = realloc(by_priority[1], 77777);
}

static std::vector<std::string> words(1000, std::string(100, 'w'));
static std::string *text = new std::string(5000, 't');

int
main()
{
    for (std::size_t i = 0; i < 40; i++) {
        EXPECT(is_stamped(before_all[i], i * i * i * 3 + 1, i));
        free(before_all[i]);
    }
    EXPECT(is_zero(by_priority[2], 777));
    free(by_priority[2]);
    EXPECT(words.size() == 1000 && words[999].size() == 100);
    EXPECT(text->size() == 5000);
    delete text;
    return 0;
}
