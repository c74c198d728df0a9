#!/usr/bin/env python3
"""Builds the library with TARN_MEMCHECK and lets memcheck and AddressSanitizer judge programs with
one mistake in a block of each kind, and programs with none. Usage: memcheck_tools.py SOURCE FOLDER
"""
import pathlib
import subprocess
import sys

SOURCE, FOLDER = (pathlib.Path(p).resolve() for p in sys.argv[1:3])
IMAGE = FOLDER / "subject.tarn"
PLACES = ("process", "pool", "shared", "heap", "image")

# What each tool must say of a mistake. AddressSanitizer does not look for uses of what was never
# written, nor for leaks of blocks that are not its own.
MEMCHECK = {
    "use-after-free": ("Invalid write of size 1", "inside a block of size 40 free'd"),
    "overrun": ("Invalid write of size 1",),
    "uninitialised": ("uninitialised value",),
    "double-free": ("Invalid free()", "inside a block of size 40 free'd"),
    "leak": ("40 bytes in 1 blocks are definitely lost", "by 0x", "lose (memcheck_subject.c"),
}
ASAN = {
    "use-after-free": ("use-after-poison", "WRITE of size 1", "use_after_free"),
    "overrun": ("use-after-poison", "WRITE of size 1", "overrun"),
    "double-free": ("use-after-poison", "double_free"),
}


def build():
    log = subprocess.run(
        f"cmake -S {SOURCE} -B {FOLDER}/library -G Ninja -DCMAKE_BUILD_TYPE=Release"
        f" -DTARN_MEMCHECK=ON -DTARN_TESTS=OFF && ninja -C {FOLDER}/library -j2 libtarn.so",
        shell=True, capture_output=True, text=True)
    if log.returncode != 0:
        sys.exit(log.stdout[-4000:] + log.stderr)


def compiled(name, *words):
    out = FOLDER / name
    subprocess.run(
        [*words, "-std=gnu11", "-g", "-O1", "-Wall", "-I", SOURCE / "include",
         SOURCE / "tests/memcheck/memcheck_subject.c", "-o", out, "-L", FOLDER / "library",
         f"-Wl,-rpath,{FOLDER}/library", "-ltarn", "-pthread"], check=True)
    return [out]


def ran(command, place, mistake):
    for path in FOLDER.glob("subject.tarn*"):
        path.unlink()
    run = subprocess.run([*command, place, mistake, IMAGE], capture_output=True, text=True,
                         errors="replace", timeout=120)
    # Valgrind says of itself what it does not know of the system.
    said = "".join(line for line in run.stderr.splitlines(True) if not line.startswith("--"))
    return run.returncode, said


def judge(tool, command, expected):
    wrong = []
    for place in PLACES:
        status, said = ran(command, place, "none")
        if status != 0 or said:
            wrong.append(f"{tool}, {place}, nothing wrong: {status}\n{said}")
        for mistake, words in expected.items():
            status, said = ran(command, place, mistake)
            if status in (0, 97, 98, 99) or not all(word in said for word in words):
                wrong.append(f"{tool}, {place}, {mistake}: {status}, without {words}\n{said}")
    return wrong


build()
plain = compiled("plain", "cc")
valgrind = ["valgrind", "-q", "--leak-check=full", "--error-exitcode=9", *plain]
wrong = judge("memcheck", valgrind, MEMCHECK)
for compiler in "gcc", "clang":
    wrong += judge(f"AddressSanitizer ({compiler})",
                   compiled(compiler, compiler, "-fsanitize=address"), ASAN)
status, said = ran(plain, "image", "none")
if status != 0 or said:
    wrong.append(f"without a tool: {status}\n{said}")
print("\n".join(wrong))
sys.exit(1 if wrong else 0)
