/*
 * tarn/allocators.hpp: Tarn's faces as C++ allocators and memory resources.
 *
 *   face              allocator (static type)   std::pmr::memory_resource
 *   process heap      allocator<T>              process_resource()
 *   heap of one's own heap_allocator<T>         heap_resource
 *   object pools      pool_allocator<T>         pool_resource
 *   persistent heap   image_allocator<T>        heap_resource, while the program runs
 *
 *     std::map<int, int, std::less<>, tarn::heap_allocator<std::pair<const int, int>>> map(heap);
 *     tarn::pool_resource nodes;
 *     std::pmr::list<int> list(&nodes);
 *
 * What holds of all: want of memory throws std::bad_alloc; any alignment is met; who allocates from
 * several threads may, but for a pool_resource made without TARN_POOL_SHARED; the heap, pool or
 * image outlives the containers on it. Cost: that of the C function called.
 *
 * Containers that stay in an image hold image_allocator: it keeps an address inside the image,
 * which is the same in every process, where the others keep an address of this process. A pmr
 * container keeps the address of its resource, so it cannot stay.
 *
 * Containers in memory that is moved as a whole hold offset_allocator, whose pointers are
 * offset_ptr. Which may be there is up to the C++ library: libstdc++'s (12) vector and deque;
 * libc++'s (14) vector, list, forward_list, map, set and the unordered ones; boost::container's
 * vector, deque, string, list, slist, map, set and flat_map. The others do not compile with it,
 * rather than break when they are moved.
 */
#ifndef TARN_ALLOCATORS_HPP
#define TARN_ALLOCATORS_HPP

/* In C a structure and a function may share a name; g++'s -Wshadow minds. */
#if defined(__GNUC__)
#    pragma GCC diagnostic push
#    pragma GCC diagnostic ignored "-Wshadow"
#endif
#include <tarn/heap.h>
#include <tarn/offset_ptr.hpp>
#include <tarn/persist.h>
#include <tarn/pool.h>
#include <tarn/tarn.h>
#if defined(__GNUC__)
#    pragma GCC diagnostic pop
#endif

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>
#if __has_include(<memory_resource>)
#    include <memory_resource>
#endif

namespace tarn
{

/* std::pmr's; where the C++ library has none (libc++ before 16), as much of it as is used here. */
#if __has_include(<memory_resource>)
using memory_resource = std::pmr::memory_resource;
#else
class memory_resource
{
  public:
    virtual ~memory_resource() = default;
    [[nodiscard]] void *
    allocate(std::size_t bytes, std::size_t align = alignof(std::max_align_t))
    {
        return do_allocate(bytes, align);
    }
    void
    deallocate(void *p, std::size_t bytes, std::size_t align = alignof(std::max_align_t))
    {
        do_deallocate(p, bytes, align);
    }
    friend bool
    operator==(const memory_resource &a, const memory_resource &b) noexcept
    {
        return &a == &b || a.do_is_equal(b);
    }
    friend bool
    operator!=(const memory_resource &a, const memory_resource &b) noexcept
    {
        return !(a == b);
    }

  protected:
    virtual void *do_allocate(std::size_t bytes, std::size_t align) = 0;
    virtual void do_deallocate(void *p, std::size_t bytes, std::size_t align) = 0;
    virtual bool do_is_equal(const memory_resource &other) const noexcept = 0;
};
#endif

namespace detail
{

inline void *
or_throw(void *block)
{
    if (block == nullptr) {
        throw std::bad_alloc();
    }
    return block;
}

/* Whether malloc's own alignment does for a block. */
constexpr bool
natural(std::size_t bytes, std::size_t align) noexcept
{
    return align <= 8 || (align <= 16 && bytes > 8);
}

inline void *
heap_allocate(tarn_heap *heap, std::size_t bytes, std::size_t align)
{
    return or_throw(natural(bytes, align) ? tarn_heap_malloc(heap, bytes)
                                          : tarn_heap_aligned_alloc(heap, align, bytes));
}

/* Nodes of libstdc++'s forward_list and unordered containers, which link plain pointers whatever
 * the allocator's are. (Its list, map, set and string do not compile then.) */
template <class Node, class = void> struct links_plainly : std::false_type {
};
template <class Node>
struct links_plainly<Node, std::enable_if_t<std::is_pointer_v<decltype(Node::_M_nxt)>>>
    : std::true_type {
};
template <class Node>
struct links_plainly<Node, std::enable_if_t<std::is_pointer_v<decltype(Node::_M_next)>>>
    : std::true_type {
};

} // namespace detail

/* A set of pools, one for each size up to 512 bytes, made when first needed; what is larger goes to
 * the heap. For containers of nodes, whose allocator's type is not the one they are asked for. All
 * of it goes when the resource does. */
class pool_resource : public memory_resource
{
  public:
    /* heap: where the pools live, nullptr: the process heap. flags: of enum tarn_pool_flags. */
    explicit pool_resource(tarn_heap *heap = nullptr, unsigned flags = 0)
        : heap_(heap != nullptr ? heap : tarn_heap_process()), flags_(flags)
    {
        if (heap_ == nullptr) {
            throw std::bad_alloc();
        }
        /* Two threads must not make a pool at the same time. */
        for (std::size_t i = 0; (flags & TARN_POOL_SHARED) != 0 && i < pool_count; i++) {
            make(i);
        }
    }
    pool_resource(const pool_resource &) = delete;
    pool_resource &operator=(const pool_resource &) = delete;
    ~pool_resource() override
    {
        for (tarn_pool *pool : pools_) {
            tarn_pool_destroy(pool);
        }
    }

    tarn_heap *
    heap() const noexcept
    {
        return heap_;
    }

    /* What do_allocate and do_deallocate are, without a virtual call. */
    void *
    take(std::size_t bytes, std::size_t align)
    {
        if (!pooled(bytes, align)) {
            return detail::heap_allocate(heap_, bytes, align);
        }
        std::size_t i = index(bytes);
        tarn_pool *pool = pools_[i];
        return detail::or_throw(tarn_pool_alloc(pool != nullptr ? pool : make(i)));
    }
    void
    give(void *p, std::size_t bytes, std::size_t align) noexcept
    {
        if (pooled(bytes, align)) {
            tarn_pool_free(pools_[index(bytes)], p);
        } else {
            tarn_heap_free(heap_, p);
        }
    }

  protected:
    void *
    do_allocate(std::size_t bytes, std::size_t align) override
    {
        return take(bytes, align);
    }
    void
    do_deallocate(void *p, std::size_t bytes, std::size_t align) override
    {
        give(p, bytes, align);
    }
    bool
    do_is_equal(const memory_resource &other) const noexcept override
    {
        return this == &other;
    }

  private:
    static constexpr std::size_t step = 16;
    static constexpr std::size_t pool_count = 512 / step;

    static constexpr bool
    pooled(std::size_t bytes, std::size_t align) noexcept
    {
        return bytes <= step * pool_count && align <= step;
    }
    static constexpr std::size_t
    index(std::size_t bytes) noexcept
    {
        return bytes == 0 ? 0 : (bytes - 1) / step;
    }
    tarn_pool *
    make(std::size_t i)
    {
        tarn_pool_options options = {};
        options.heap = heap_;
        options.flags = flags_;
        options.align = step;
        pools_[i] = tarn_pool_new((i + 1) * step, &options);
        if (pools_[i] == nullptr) {
            throw std::bad_alloc();
        }
        return pools_[i];
    }

    tarn_heap *heap_;
    unsigned flags_;
    tarn_pool *pools_[pool_count] = {};
};

/* Where an allocator's memory comes from: what it keeps, and how two compare. */
struct process_source {
    using is_always_equal = std::true_type;
    void *
    take(std::size_t bytes, std::size_t align) const
    {
        return detail::or_throw(detail::natural(bytes, align) ? tarn_malloc(bytes)
                                                              : tarn_aligned_alloc(align, bytes));
    }
    void
    give(void *p, std::size_t bytes, std::size_t align) const noexcept
    {
        if (detail::natural(bytes, align)) {
            tarn_free_sized(p, bytes);
        } else {
            tarn_free_aligned_sized(p, align, bytes);
        }
    }
    friend bool
    operator==(process_source, process_source) noexcept
    {
        return true;
    }
};

struct heap_source {
    using is_always_equal = std::false_type;
    tarn_heap *heap;
    heap_source(tarn_heap *from) noexcept : heap(from)
    {
    }
    void *
    take(std::size_t bytes, std::size_t align) const
    {
        return detail::heap_allocate(heap, bytes, align);
    }
    void
    give(void *p, std::size_t, std::size_t) const noexcept
    {
        tarn_heap_free(heap, p);
    }
    friend bool
    operator==(heap_source a, heap_source b) noexcept
    {
        return a.heap == b.heap;
    }
};

struct pool_source {
    using is_always_equal = std::false_type;
    pool_resource *pools;
    pool_source(pool_resource *from) noexcept : pools(from)
    {
    }
    void *
    take(std::size_t bytes, std::size_t align) const
    {
        return pools->take(bytes, align);
    }
    void
    give(void *p, std::size_t bytes, std::size_t align) const noexcept
    {
        pools->give(p, bytes, align);
    }
    friend bool
    operator==(pool_source a, pool_source b) noexcept
    {
        return a.pools == b.pools;
    }
};

/* Keeps the image's base, not its tarn_heap, which is another in each process. */
struct image_source {
    using is_always_equal = std::false_type;
    void *base;
    image_source(tarn_heap *heap) : base(nullptr)
    {
        tarn_image_figures figures;
        if (tarn_image_info(heap, &figures) != 0) {
            throw std::bad_alloc();
        }
        base = figures.base;
    }
    void *
    take(std::size_t bytes, std::size_t align) const
    {
        return detail::heap_allocate(tarn_heap_of(base), bytes, align);
    }
    void
    give(void *p, std::size_t, std::size_t) const noexcept
    {
        tarn_heap_free(tarn_heap_of(base), p);
    }
    friend bool
    operator==(image_source a, image_source b) noexcept
    {
        return a.base == b.base;
    }
};

/* A standard allocator of T from a source, with Pointer<T> for its pointers. */
template <class T, class Source, template <class> class Pointer = std::add_pointer_t>
class basic_allocator : private Source
{
    template <class, class, template <class> class> friend class basic_allocator;

  public:
    using value_type = T;
    using pointer = Pointer<T>;
    using const_pointer = Pointer<const T>;
    using void_pointer = Pointer<void>;
    using const_void_pointer = Pointer<const void>;
    using size_type = std::size_t;
    using difference_type = std::ptrdiff_t;
    using propagate_on_container_move_assignment = std::true_type;
    using propagate_on_container_swap = std::true_type;
    using is_always_equal = typename Source::is_always_equal;
    template <class U> struct rebind {
        using other = basic_allocator<U, Source, Pointer>;
    };

    basic_allocator() = default; /* where the source needs nothing */
    /* From a tarn_heap pointer, a heap, an image; or a pointer to a pool_resource. */
    template <class From, std::enable_if_t<std::is_convertible_v<const From &, tarn_heap *> ||
                                               std::is_convertible_v<const From &, pool_resource *>,
                                           int> = 0>
    basic_allocator(const From &from) : Source(from)
    {
    }
    template <class U>
    basic_allocator(const basic_allocator<U, Source, Pointer> &other) noexcept
        : Source(static_cast<const Source &>(other))
    {
    }

    [[nodiscard]] pointer
    allocate(size_type count)
    {
        static_assert(std::is_pointer_v<pointer> || !detail::links_plainly<T>::value,
                      "this container keeps plain pointers, which do not move; see tarn_hpp(3)");
        if (count >
            static_cast<size_type>(std::numeric_limits<difference_type>::max()) / sizeof(T)) {
            throw std::bad_array_new_length();
        }
        return pointer(static_cast<T *>(Source::take(count * sizeof(T), alignof(T))));
    }
    void
    deallocate(pointer p, size_type count) noexcept
    {
        Source::give(static_cast<void *>(plain(p)), count * sizeof(T), alignof(T));
    }

    template <class U>
    friend bool
    operator==(const basic_allocator &a, const basic_allocator<U, Source, Pointer> &b) noexcept
    {
        return static_cast<const Source &>(a) == a.source_of(b);
    }
    template <class U>
    friend bool
    operator!=(const basic_allocator &a, const basic_allocator<U, Source, Pointer> &b) noexcept
    {
        return !(a == b);
    }

  private:
    template <class U>
    static const Source &
    source_of(const basic_allocator<U, Source, Pointer> &other) noexcept
    {
        return other;
    }
    static T *
    plain(T *p) noexcept
    {
        return p;
    }
    template <class Fancy>
    static T *
    plain(const Fancy &p) noexcept
    {
        return p.get();
    }
};

template <class T> using allocator = basic_allocator<T, process_source>;
template <class T> using heap_allocator = basic_allocator<T, heap_source>;
template <class T> using pool_allocator = basic_allocator<T, pool_source>;
template <class T> using image_allocator = basic_allocator<T, image_source>;

/* For memory that is moved as a whole; which containers may be there is said above. */
template <class T> using offset_allocator = basic_allocator<T, heap_source, offset_ptr>;

/* A heap of one's own, or an image, as a memory resource. */
class heap_resource : public memory_resource
{
  public:
    explicit heap_resource(tarn_heap *heap) noexcept : heap_(heap)
    {
    }
    tarn_heap *
    heap() const noexcept
    {
        return heap_;
    }

  protected:
    void *
    do_allocate(std::size_t bytes, std::size_t align) override
    {
        return detail::heap_allocate(heap_, bytes, align);
    }
    void
    do_deallocate(void *p, std::size_t, std::size_t) override
    {
        tarn_heap_free(heap_, p);
    }
    bool
    do_is_equal(const memory_resource &other) const noexcept override
    {
        auto *same = dynamic_cast<const heap_resource *>(&other);
        return same != nullptr && same->heap_ == heap_;
    }

  private:
    tarn_heap *heap_;
};

namespace detail
{

class process_resource final : public memory_resource
{
    void *
    do_allocate(std::size_t bytes, std::size_t align) override
    {
        return process_source().take(bytes, align);
    }
    void
    do_deallocate(void *p, std::size_t bytes, std::size_t align) override
    {
        process_source().give(p, bytes, align);
    }
    bool
    do_is_equal(const memory_resource &other) const noexcept override
    {
        return dynamic_cast<const process_resource *>(&other) != nullptr;
    }
};

} // namespace detail

/* The process heap as a memory resource; for std::pmr::set_default_resource, too: never destroyed.
 */
inline memory_resource *
process_resource() noexcept
{
    alignas(detail::process_resource) static char place[sizeof(detail::process_resource)];
    static memory_resource *resource = new (place) detail::process_resource;
    return resource;
}

} // namespace tarn

#endif
