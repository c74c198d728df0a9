"""Every C and C++ file is as clang-format leaves it. Usage: format.py ROOT"""

import os
import shutil
import subprocess
import sys

from house_files import list_files, report


def main():
    root = sys.argv[1]
    tool = next(filter(shutil.which, ["clang-format", "clang-format-14"]), None)
    if tool is None:
        print("skipped: clang-format is not on this machine", file=sys.stderr)
        sys.exit(77)
    faults = []
    files = list_files(root, (".c", ".cc", ".h"))
    for start in range(0, len(files), 50):
        paths = [os.path.join(root, path) for path in files[start:start + 50]]
        done = subprocess.run([tool, "--dry-run", "--style=file", *paths],
                              capture_output=True, text=True)
        changed = {line.split(":")[0] for line in done.stderr.splitlines() if "warning:" in line}
        faults += [os.path.relpath(path, root) for path in sorted(changed)]
        if done.returncode != 0:
            faults.append(done.stderr)
    print(f"{len(files)} files")
    report(faults, "files differ from clang-format's")


main()
