"""The checks of this room are able to fail: each is given a small tree with one fault, which it must
report, and the same tree without, which it must pass. Usage: breakage.py"""

import os
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
STYLE = "BasedOnStyle: LLVM\n"

# check: (a good tree, the faults that break it: path and contents)
CASES = {
    "arrows.py": (
        {"src/base/bits.h": "", "src/os/os.h": '#include "base/bits.h"\n', "src/heap/a.c": ""},
        [("src/base/text.c", '#include "os/os.h"\n'),
         ("src/heap/a.c", '#include "pool/pool.h"\n'),
         ("src/heap/a.c", "#include <sys/mman.h>\n"),
         ("src/heap/a.c", '#include "base/bits.c"\n'),
         ("src/quick/q.c", "#include <string.h>\n"),
         ("src/quick/q.c", '#include "os/os.h"\n'),
         ("src/unknown/u.c", '#include "base/bits.h"\n'),
         ("include/tarn/t.h", '#include "base/bits.h"\n')]),
    "headers.py": (
        {"include/tarn/t.h": "#ifndef T_H\n#define T_H\n#include <stddef.h>\nextern size_t t;\n#endif\n"},
        [("include/tarn/t.h", "extern size_t t;\n"),
         ("include/tarn/t.h", "struct t { int x; };\n"),
         ("include/tarn/t.h", "#ifndef T_H\n#define T_H\nint class;\n#endif\n"),
         ("compat/c/include/c.h", "#include <none.h>\n")]),
    "names.py": (
        {"src/a/one.c": "", "src/b/two.c": ""},
        [("src/b/one.c", ""), ("src/b/Upper.c", "")]),
    "file_sizes.py": (
        {"src/a/one.c": "int x;\n" * 700},
        [("src/a/one.c", "int x;\n" * 900)]),
    "format.py": (
        {".clang-format": STYLE, "src/a/one.c": "int x;\n"},
        [("src/a/one.c", "int   x ;\n")]),
    "machine_paths.py": (
        {"README.md": "a build/work/ folder, https://example.org/home/me\n"},
        [("README.md", "see /" + "root/notes\n"), ("README.md", "in '/" + "home/me'\n")]),
}


def write(root, path, contents):
    full = os.path.join(root, path)
    os.makedirs(os.path.dirname(full), exist_ok=True)
    with open(full, "w", encoding="utf-8") as file:
        file.write(contents)


def run(check, tree, extra=None):
    with tempfile.TemporaryDirectory() as root:
        for path, contents in tree.items():
            write(root, path, contents)
        if extra:
            write(root, *extra)
        done = subprocess.run([sys.executable, os.path.join(HERE, check), root],
                              capture_output=True, text=True)
        return done.returncode, done.stdout + done.stderr


def main():
    faults = 0
    for check, (tree, breaks) in CASES.items():
        code, text = run(check, tree)
        if code == 77:
            continue
        if code != 0:
            print(f"{check} fails on a good tree: {text}")
            faults += 1
        for extra in breaks:
            code, _ = run(check, tree, extra)
            if code == 0:
                print(f"{check} does not see the fault in {extra}")
                faults += 1
    sys.exit(1 if faults else 0)


main()
