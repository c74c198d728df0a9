"""No file names a path of the machine it was written on. Usage: machine_paths.py ROOT"""

import re
import sys

from house_files import list_files, read_lines, report

# In pieces, so that this file does not find itself.
PRIVATE = re.compile("/(?:" + "|".join(["ro" + "ot/", "ho" + "me/[a-z]", "wo" + "rk/",
                                          "Us" + "ers/", "tmp/iss" + "ue"]) + ")")
# A word before the slash makes it a part of something else, an address for one.
BEFORE = re.compile(r"[\w.$})-]$")


def main():
    root = sys.argv[1]
    faults = []
    for path in list_files(root):
        for number, line in enumerate(read_lines(root, path), 1):
            for match in PRIVATE.finditer(line):
                if not BEFORE.search(line[:match.start()]):
                    faults.append(f"{path}:{number}: {line.strip()[:100]}")
    report(faults, "paths of a machine")


main()
