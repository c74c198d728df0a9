/* Containers on offset_allocator, in a heap's buffer that is copied as a whole while the first one
 * is wiped out: what was in them is read from the copy. Compiled by cxx_moving.py with all that
 * move of one library, or with REFUSED as the one container that must not compile. */
#include <tarn/tarn.hpp>

#include "expect.h"

#include <functional>
#ifdef BOOST
#    include <boost/container/deque.hpp>
#    include <boost/container/flat_map.hpp>
#    include <boost/container/list.hpp>
#    include <boost/container/map.hpp>
#    include <boost/container/set.hpp>
#    include <boost/container/slist.hpp>
#    include <boost/container/string.hpp>
#    include <boost/container/vector.hpp>
namespace library = boost::container;
#else
#    include <deque>
#    include <forward_list>
#    include <list>
#    include <map>
#    include <set>
#    include <string>
#    include <unordered_map>
#    include <unordered_set>
#    include <vector>
namespace library = std;
#endif

namespace
{

template <class T> using in = tarn::offset_allocator<T>;
using pair = std::pair<const int, int>;

using vector = library::vector<int, in<int>>;
using deque = library::deque<int, in<int>>;
using list = library::list<int, in<int>>;
using map = library::map<int, int, std::less<int>, in<pair>>;
using multimap = library::multimap<int, int, std::less<int>, in<pair>>;
using set = library::set<int, std::less<int>, in<int>>;
using string = library::basic_string<char, std::char_traits<char>, in<char>>;
#ifdef BOOST
using slist = library::slist<int, in<int>>;
using flat_map = library::flat_map<int, int, std::less<int>, in<std::pair<int, int>>>;
using nested = library::map<int, string, std::less<int>, in<std::pair<const int, string>>>;
#else
using forward_list = std::forward_list<int, in<int>>;
using unordered_map = std::unordered_map<int, int, std::hash<int>, std::equal_to<int>, in<pair>>;
using unordered_set = std::unordered_set<int, std::hash<int>, std::equal_to<int>, in<int>>;
#endif

template <class T>
auto
add(T &to, int i, int) -> decltype(to.push_back(typename T::value_type(i)))
{
    to.push_back(typename T::value_type(i));
}

template <class T>
auto
add(T &to, int i, long) -> decltype(to.push_front(i))
{
    to.push_front(i);
}

template <class T>
auto
add(T &to, int i, long) -> decltype((void)to.insert(i))
{
    to.insert(i);
}

template <class T>
auto
add(T &to, int i, long) -> decltype((void)typename T::mapped_type(), (void)to.emplace(i, i))
{
    to.emplace(i, i);
}

template <class V>
long
value(const V &v)
{
    return v;
}

template <class A, class B>
long
value(const std::pair<A, B> &v)
{
    return v.second;
}

const size_t size = 4 << 20;

template <class T, class Fill, class Read>
void
moves(Fill fill, Read read)
{
    auto *here = static_cast<char *>(tarn_aligned_alloc(65536, size));
    auto *there = static_cast<char *>(tarn_aligned_alloc(65536, size));
    tarn_heap *heap = tarn_heap_new_in(here, size);
    T *one = new (tarn_heap_malloc(heap, sizeof(T))) T(typename T::allocator_type(heap));
    fill(*one, heap);
    memcpy(there, here, size);
    tarn_heap_destroy(heap);
    memset(here, 0x55, size);
    read(*reinterpret_cast<const T *>(there + (reinterpret_cast<char *>(one) - here)));
    tarn_free(here);
    tarn_free(there);
}

template <class T>
void
moves(int count = 3000)
{
    moves<T>(
        [count](T &to, tarn_heap *) {
            for (int i = 0; i < count; i++) {
                add(to, i, 0);
            }
        },
        [count](const T &from) {
            long sum = 0;
            int seen = 0;
            for (const auto &v : from) {
                sum += value(v);
                seen++;
            }
            EXPECT(seen == count && sum == static_cast<long>(count) * (count - 1) / 2);
        });
}

} // namespace

int
main()
{
#ifdef REFUSED
    moves<REFUSED>(100);
#else
    moves<vector>();
#    if defined(BOOST) || defined(__GLIBCXX__)
    moves<deque>();
#    endif
#    if defined(BOOST) || defined(_LIBCPP_VERSION)
    moves<list>();
    moves<map>();
    moves<multimap>();
    moves<set>();
#    endif
#    ifdef BOOST
    moves<string>(100);
    moves<slist>();
    moves<flat_map>();
    moves<nested>(
        [](nested &to, tarn_heap *heap) {
            for (int i = 0; i < 500; i++) {
                to.emplace(i, string(static_cast<size_t>(i), 'x', in<char>(heap)));
            }
        },
        [](const nested &from) {
            for (int i = 0; i < 500; i++) {
                EXPECT(from.at(i).size() == static_cast<size_t>(i));
                EXPECT(from.at(i).find_first_not_of('x') == string::npos);
            }
        });
#    elif defined(_LIBCPP_VERSION)
    moves<forward_list>();
    moves<unordered_map>();
    moves<unordered_set>();
#    endif
#endif
    puts("moved");
    return 0;
}
