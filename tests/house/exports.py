"""The names libtarn.so exports are those its linker map lists: none missing, none besides; and each tarn_
name is declared in a public header, each declared name exported. Usage: exports.py ROOT MAP LIBRARY"""

import fnmatch
import re
import subprocess
import sys

from house_files import list_files, read_lines, report

# Public headers of archives of their own.
NOT_IN_LIBRARY = {"include/tarn/quick.h"}


def listed_names(map_file):
    with open(map_file, encoding="utf-8") as file:
        text = re.sub(r"/\*.*?\*/|#[^\n]*", "", file.read(), flags=re.S)
    exported = re.search(r"global:(.*?)(local:|\})", text, re.S)
    if not exported:
        raise SystemExit(f"{map_file} has no global part")
    return [name.strip().strip('"') for name in exported.group(1).split(";") if name.strip()]


def exported_names(library):
    lines = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True,
                           check=True).stdout.splitlines()
    names = [line.split()[-1].split("@")[0] for line in lines if line.split()[-2] in "TWBDRVi"]
    return set(names)


def declared_names(root):
    names = set()
    for path in list_files(root, (".h",)):
        if path.startswith("include/tarn/") and path not in NOT_IN_LIBRARY:
            text = "\n".join(read_lines(root, path))
            text = re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S)
            text = re.sub(r"^\s*#(\\\n|[^\n])*", "", text, flags=re.M)
            inline = set(re.findall(r"static inline[^;{]*?\b(tarn_\w+)\s*\(", text))
            names |= set(re.findall(r"\b(tarn_\w+)\s*\([^()]*[^{;]*;", text)) - inline
            names |= set(re.findall(r"\bextern __thread [^();]*?\b(tarn_\w+)\[", text))
    return names


def main():
    root, map_file, library = sys.argv[1:4]
    listed = listed_names(map_file)
    exported = exported_names(library)
    declared = declared_names(root)
    faults = [f"{name} is exported but not in the map" for name in sorted(exported)
              if not any(fnmatch.fnmatchcase(name, pattern) for pattern in listed)]
    faults += [f"{pattern} is in the map but not exported" for pattern in listed
               if not any(fnmatch.fnmatchcase(name, pattern) for name in exported)]
    faults += [f"{name} is exported but in no public header" for name in sorted(exported)
               if name.startswith("tarn_") and name not in declared]
    faults += [f"{name} is declared but not exported" for name in sorted(declared - exported)]
    print(f"{len(exported)} names exported, {len(declared)} declared")
    report(faults, "names are wrong")


main()
