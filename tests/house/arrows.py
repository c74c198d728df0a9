"""Who includes whom, from the include lines, against the table of docs/design.md, section 2. Nothing
includes upwards or sideways, the system's headers stay in src/os, and no .c file includes another.
Usage: arrows.py ROOT"""

import re
import sys

from house_files import list_files, read_lines, report

ENGINE = ["base", "os", "space", "heap"]
FACES = ENGINE + ["pool", "persist", "malloc", "watch"]

# Room: the rooms whose headers it may include, itself apart.
MAY_INCLUDE = {
    "base": [],
    "os": ENGINE[:1],
    "space": ENGINE[:2],
    "heap": ENGINE[:3],
    "pool": ENGINE,
    "persist": ENGINE,
    "malloc": ENGINE + ["watch"],
    "watch": ENGINE,
    "quick": ["base"],
    "compat": FACES,
    "tools": FACES,
}

# What quick may take of the C library, and of base.
FREESTANDING = {"stddef.h", "stdint.h", "stdbool.h", "stdarg.h", "limits.h"}

# Files of quick that are for programs with a C library: the hooks' defaults, and the four functions that
# every C implementation has, from the header where there is one.
HOSTED = {"src/quick/hosted.c", "src/quick/memory.h"}

# Headers behind which system calls are: for src/os alone, and the programs above the library.
SYSTEM = re.compile(r"^(sys/|linux/|asm/|unistd\.h|fcntl\.h)")

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def room_of(path):
    parts = path.split("/")
    if parts[0] == "src" and len(parts) > 2:
        return parts[1]
    if parts[0] in ("compat", "tools"):
        return parts[0]
    if parts[0] == "include":
        return "include"
    return None


def target_room(name, files, own_room):
    """The room an include line leads to; None for a header that is not the project's."""
    first = name.split("/")[0]
    if "/" in name and f"src/{name}" in files:
        return first
    if f"include/{name}" in files:
        return "include"
    if any(path.startswith("compat/") and path.endswith("/" + name) for path in files):
        return "compat"
    if any(path.startswith("tools/") and path.endswith("/" + name) for path in files):
        return "tools"
    if "/" not in name and f"src/{own_room}/{name}" in files:
        return own_room
    return None


def check_line(path, room, kind, name, files):
    if name.endswith((".c", ".cc")):
        return f"includes the source file {name}"
    target = target_room(name, files, room)
    if target is None:
        if kind == '"':
            return f'includes "{name}", which is nowhere'
        if path in HOSTED:
            return None
        if room == "quick" and name not in FREESTANDING:
            return f"includes <{name}>: quick is freestanding"
        if room not in ("os", "compat", "tools", "persist", "include") and SYSTEM.match(name):
            return f"includes <{name}>: system calls are made in src/os"
        return None
    if target in (room, "include"):
        return None
    if room == "include":
        return f"includes {name}: public headers include only public ones"
    if target not in MAY_INCLUDE[room]:
        return f"includes {name}: {room} may not include {target}"
    return None


def main():
    root = sys.argv[1]
    files = set(list_files(root, (".h", ".c", ".cc")))
    faults = []
    seen = 0
    for path in sorted(files):
        room = room_of(path)
        if room is None:
            continue
        if room not in MAY_INCLUDE and room != "include":
            faults.append(f"{path}: the room {room} is not in the table")
            continue
        for number, line in enumerate(read_lines(root, path), 1):
            match = INCLUDE.match(line)
            if match:
                seen += 1
                fault = check_line(path, room, match.group(1), match.group(2), files)
                if fault:
                    faults.append(f"{path}:{number}: {fault}")
    print(f"{seen} include lines")
    report(faults, "arrows point the wrong way")


main()
