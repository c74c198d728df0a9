// Every form of operator new and delete: plain, array, nothrow, sized, aligned and their products;
// what happens on failure: new_handler called until it helps, gives up or throws, then bad_alloc or
// nullptr.
#include "expect.h"

#include <cstddef>
#include <new>

static int handler_calls;
static void *reserve;

static void *
checked(void *block, std::size_t size, std::size_t alignment)
{
    EXPECT(block != nullptr);
    EXPECT(is_aligned(block, alignment));
    memset(block, 0x5a, size);
    return opaque(block);
}

static void
plain_forms(std::size_t size)
{
    std::size_t natural = owed_alignment(size);
    ::operator delete(checked(::operator new(size), size, natural));
    ::operator delete(checked(::operator new(size), size, natural), size);
    ::operator delete(checked(::operator new(size), size, natural), std::nothrow);
    ::operator delete[](checked(::operator new[](size), size, natural));
    ::operator delete[](checked(::operator new[](size), size, natural), size);
    ::operator delete[](checked(::operator new[](size), size, natural), std::nothrow);
    ::operator delete(checked(::operator new(size, std::nothrow), size, natural));
    ::operator delete[](checked(::operator new[](size, std::nothrow), size, natural));
}

static void
aligned_forms(std::size_t size, std::size_t alignment)
{
    std::align_val_t asked{alignment};
    ::operator delete(checked(::operator new(size, asked), size, alignment), asked);
    ::operator delete(checked(::operator new(size, asked), size, alignment), size, asked);
    ::operator delete(checked(::operator new(size, asked), size, alignment), asked, std::nothrow);
    ::operator delete[](checked(::operator new[](size, asked), size, alignment), asked);
    ::operator delete[](checked(::operator new[](size, asked), size, alignment), size, asked);
    ::operator delete[](checked(::operator new[](size, asked), size, alignment), asked,
                        std::nothrow);
    ::operator delete(checked(::operator new(size, asked, std::nothrow), size, alignment), asked);
    ::operator delete[](checked(::operator new[](size, asked, std::nothrow), size, alignment),
                        asked);
}

template <typename Call>
static bool
throws_bad_alloc(Call call)
{
    try {
        call();
    } catch (const std::bad_alloc &) {
        return true;
    }
    return false;
}

static void
failure_without_handler(std::size_t size)
{
    std::align_val_t asked{128};
    EXPECT(throws_bad_alloc([=] { opaque(::operator new(size)); }));
    EXPECT(throws_bad_alloc([=] { opaque(::operator new[](size)); }));
    EXPECT(throws_bad_alloc([=] { opaque(::operator new(size, asked)); }));
    EXPECT(throws_bad_alloc([=] { opaque(::operator new[](size, asked)); }));
    EXPECT(::operator new(size, std::nothrow) == nullptr);
    EXPECT(::operator new[](size, std::nothrow) == nullptr);
    EXPECT(::operator new(size, asked, std::nothrow) == nullptr);
    EXPECT(::operator new[](size, asked, std::nothrow) == nullptr);
}

static void
give_up_at_third_call()
{
    if (++handler_calls == 3) {
        std::set_new_handler(nullptr);
    }
}

static void
throw_at_once()
{
    handler_calls++;
    throw std::bad_alloc();
}

static void
failure_with_handler(std::size_t size)
{
    std::align_val_t asked{64};

    handler_calls = 0;
    std::set_new_handler(give_up_at_third_call);
    EXPECT(throws_bad_alloc([=] { opaque(::operator new(size)); }));
    EXPECT(handler_calls == 3);

    handler_calls = 0;
    std::set_new_handler(give_up_at_third_call);
    EXPECT(::operator new(size, std::nothrow) == nullptr);
    EXPECT(handler_calls == 3);

    handler_calls = 0;
    std::set_new_handler(give_up_at_third_call);
    EXPECT(::operator new[](size, asked, std::nothrow) == nullptr);
    EXPECT(handler_calls == 3);

    handler_calls = 0;
    std::set_new_handler(throw_at_once);
    EXPECT(throws_bad_alloc([=] { opaque(::operator new[](size, asked)); }));
    EXPECT(handler_calls == 1);

    // A handler that throws out of a nothrow form: the caller sees nullptr.
    handler_calls = 0;
    EXPECT(::operator new(size, std::nothrow) == nullptr);
    EXPECT(::operator new[](size, std::nothrow) == nullptr);
    EXPECT(handler_calls == 2);
    std::set_new_handler(nullptr);
}

struct alignas(256) Wide {
    unsigned char bytes[700];
};

struct Counted {
    static int alive;
    char name[33];
    Counted()
    {
        alive++;
        if (alive == 50) {
            alive--;
            throw 1;
        }
    }
    ~Counted()
    {
        alive--;
    }
};
int Counted::alive;

static void
expressions()
{
    Wide *wide = new Wide;
    Wide *many = new Wide[9];
    EXPECT(is_aligned(opaque(wide), 256) && is_aligned(opaque(many), 256));
    delete wide;
    delete[] many;
    Wide *none = new (std::nothrow) Wide[3];
    EXPECT(is_aligned(opaque(none), 256));
    delete[] none;

    // A constructor that throws: what was built is taken down and the memory is freed.
    for (int i = 0; i < 100; i++) {
        bool thrown = false;
        try {
            opaque(new Counted[80]);
        } catch (int) {
            thrown = true;
        }
        EXPECT(thrown && Counted::alive == 0);
    }
    EXPECT(throws_bad_alloc([] {
        std::size_t count = opaque_size(SIZE_MAX / 8);
        opaque(new Wide[count]);
    }));
}

int
main()
{
    for (std::size_t size = 0; size < 3000000; size = size < 300 ? size + 1 : size * 5 / 4) {
        plain_forms(size);
        for (std::size_t alignment = 8; alignment <= 8192; alignment *= 4) {
            aligned_forms(size, alignment);
        }
    }
    static const std::size_t impossible[] = {(std::size_t)1 << 48,
                                             (std::size_t)PTRDIFF_MAX,
                                             (std::size_t)PTRDIFF_MAX + 1,
                                             SIZE_MAX - 4096,
                                             SIZE_MAX - 15,
                                             SIZE_MAX - 1,
                                             SIZE_MAX};
    for (std::size_t size : impossible) {
        // libstdc++ 12 over the C library rounds these up to 0.
        if (size > SIZE_MAX - 4096 && !subject_is_preloaded()) {
            continue;
        }
        failure_without_handler(opaque_size(size));
        failure_with_handler(opaque_size(size));
    }
    ::operator delete(nullptr);
    ::operator delete[](nullptr);
    ::operator delete(nullptr, (std::size_t)8);
    ::operator delete (nullptr, std::align_val_t{64});
    expressions();

    // malloc's free and new's delete meet the same heap, unless it is asked to mind.
    const char *check = getenv("TARN_CHECK");
    if (check == nullptr || strcmp(check, "1") != 0) {
        reserve = malloc(100);
        ::operator delete(opaque(reserve));
        free(opaque(::operator new(100)));
    }
    return 0;
}
