// A C++ library that a C program loads while it runs: what new throws must find the C++ library
// that came with it, and what a new_handler throws must not leave a nothrow form.
#include <cstddef>
#include <new>

static int calls;
static int unwound;

namespace
{
struct Witness {
    ~Witness()
    {
        unwound++;
    }
};
} // namespace

static void
handler()
{
    Witness witness;
    calls++;
    throw std::bad_alloc();
}

extern "C" __attribute__((visibility("default"))) int
late(std::size_t size)
{
    int right = 0;
    try {
        ::operator delete(::operator new(size));
    } catch (const std::bad_alloc &) {
        right++;
    }
    std::set_new_handler(handler);
    right += ::operator new(size, std::nothrow) == nullptr;
    right += ::operator new[](size, std::align_val_t{64}, std::nothrow) == nullptr;
    try {
        ::operator delete[](::operator new[](size));
    } catch (const std::bad_alloc &) {
        right++;
    }
    right += calls == 3 && unwound == 3;
    ::operator delete(::operator new(100));
    return right;
}
