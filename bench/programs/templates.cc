// What C++ asks of its compiler: the standard library's templates, instantiated many times.
#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <string>
#include <tuple>
#include <unordered_map>
#include <variant>
#include <vector>

template <int N> struct Tag {
    std::string text;
    int value = N;
    bool
    operator<(const Tag &other) const
    {
        return std::tie(value, text) < std::tie(other.value, other.text);
    }
};

template <int N>
int
use()
{
    std::map<Tag<N>, std::vector<std::string>> by_tag;
    std::unordered_map<std::string, std::unique_ptr<Tag<N>>> by_text;
    by_tag[Tag<N>{"a", N}].push_back("b");
    by_text["c"] = std::make_unique<Tag<N>>();
    std::set<Tag<N>> all;
    for (auto &[tag, texts] : by_tag) {
        all.insert(tag);
        std::sort(texts.begin(), texts.end(), [](auto &a, auto &b) { return a.size() < b.size(); });
    }
    std::variant<int, std::string, Tag<N>> either = Tag<N>{};
    std::function<int()> later = [&] { return std::get<Tag<N>>(either).value; };
    return later() + static_cast<int>(all.size());
}

template <int... N>
int
use_all(std::integer_sequence<int, N...>)
{
    return (use<N>() + ...);
}

int
main()
{
    return use_all(std::make_integer_sequence<int, COUNT>()) +
           std::regex_match("x", std::regex("x+"));
}
