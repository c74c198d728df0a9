/*
 * tarn/offset_ptr.hpp: a pointer that holds the distance from itself to what it points at, so that
 * data which is copied or mapped as a whole stays linked wherever it lies. It meets what the
 * standard asks of an allocator's pointer type and of a random access iterator, and has the
 * representation of the C type tarn_offset_ptr (tarn/offset.h).
 *
 * Both ends must be moved together; a copy made elsewhere by the copy constructor points to the
 * same object as its source. Cost: an addition and a test more than a plain pointer.
 */
#ifndef TARN_OFFSET_PTR_HPP
#define TARN_OFFSET_PTR_HPP

#include <tarn/offset.h>

#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <type_traits>

namespace tarn
{

template <class T> class offset_ptr
{
    template <class From>
    using if_converts = std::enable_if_t<std::is_convertible_v<From *, T *>, int>;

  public:
    using element_type = T;
    using value_type = std::remove_cv_t<T>;
    using difference_type = std::ptrdiff_t;
    using pointer = offset_ptr;
    using reference = std::add_lvalue_reference_t<T>;
    using iterator_category = std::random_access_iterator_tag;
    template <class U> using rebind = offset_ptr<U>;

    offset_ptr() noexcept : held_{0}
    {
    }
    /* Of nullptr alone: a literal 0 is a T * then. */
    template <class Null, std::enable_if_t<std::is_same_v<Null, std::nullptr_t>, int> = 0>
    offset_ptr(Null) noexcept : held_{0}
    {
    }
    offset_ptr(T *p) noexcept
    {
        set(p);
    }
    offset_ptr(const offset_ptr &other) noexcept
    {
        set(other.get());
    }
    template <class From, if_converts<From> = 0> offset_ptr(const offset_ptr<From> &other) noexcept
    {
        set(other.get());
    }
    /* Casts that a plain pointer would need static_cast for, such as from offset_ptr<void>. */
    template <class From, std::enable_if_t<!std::is_convertible_v<From *, T *>, int> = 0,
              class = decltype(static_cast<T *>(std::declval<From *>()))>
    explicit offset_ptr(const offset_ptr<From> &other) noexcept
    {
        set(static_cast<T *>(other.get()));
    }
    ~offset_ptr() = default;

    offset_ptr &
    operator=(const offset_ptr &other) noexcept
    {
        set(other.get());
        return *this;
    }
    offset_ptr &
    operator=(T *p) noexcept
    {
        set(p);
        return *this;
    }

    T *
    get() const noexcept
    {
        return static_cast<T *>(tarn_offset_get(&held_));
    }
    template <class U = T, std::enable_if_t<!std::is_void_v<U>, int> = 0>
    static offset_ptr
    pointer_to(U &object) noexcept
    {
        return offset_ptr(std::addressof(object));
    }

    explicit operator bool() const noexcept
    {
        return held_.distance != 0;
    }
    reference
    operator*() const noexcept
    {
        return *get();
    }
    T *
    operator->() const noexcept
    {
        return get();
    }
    template <class U = T>
    std::enable_if_t<!std::is_void_v<U>, U &>
    operator[](difference_type i) const noexcept
    {
        return get()[i];
    }

    offset_ptr &
    operator+=(difference_type n) noexcept
    {
        set(get() + n);
        return *this;
    }
    offset_ptr &
    operator-=(difference_type n) noexcept
    {
        set(get() - n);
        return *this;
    }
    offset_ptr &
    operator++() noexcept
    {
        return *this += 1;
    }
    offset_ptr &
    operator--() noexcept
    {
        return *this -= 1;
    }
    offset_ptr
    operator++(int) noexcept
    {
        offset_ptr before(*this);
        ++*this;
        return before;
    }
    offset_ptr
    operator--(int) noexcept
    {
        offset_ptr before(*this);
        --*this;
        return before;
    }
    friend offset_ptr
    operator+(const offset_ptr &p, difference_type n) noexcept
    {
        return offset_ptr(p.get() + n);
    }
    friend offset_ptr
    operator+(difference_type n, const offset_ptr &p) noexcept
    {
        return offset_ptr(p.get() + n);
    }
    friend offset_ptr
    operator-(const offset_ptr &p, difference_type n) noexcept
    {
        return offset_ptr(p.get() - n);
    }
    friend difference_type
    operator-(const offset_ptr &a, const offset_ptr &b) noexcept
    {
        return a.get() - b.get();
    }

    friend bool
    operator==(const offset_ptr &a, const offset_ptr &b) noexcept
    {
        return a.get() == b.get();
    }
    friend bool
    operator!=(const offset_ptr &a, const offset_ptr &b) noexcept
    {
        return a.get() != b.get();
    }
    friend bool
    operator<(const offset_ptr &a, const offset_ptr &b) noexcept
    {
        return std::less<T *>()(a.get(), b.get());
    }
    friend bool
    operator>(const offset_ptr &a, const offset_ptr &b) noexcept
    {
        return b < a;
    }
    friend bool
    operator<=(const offset_ptr &a, const offset_ptr &b) noexcept
    {
        return !(b < a);
    }
    friend bool
    operator>=(const offset_ptr &a, const offset_ptr &b) noexcept
    {
        return !(a < b);
    }

  private:
    void
    set(T *p) noexcept
    {
        tarn_offset_set(&held_, const_cast<const std::remove_cv_t<T> *>(p));
    }

    tarn_offset_ptr held_;
};

} // namespace tarn

#endif
