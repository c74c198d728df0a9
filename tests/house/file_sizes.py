"""Lists source files of more than 500 lines; of more than 800 no file of the library may be.
Usage: file_sizes.py ROOT"""

import sys

from house_files import list_files, read_lines, report

LISTED = 500
MOST = 800


def main():
    root = sys.argv[1]
    faults = []
    longest = (0, "")
    for path in list_files(root, (".c", ".cc", ".h", ".py", ".sh")):
        lines = len(read_lines(root, path))
        longest = max(longest, (lines, path))
        if lines > LISTED:
            print(f"{path}: {lines} lines")
        if lines > MOST and path.startswith(("src/", "include/", "compat/", "tools/")):
            faults.append(f"{path}: {lines} lines are more than {MOST}")
    print(f"longest: {longest[1]}, {longest[0]} lines")
    report(faults, "files are too long")


main()
