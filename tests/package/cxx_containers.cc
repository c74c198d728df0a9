/* tarn/tarn.hpp: the standard's containers on every face, want of memory, alignment, owners, and
 * pointers that move. */
#include <tarn/tarn.hpp>

#include "expect.h"

#include <array>
#include <deque>
#include <forward_list>
#include <list>
#include <map>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace
{

template <class T> using on_process = tarn::allocator<T>;
template <class T> using on_heap = tarn::heap_allocator<T>;
template <class T> using on_pools = tarn::pool_allocator<T>;

struct alignas(256) wide {
    int value = 7;
};

size_t
live_blocks(tarn_heap *heap)
{
    size_t blocks = 0;
    tarn_heap_walk(
        heap,
        [](void *context, void *, size_t) {
            ++*static_cast<size_t *>(context);
            return true;
        },
        &blocks);
    return blocks;
}

template <template <class> class A, class Source>
void
containers(Source source)
{
    using text = std::basic_string<char, std::char_traits<char>, A<char>>;
    std::vector<int, A<int>> numbers{A<int>(source)};
    std::deque<int, A<int>> queue{A<int>(source)};
    std::list<int, A<int>> list{A<int>(source)};
    std::forward_list<int, A<int>> single{A<int>(source)};
    std::map<int, text, std::less<>, A<std::pair<const int, text>>> map{
        A<std::pair<const int, text>>(source)};
    std::multiset<int, std::less<>, A<int>> set{A<int>(source)};
    std::unordered_map<int, int, std::hash<int>, std::equal_to<>, A<std::pair<const int, int>>>
        table{A<std::pair<const int, int>>(source)};
    std::vector<wide, A<wide>> wides{A<wide>(source)};
    for (int i = 0; i < 2000; i++) {
        numbers.push_back(i);
        queue.push_front(i);
        list.push_back(i);
        single.push_front(i);
        map.emplace(i, text(static_cast<size_t>(i % 90), 'x', A<char>(source)));
        set.insert(i / 2);
        table[i] = -i;
        if (i % 100 == 0) {
            wides.emplace_back();
            EXPECT(is_aligned(&wides.back(), 256) && wides.front().value == 7);
        }
    }
    for (int i = 0; i < 2000; i += 2) {
        map.erase(i);
        table.erase(i);
    }
    EXPECT(std::accumulate(numbers.begin(), numbers.end(), 0) == 1999000);
    EXPECT(std::accumulate(queue.begin(), queue.end(), 0) == 1999000);
    EXPECT(std::accumulate(list.begin(), list.end(), 0) == 1999000);
    EXPECT(std::accumulate(single.begin(), single.end(), 0) == 1999000);
    EXPECT(map.size() == 1000 && map.at(1999).size() == 1999 % 90 && set.count(42) == 2);
    EXPECT(table.size() == 1000 && table.at(77) == -77);
    auto moved = std::move(map);
    EXPECT(moved.size() == 1000 && moved.get_allocator() == A<int>(source));
    auto copy = numbers;
    copy.swap(numbers);
    EXPECT(copy == numbers);
}

void
resources()
{
    tarn::heap heap;
    tarn::heap_resource own(heap);
    tarn::heap_resource same(heap);
    tarn::pool_resource pools(heap);
    tarn::memory_resource *process = tarn::process_resource();
    EXPECT(own == same && own != pools && *process == *tarn::process_resource() && *process != own);
    for (tarn::memory_resource *resource :
         std::array<tarn::memory_resource *, 3>{process, &own, &pools}) {
#if __has_include(<memory_resource>)
        std::pmr::map<int, std::pmr::string> map(resource);
        for (int i = 0; i < 3000; i++) {
            map.emplace(i, std::to_string(i) + " and a tail that is too long to fit inside");
        }
        EXPECT(map.at(2999).get_allocator().resource() == resource);
#endif
        for (size_t align = 1; align <= 65536; align *= 2) {
            for (size_t size : {size_t(1), size_t(8), size_t(17), size_t(600), align}) {
                void *p = resource->allocate(size, align);
                EXPECT(is_aligned(p, align));
                memset(p, 1, size);
                resource->deallocate(p, size, align);
            }
        }
        bool thrown = false;
        volatile size_t impossible = SIZE_MAX / 2 + 1; // the compiler warns of what it can see
        try {
            (void)resource->allocate(impossible);
        } catch (const std::bad_alloc &) {
            thrown = true;
        }
        EXPECT(thrown);
    }
    EXPECT(tarn_heap_check(heap) == nullptr);
}

void
want_of_memory()
{
    std::vector<char> buffer(TARN_HEAP_BUFFER_LEAST * 2);
    tarn::heap heap(buffer.data(), buffer.size());
    std::list<std::array<char, 500>, tarn::heap_allocator<std::array<char, 500>>> list(heap);
    bool thrown = false;
    try {
        for (;;) {
            list.emplace_back();
        }
    } catch (const std::bad_alloc &) {
        thrown = true;
    }
    EXPECT(thrown && list.size() > 100);
    size_t before = list.size();
    list.clear();
    for (size_t i = 0; i < before; i++) {
        list.emplace_back();
    }
    thrown = false;
    try {
        tarn::heap_allocator<int> ints(heap);
        (void)ints.allocate(SIZE_MAX / 2);
    } catch (const std::bad_array_new_length &) {
        thrown = true;
    }
    EXPECT(thrown);
    thrown = false;
    try {
        char small[16];
        tarn::heap none(small, sizeof small);
    } catch (const std::bad_alloc &) {
        thrown = true;
    }
    EXPECT(thrown);
}

int things = 0;

struct thing {
    explicit thing(int n) : number(n)
    {
        if (n < 0) {
            throw std::invalid_argument("negative");
        }
        things++;
    }
    ~thing()
    {
        things--;
    }
    thing(const thing &) = delete;
    thing &operator=(const thing &) = delete;
    int number;
};

void
owners()
{
    {
        tarn::object_pool<thing> pool("things");
        thing *one = pool.make(1);
        auto two = pool.make_unique(2);
        bool thrown = false;
        try {
            (void)pool.make(-1);
        } catch (const std::invalid_argument &) {
            thrown = true;
        }
        struct tarn_pool_stats stats;
        tarn_pool_stats(pool.get(), &stats);
        EXPECT(thrown && things == 2 && stats.live == 2 && two->number == 2);
        pool.drop(one);
        EXPECT(things == 1);
        two.reset();
        (void)pool.make(3); /* for the pool's end */
    }
    EXPECT(things == 0);
    tarn::object_pool<thing> closed;
    closed.drop(closed.make(1));
    closed.close();

    tarn::heap a;
    tarn::heap b;
    tarn_heap *of_a = a;
    tarn::heap c(std::move(a));
    EXPECT(c.get() == of_a && a.get() == nullptr);
    b = std::move(c);
    EXPECT(b.get() == of_a && tarn_heap_malloc(b, 10) != nullptr && live_blocks(b) == 1);
}

void
shared_pools()
{
    tarn::heap heap;
    tarn::pool_resource shared(heap, TARN_POOL_SHARED);
    std::array<std::thread, 4> threads;
    for (std::thread &thread : threads) {
        thread = std::thread([&shared] {
            std::list<int, on_pools<int>> list(&shared);
            for (int i = 0; i < 20000; i++) {
                list.push_back(i);
                if (list.size() > 100) {
                    list.pop_front();
                }
            }
        });
    }
    for (std::thread &thread : threads) {
        thread.join();
    }
}

struct island {
    std::vector<int, tarn::offset_allocator<int>> numbers;
    std::vector<char, tarn::offset_allocator<char>> text;
    tarn::offset_ptr<const int> middle;
    tarn_offset_ptr from_c;
    explicit island(tarn_heap *heap)
        : numbers(tarn::offset_allocator<int>(heap)), text(tarn::offset_allocator<char>(heap)),
          middle(nullptr), from_c{0}
    {
    }
};

/* A heap's buffer is copied as a whole; what lies in it is read where it is now. */
void
moving()
{
    const size_t size = 2 << 20;
    auto *here = static_cast<char *>(tarn_aligned_alloc(65536, size));
    auto *there = static_cast<char *>(tarn_aligned_alloc(65536, size));
    {
        tarn::heap heap(here, size);
        auto *one = new (tarn_heap_malloc(heap, sizeof(island))) island(heap);
        for (int i = 0; i < 500; i++) {
            one->numbers.push_back(i);
        }
        one->text.assign({'m', 'o', 'v', 'e', 'd', 0});
        one->middle = &one->numbers[250];
        tarn_offset_set(&one->from_c, &one->numbers[251]);
        memcpy(there, here, size);
        auto *two =
            reinterpret_cast<const island *>(there + (reinterpret_cast<char *>(one) - here));
        memset(&one->numbers[0], 1, one->numbers.size() * sizeof(int));
        EXPECT(two->numbers.size() == 500);
        EXPECT(std::accumulate(two->numbers.begin(), two->numbers.end(), 0) == 124750);
        EXPECT(strcmp(&two->text[0], "moved") == 0);
        EXPECT(*two->middle == 250 && two->middle[2] == 252 && two->middle.get() >= (int *)there);
        EXPECT(*static_cast<int *>(tarn_offset_get(&two->from_c)) == 251);
    }
    tarn_free(here);
    tarn_free(there);
}

void
offset_pointers()
{
    struct base {
        int b;
    };
    struct derived : base {
        int d;
    };
    derived objects[4] = {};
    tarn::offset_ptr<derived> p(objects);
    tarn::offset_ptr<base> up(p);
    tarn::offset_ptr<void> any(p);
    tarn::offset_ptr<derived> back(any);
    tarn::offset_ptr<derived> itself(reinterpret_cast<derived *>(&itself));
    EXPECT(up.get() == objects && back == p && p != nullptr && !tarn::offset_ptr<int>());
    EXPECT(static_cast<void *>(itself.get()) == &itself);
    tarn::offset_ptr<derived> end = p + 4;
    EXPECT(end - p == 4 && p < end && end >= p && (p++)->d == 0 && p.get() == objects + 1);
    EXPECT((--p).get() == objects && &p[3] == objects + 3);
    EXPECT(std::pointer_traits<tarn::offset_ptr<derived>>::pointer_to(objects[2]).get() ==
           objects + 2);
    static_assert(std::is_same_v<std::pointer_traits<tarn::offset_ptr<int>>::rebind<char>,
                                 tarn::offset_ptr<char>>);
    static_assert(sizeof(tarn::offset_ptr<int>) == sizeof(tarn_offset_ptr));
}

} // namespace

int
main()
{
    containers<on_process>(on_process<int>());
    tarn::heap heap;
    containers<on_heap>(heap.get());
    EXPECT(live_blocks(heap) == 0 && tarn_heap_check(heap) == nullptr);
    {
        tarn::pool_resource pools(heap);
        containers<on_pools>(&pools);
    }
    resources();
    want_of_memory();
    owners();
    shared_pools();
    moving();
    offset_pointers();
    puts("containers on every face");
    return 0;
}
