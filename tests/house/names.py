"""File names are unique in the tree and in small letters. Names that tools or users fix are free:
CMakeLists.txt, README.md, public headers, Tarn's own and those of the compat rooms. Usage: names.py ROOT"""

import collections
import os
import re
import sys

from house_files import list_files, report

FIXED = {"CMakeLists.txt", "README.md", "main.c", "__init__.py", ".gitignore", ".clang-format", ".clang-tidy"}
SOURCE = re.compile(r"^[a-z][a-z0-9_]*(\.[a-z0-9]+)*\.(c|cc|h|py|sh|S)$")


def main():
    root = sys.argv[1]
    places = collections.defaultdict(list)
    faults = []
    for path in list_files(root):
        name = os.path.basename(path)
        if name in FIXED or re.match(r"(compat/[^/]+/)?include/", path):
            continue
        places[name].append(path)
        if name.endswith((".c", ".cc", ".h", ".py", ".sh")) and not SOURCE.match(name):
            faults.append(f"{path}: not in small letters with underscores")
    faults += [f"{name} is in {len(paths)} places: {', '.join(paths)}"
               for name, paths in sorted(places.items()) if len(paths) > 1]
    print(f"{len(places)} names")
    report(faults, "names are wrong")


main()
