"""Each public header compiles alone, and twice, as C11, C17, C23 and C++17 without a warning, with every
compiler that is there. Usage: headers.py ROOT"""

import os
import shutil
import subprocess
import sys

from house_files import list_files, report

LANGUAGES = [
    (["gcc", "clang"], "c", ["c11"]),
    (["gcc", "clang"], "c", ["c17"]),
    (["gcc", "clang"], "c", ["c23", "c2x"]),
    (["g++", "clang++"], "c++", ["c++17"]),
]


def compiles(command, source):
    return subprocess.run(command, input=source, capture_output=True, text=True)


def standard_known(compiler, language, standard):
    command = [compiler, "-x", language, f"-std={standard}", "-fsyntax-only", "-"]
    return compiles(command, "int known;\n").returncode == 0


def include_folder(path):
    parts = path.split("/")
    return "include" if parts[0] == "include" else "/".join(parts[:3])


def main():
    root = sys.argv[1]
    headers = [path for path in list_files(root, (".h",))
               if path.startswith("include/") or
               (path.startswith("compat/") and path.split("/")[2:3] == ["include"])]
    faults = []
    compiled = 0
    for compilers, language, standards in LANGUAGES:
        for compiler in filter(shutil.which, compilers):
            standard = next((s for s in standards if standard_known(compiler, language, s)), None)
            if standard is None:
                print(f"{compiler} does not know {standards[0]}")
                continue
            for path in headers:
                folder = include_folder(path)
                name = os.path.relpath(path, folder)
                command = [compiler, "-x", language, f"-std={standard}", "-Wall", "-Wextra",
                           "-Wpedantic", "-Werror", "-fsyntax-only",
                           "-I" + os.path.join(root, folder),
                           "-I" + os.path.join(root, "include"), "-"]
                done = compiles(command, f"#include <{name}>\n#include <{name}>\n")
                compiled += 1
                if done.returncode != 0:
                    faults.append(f"{path} with {compiler} -std={standard}:\n{done.stderr}")
    print(f"{len(headers)} headers, compiled {compiled} times")
    report(faults, "headers do not stand alone")


main()
