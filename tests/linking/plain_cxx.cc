// As little of the C++ library as can be: one catch, in a static program.
#include "expect.h"

#include <new>

int
main()
{
    try {
        ::operator delete(::operator new(opaque_size((std::size_t)1 << 60)));
    } catch (const std::bad_alloc &) {
        return 0;
    }
    return 1;
}
