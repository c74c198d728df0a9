/*
 * tarn/handles.hpp: owners of Tarn's heaps, pools and images.
 *
 * heap and image may be moved, not copied, and convert to the tarn_heap pointer that the C
 * interface and the allocators take. What the C interface says of a function's threads and cost
 * holds of its member here.
 */
#ifndef TARN_HANDLES_HPP
#define TARN_HANDLES_HPP

/* In C a structure and a function may share a name; g++'s -Wshadow minds. */
#if defined(__GNUC__)
#    pragma GCC diagnostic push
#    pragma GCC diagnostic ignored "-Wshadow"
#endif
#include <tarn/heap.h>
#include <tarn/persist.h>
#include <tarn/pool.h>
#if defined(__GNUC__)
#    pragma GCC diagnostic pop
#endif

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <string>
#include <system_error>
#include <type_traits>
#include <typeinfo>
#include <utility>

namespace tarn
{

/* What a file refused: code() is errno, what() has tarn_error()'s sentence. */
class error : public std::system_error
{
  public:
    error() : std::system_error(errno, std::generic_category(), tarn_error())
    {
    }
};

/* A heap of one's own; its blocks go with it, whatever still points at them. */
class heap
{
  public:
    heap() : heap(tarn_heap_new())
    {
    }
    /* Inside a buffer of the caller's, which is to outlive it. */
    heap(void *buffer, std::size_t size) : heap(tarn_heap_new_in(buffer, size))
    {
    }
    heap(heap &&other) noexcept : heap_(std::exchange(other.heap_, nullptr))
    {
    }
    heap &
    operator=(heap &&other) noexcept
    {
        std::swap(heap_, other.heap_);
        return *this;
    }
    ~heap()
    {
        tarn_heap_destroy(heap_);
    }

    operator tarn_heap *() const noexcept
    {
        return heap_;
    }
    tarn_heap *
    get() const noexcept
    {
        return heap_;
    }
    std::size_t
    trim() noexcept
    {
        return tarn_heap_trim(heap_);
    }

  private:
    explicit heap(tarn_heap *owned) : heap_(owned)
    {
        if (heap_ == nullptr) {
            throw std::bad_alloc();
        }
    }
    tarn_heap *heap_;
};

/* A pool of T, which constructs and destroys them. */
template <class T> class object_pool
{
  public:
    struct dropper {
        object_pool *pool;
        void
        operator()(T *object) const noexcept
        {
            pool->drop(object);
        }
    };
    using unique_ptr = std::unique_ptr<T, dropper>;

    /* As tarn_pool_new; its constructor and destructor are not for here. */
    explicit object_pool(const char *name = nullptr, tarn_heap *heap = nullptr, unsigned flags = 0)
    {
        tarn_pool_options options = {};
        options.align = alignof(T);
        options.name = name;
        options.heap = heap;
        options.flags = flags;
        pool_ = tarn_pool_new(sizeof(T), &options);
        if (pool_ == nullptr) {
            throw std::bad_alloc();
        }
    }
    object_pool(const object_pool &) = delete;
    object_pool &operator=(const object_pool &) = delete;
    /* Destroys what is still out. */
    ~object_pool()
    {
        if (pool_ != nullptr && !std::is_trivially_destructible_v<T>) {
            tarn_pool_walk(
                pool_,
                [](void *, void *object) {
                    static_cast<T *>(object)->~T();
                    return true;
                },
                nullptr);
        }
        tarn_pool_destroy(pool_);
    }

    template <class... Arguments>
    [[nodiscard]] T *
    make(Arguments &&...arguments)
    {
        void *place = tarn_pool_alloc(pool_);
        if (place == nullptr) {
            throw std::bad_alloc();
        }
        if constexpr (std::is_nothrow_constructible_v<T, Arguments...>) {
            return ::new (place) T(std::forward<Arguments>(arguments)...);
        } else {
            try {
                return ::new (place) T(std::forward<Arguments>(arguments)...);
            } catch (...) {
                tarn_pool_free(pool_, place);
                throw;
            }
        }
    }
    template <class... Arguments>
    [[nodiscard]] unique_ptr
    make_unique(Arguments &&...arguments)
    {
        return unique_ptr(make(std::forward<Arguments>(arguments)...), dropper{this});
    }
    void
    drop(T *object) noexcept
    {
        if (object != nullptr) {
            object->~T();
            tarn_pool_free(pool_, object);
        }
    }
    /* Ends the pool; with objects still out, the process, which says how many. */
    void
    close() noexcept
    {
        tarn_pool_close(std::exchange(pool_, nullptr));
    }
    tarn_pool *
    get() const noexcept
    {
        return pool_;
    }

  private:
    tarn_pool *pool_ = nullptr;
};

/* A persistent heap that is open. Only commit() and close() keep changes: an image that goes out of
 * scope, by an exception say, is closed as of its last commit. Its objects are not destroyed. */
class image
{
  public:
    static image
    open(const char *path, const tarn_options &options = {})
    {
        return image(tarn_open(path, &options));
    }
    static image
    create(const char *path, const tarn_options &options = {})
    {
        return image(tarn_create(path, &options));
    }
    /* Opens it, or makes it where there is none. */
    static image
    open_or_create(const char *path, tarn_options options = {})
    {
        options.flags |= TARN_CREATE;
        return image(tarn_open(path, &options));
    }
    image(image &&other) noexcept : heap_(std::exchange(other.heap_, nullptr))
    {
    }
    image &
    operator=(image &&other) noexcept
    {
        std::swap(heap_, other.heap_);
        return *this;
    }
    ~image()
    {
        tarn_close_without_commit(heap_);
    }

    operator tarn_heap *() const noexcept
    {
        return heap_;
    }
    tarn_heap *
    get() const noexcept
    {
        return heap_;
    }
    void
    commit()
    {
        check(tarn_commit(heap_));
    }
    void
    rollback()
    {
        check(tarn_rollback(heap_));
    }
    /* Commits and closes; when it throws the image is still open. */
    void
    close()
    {
        check(tarn_close(heap_));
        heap_ = nullptr;
    }

    /* The named object, or nullptr where there is none; of another type or size: tarn::error. */
    template <class T>
    T *
    find(const char *name) const
    {
        void *object = tarn_named_root(heap_, name, sizeof(T), type_word<T>());
        if (object == nullptr && errno != ENOENT) {
            throw error();
        }
        return static_cast<T *>(object);
    }
    /* The named object, made of the arguments where there is none. */
    template <class T, class... Arguments>
    T &
    find_or_make(const char *name, Arguments &&...arguments)
    {
        if (T *object = find<T>(name)) {
            return *object;
        }
        void *place = tarn_heap_aligned_alloc(heap_, alignof(T), sizeof(T));
        if (place == nullptr) {
            throw std::bad_alloc();
        }
        struct guard {
            tarn_heap *heap;
            void *place;
            ~guard()
            {
                tarn_heap_free(heap, place);
            }
        } undo{heap_, place};
        T *object = ::new (place) T(std::forward<Arguments>(arguments)...);
        if (tarn_set_named_root(heap_, name, object, sizeof(T), type_word<T>()) != 0) {
            error refused;
            object->~T();
            throw refused;
        }
        undo.place = nullptr;
        return *object;
    }
    /* Destroys the named object and its name; false where there is none. */
    template <class T>
    bool
    remove(const char *name)
    {
        T *object = find<T>(name);
        if (object == nullptr) {
            return false;
        }
        check(tarn_set_named_root(heap_, name, nullptr, 0, 0));
        object->~T();
        tarn_heap_free(heap_, object);
        return true;
    }

  private:
    explicit image(tarn_heap *owned) : heap_(owned)
    {
        if (heap_ == nullptr) {
            throw error();
        }
    }
    static void
    check(int result)
    {
        if (result != 0) {
            throw error();
        }
    }
    /* The type's name as a number, the same in every process (FNV-1a of its mangled name); 0, which
     * matches all, where the program is compiled without type information. */
    template <class T>
    static std::uint64_t
    type_word() noexcept
    {
        static_assert(!std::is_polymorphic_v<T>,
                      "a virtual function's address is another in the next process");
        std::uint64_t word = 0;
#if defined(__cpp_rtti)
        word = 14695981039346656037u;
        for (const char *name = typeid(T).name(); *name != 0; name++) {
            word = (word ^ static_cast<unsigned char>(*name)) * 1099511628211u;
        }
#endif
        return word;
    }

    tarn_heap *heap_;
};

} // namespace tarn

#endif
