"""Cases: programs that build programs. A compiler's output must be the same to the byte."""

import glob
import hashlib
import os

from world_run import Skip, find

FLAGS = ["-O2", "-g", "-std=gnu11", "-D_GNU_SOURCE"]


def large_c_source(functions):
    """A C file of many functions with loops, switches, tables and structs."""
    parts = ["#include <stdio.h>\nstruct node { struct node *next; int key; char name[24]; };\n"]
    for i in range(functions):
        cases = "".join(f"        case {j}: s += x * {j + i} ^ (s << {j % 13}); break;\n"
                        for j in range(24))
        parts.append(
            f"static const int table_{i}[] = {{{', '.join(str(i * j % 977) for j in range(64))}}};\n"
            f"int work_{i}(struct node *n, int x)\n{{\n    int s = {i};\n"
            f"    for (; n; n = n->next) {{\n        switch (n->key & 31) {{\n{cases}"
            f"        default: s -= table_{i}[x & 63];\n        }}\n"
            f"        for (int k = 0; k < x; k++)\n            n->name[k % 24] += (char)(s >> k);\n"
            f"    }}\n    return s;\n}}\n")
    calls = "".join(f"    s += work_{i}(&n, {i % 9});\n" for i in range(functions))
    parts.append("int main(void)\n{\n    struct node n = {0, 7, \"n\"};\n    int s = 0;\n"
                 f"{calls}    printf(\"%d\\n\", s);\n    return 0;\n}}\n")
    return "".join(parts)


CXX_SOURCE = """
#include <algorithm>
#include <functional>
#include <iostream>
#include <map>
#include <regex>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>
template <int N> struct Fold { static constexpr int value = N + Fold<N - 1>::value; };
template <> struct Fold<0> { static constexpr int value = 0; };
template <typename... T> auto sum(T... t) { return (t + ... + 0); }
template <int N> std::map<std::string, std::vector<int>> make()
{
    std::map<std::string, std::vector<int>> m;
    for (int i = 0; i < N; i++) {
        m[std::to_string(i % 17)].push_back(i);
    }
    for (auto &[k, v] : m) {
        std::sort(v.begin(), v.end(), std::greater<>());
    }
    return m;
}
int main()
{
    std::variant<int, std::string, double> v = std::string("tarn");
    std::visit([](auto &x) { std::cout << x << '\\n'; }, v);
    std::regex word("([a-z]+)([0-9]*)");
    std::cout << Fold<700>::value << sum(1, 2, 3) << std::regex_match("abc12", word) << '\\n';
    std::cout << make<10>().size() + make<20>().size() + make<30>().size() + make<40>().size() << '\\n';
}
"""


def own_sources(world):
    """Files of the repository that compile without its build, and without Valgrind's headers."""
    found = sorted(glob.glob(os.path.join(world.root, "src", "*", "*.c")))
    found = [name for name in found if os.path.basename(name) != "inspector.c"]
    found += sorted(glob.glob(os.path.join(world.root, "tests", "surface", "*.c")))
    return found


def compile_c(world, compiler):
    answers = []
    big = world.write("big.c", large_c_source(60))
    includes = ["-I" + os.path.join(world.root, part) for part in ("src", "include", "tests")]
    for source in [big] + own_sources(world)[:8]:
        world.call([compiler, *FLAGS, *includes, "-S", source, "-o", "out.s"])
        answers.append(hashlib.sha256(world.read("out.s")).digest())
    world.call([compiler, *FLAGS, big, "-o", "big"])
    answers.append(world.call([world.path("big")]))
    return answers


def gcc(world):
    return compile_c(world, find("gcc", "cc"))


def clang(world):
    return compile_c(world, find("clang"))


def gxx(world):
    compiler = find("g++")
    source = world.write("templates.cc", CXX_SOURCE)
    world.call([compiler, "-std=c++17", "-O1", "-S", source, "-o", "out.s"])
    world.call([compiler, "out.s", "-o", "templates"])
    answer = world.call([world.path("templates")])
    if answer.splitlines()[0] != b"tarn" or answer.splitlines()[2] != b"61":
        raise RuntimeError(f"the program compiled says {answer!r}")
    return [hashlib.sha256(world.read("out.s")).digest(), answer]


def link_time(world):
    """gcc's link-time optimiser: several processes that write and read each other's files."""
    compiler = find("gcc")
    names = []
    for i in range(6):
        body = large_c_source(12).replace("int main", f"int main_{i}").replace("work_", f"w{i}_")
        names.append(world.write(f"part{i}.c", body))
    last = world.write("last.c", "int main_0(void);\nint main(void)\n{\n    return main_0();\n}\n")
    world.call([compiler, "-O2", "-flto=2", "-fno-fat-lto-objects", *names, last, "-o", "whole"])
    return [world.call([world.path("whole")])]


def cmake(world):
    tool = find("cmake")
    world.write("CMakeLists.txt", """
cmake_minimum_required(VERSION 3.21)
project(probe C)
foreach(i RANGE 1 400)
    file(WRITE ${CMAKE_BINARY_DIR}/f${i}.c "int f${i}(void) { return ${i}; }\\n")
    list(APPEND files ${CMAKE_BINARY_DIR}/f${i}.c)
    string(REPEAT "${i};" 50 text)
    string(REGEX REPLACE "([0-9]);" "<\\\\1>" text "${text}")
    string(SHA256 sum "${sum}${text}")
endforeach()
add_library(probe STATIC ${files})
file(WRITE ${CMAKE_BINARY_DIR}/sum.txt ${sum})
""")
    make = find("ninja", "make")
    generator = "Ninja" if make.endswith("ninja") else "Unix Makefiles"
    world.call([tool, "-G", generator, "-S", ".", "-B", "build"])
    if generator == "Ninja":
        listed = world.call([make, "-C", "build", "-t", "commands", "probe"])
    else:
        listed = world.call([make, "-C", "build", "-n", "probe"])
    return [world.read("build/sum.txt"), b"\n".join(sorted(listed.splitlines()))]


def gdb(world):
    tool = find("gdb")
    source = world.write("big.c", large_c_source(40))
    world.call([find("gcc", "cc"), "-g", "-O0", source, "-o", "big"])
    output = world.call([tool, "-q", "-nx", "-batch", "-iex", "set auto-load off",
                         "-ex", "info functions work_", "-ex", "info line work_7",
                         "-ex", "ptype struct node", "-ex", "disassemble work_3",
                         "-ex", "info scope work_11", "./big"])
    if b"work_39" not in output:
        raise Skip("gdb that reads this compiler's symbols")
    return [output]


CASES = {"gcc": gcc, "g++": gxx, "clang": clang, "lto": link_time, "cmake": cmake, "gdb": gdb}
