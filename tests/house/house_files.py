"""The files of the project, for the checks of this room: what git would keep, or, outside a checkout,
everything but what is built."""

import os
import subprocess


def list_files(root, suffixes=("",)):
    """Paths below root, relative to it, whose names end with one of the suffixes, in order."""
    found = []
    if os.path.exists(os.path.join(root, ".git")):
        listed = subprocess.run(
            ["git", "-C", root, "ls-files", "--cached", "--others", "--exclude-standard"],
            capture_output=True, text=True, check=True)
        found = [path for path in listed.stdout.splitlines()
                 if os.path.exists(os.path.join(root, path))]
    else:
        for folder, folders, names in os.walk(root):
            folders[:] = [f for f in folders if not f.startswith("build") and f != "__pycache__"]
            found += [os.path.relpath(os.path.join(folder, name), root) for name in names]
    return sorted(path for path in found if path.endswith(tuple(suffixes)))


def read_lines(root, path):
    with open(os.path.join(root, path), encoding="utf-8", errors="replace") as file:
        return file.read().splitlines()


def report(faults, what):
    """Prints the faults and ends the program with 1 if there are any."""
    for fault in faults:
        print(fault)
    if faults:
        raise SystemExit(f"{len(faults)} {what}")
