"""What cmake/packages*.txt look for tells of the package that is named: it is a file of that package, or of one
that it depends on and that no system has from the start. Usage: package_probes.py ROOT"""

import collections
import glob
import os
import re
import shutil
import subprocess
import sys

from house_files import report


def asked(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()


def read_probes(root):
    """(list, probe, package, path or None) of each line."""
    for name in sorted(glob.glob(os.path.join(root, "cmake", "packages*.txt"))):
        with open(name, encoding="utf-8") as file:
            for line in file:
                if line.strip() and not line.startswith("#"):
                    probe, package = line.split()
                    path = probe
                    if not probe.startswith("/"):
                        path = shutil.which(probe, path="/usr/sbin:/usr/bin:/sbin:/bin")
                    there = path is not None and os.path.exists(path)
                    yield os.path.basename(name), probe, package, path if there else None


def ways_to(path):
    """The names a file may have in the lists of dpkg: links are followed, and /bin has become /usr/bin."""
    ways = {path, os.path.realpath(path)}
    return ways | {way.removeprefix("/usr") for way in ways}


def main():
    if shutil.which("dpkg-query") is None:
        print("skipped: dpkg-query is not on this machine", file=sys.stderr)
        sys.exit(77)
    probes = list(read_probes(sys.argv[1]))
    owners = collections.defaultdict(set)
    ways = sorted({way for _, _, _, path in probes if path for way in ways_to(path)})
    for line in asked("dpkg-query", "-S", *ways):
        names, _, way = line.rpartition(": ")
        owners[way] |= {name.split(":")[0] for name in names.split(", ")}
    always, needs, there = set(), collections.defaultdict(set), set()
    for line in asked("dpkg-query", "-W", "-f=${Package}|${Priority}|${db:Status-Status}|${Depends}\n"):
        package, priority, status, depends = line.split("|", 3)
        if priority in ("required", "important"):
            always.add(package)
        if status == "installed":
            there.add(package)
        needs[package] |= set(re.findall(r"(?:^|[,|] )([a-z0-9.+-]+)", depends))

    faults = []
    for name, probe, package, path in probes:
        if re.search(r"/(x86_64|aarch64)-", probe):
            faults.append(f"{name}: {probe} is another file on another machine")
        elif path is None:
            if package in there:
                faults.append(f"{name}: {probe} is not there, though {package} is")
        else:
            found = set().union(*(owners[way] for way in ways_to(path)))
            if package not in found and not found & needs[package] - always:
                faults.append(f"{name}: {probe} is of {', '.join(sorted(found)) or 'no package'}, not of {package}")
    report(faults, "probes of packages")


main()
