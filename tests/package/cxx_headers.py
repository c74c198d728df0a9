"""Each C++ header compiles alone, and twice, as C++17, and all of them as C++20 and 23, without a warning, with every compiler
that is there. Usage: cxx_headers.py ROOT"""

import glob
import os
import shutil
import subprocess
import sys

STANDARDS = [["c++17"], ["c++20"], ["c++23", "c++2b"]]
WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Werror"]


def compiles(compiler, standard, root, source):
    return subprocess.run([compiler, "-x", "c++", f"-std={standard}", *WARNINGS, "-fsyntax-only",
                           "-I" + os.path.join(root, "include"), "-"],
                          input=source, capture_output=True, text=True)


def main():
    root = sys.argv[1]
    headers = sorted(glob.glob(os.path.join(root, "include/tarn/*.hpp")))
    compiled = 0
    for compiler in filter(shutil.which, ["g++", "clang++"]):
        for spellings in STANDARDS:
            standard = next((s for s in spellings
                             if compiles(compiler, s, root, "").returncode == 0), None)
            if standard is None:
                print(f"{compiler} does not know {spellings[0]}")
                continue
            for path in headers if standard == "c++17" else headers[-1:]:
                name = os.path.relpath(path, os.path.join(root, "include"))
                done = compiles(compiler, standard, root, f"#include <{name}>\n#include <{name}>\n")
                compiled += 1
                if done.returncode != 0:
                    raise SystemExit(f"{name} with {compiler} -std={standard}:\n{done.stderr}")
    if not headers or not compiled:
        raise SystemExit("nothing was compiled")
    print(f"{len(headers)} headers, compiled {compiled} times")


main()
