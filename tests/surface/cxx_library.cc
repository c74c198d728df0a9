// The C++ library's own users of the heap, with known results: containers, strings, streams, shared
// pointers, exceptions, threads, memory resources.
#include "expect.h"

#include <algorithm>
#include <deque>
#include <future>
#include <list>
#include <map>
#include <memory>
#include <memory_resource>
#include <regex>
#include <sstream>
#include <stdexcept>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

static std::uint64_t
churn(std::uint64_t seed)
{
    std::map<std::uint64_t, std::string> tree;
    std::unordered_map<std::string, std::vector<int>> table;
    std::deque<std::list<std::uint64_t>> queue;
    std::uint64_t sum = 0;

    for (int step = 0; step < 20000; step++) {
        std::uint64_t key = next_random(&seed) % 2000;
        std::string text(key % 97, (char)('a' + key % 26));
        tree[key] += text;
        if (tree[key].size() > 400) {
            tree.erase(key);
        }
        table[text].push_back(step);
        queue.emplace_back(std::list<std::uint64_t>{key, key + 1, key + 2});
        if (queue.size() > 100) {
            sum += queue.front().back();
            queue.pop_front();
        }
    }
    for (const auto &entry : tree) {
        sum += entry.first * entry.second.size();
    }
    for (const auto &entry : table) {
        sum += entry.first.size() * entry.second.size();
    }
    return sum;
}

static void
exceptions(int depth)
{
    std::string ballast((std::size_t)depth * 10, 'b');
    if (depth == 60) {
        throw std::runtime_error(ballast);
    }
    try {
        exceptions(depth + 1);
    } catch (const std::exception &error) {
        std::throw_with_nested(std::logic_error(ballast + error.what()));
    }
}

int
main()
{
    std::uint64_t alone = churn(5);
    std::vector<std::future<std::uint64_t>> results;
    for (int i = 0; i < 6; i++) {
        results.push_back(std::async(std::launch::async, churn, 5));
    }
    for (auto &result : results) {
        EXPECT(result.get() == alone);
    }

    bool caught = false;
    try {
        exceptions(0);
    } catch (const std::logic_error &) {
        caught = true;
    }
    EXPECT(caught);

    std::vector<std::shared_ptr<std::string>> shared;
    for (int i = 0; i < 5000; i++) {
        shared.push_back(std::make_shared<std::string>(std::to_string(i)));
    }
    std::thread([copy = shared]() mutable { copy.clear(); }).join();
    EXPECT(shared[4999].use_count() == 1 && *shared[4999] == "4999");

    std::ostringstream out;
    for (int i = 0; i < 30000; i++) {
        out << i << ' ';
    }
    EXPECT(out.str().size() == 168890);
    EXPECT(std::regex_match("key=12,13", std::regex("([a-z]+)=(\\d+(,\\d+)*)")));

    std::pmr::synchronized_pool_resource pools;
    std::pmr::vector<std::pmr::string> words(&pools);
    for (int i = 0; i < 4000; i++) {
        words.emplace_back(std::to_string(i) + " a string beyond the short ones");
    }
    EXPECT(words.back().substr(0, 4) == "3999");

    std::vector<char> growing;
    for (int i = 0; i < 3000000; i++) {
        growing.push_back((char)i);
    }
    EXPECT(growing[2999999] == (char)2999999);
    std::sort(growing.begin(), growing.end());
    std::vector<char> buffer(growing);
    std::stable_sort(buffer.begin(), buffer.end());
    EXPECT(buffer == growing);
    return 0;
}
