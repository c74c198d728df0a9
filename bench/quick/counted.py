#!/usr/bin/env python3
"""Builds bench/quick/longest.c on a copy of the heap that counts its own instructions, and runs it.

    counted.py ROOT FOLDER [TRACE...]

The copy is the machine code of the release: before each instruction of the compiler's assembly stand
five that add one to `counted` and touch neither flags nor registers. What memset, memcpy, memmove and
memcmp execute is not counted, the calls to them are. x86-64 only."""
import os
import re
import subprocess
import sys

FLAGS = ["-std=c11", "-O2", "-fPIC", "-fvisibility=hidden", "-ffreestanding", "-fno-tree-slp-vectorize"]
# Ways that are entered when a plain heap refuses, coalesces its quick lists or meets damage.
SLOW = {"tn_quick_refill", "tn_quick_reallocate", "tn_quick_release"}
COUNT = """\tmovq %rax, counted_rax(%rip)
\tmovq counted(%rip), %rax
\tleaq 1(%rax), %rax
\tmovq %rax, counted(%rip)
\tmovq counted_rax(%rip), %rax
"""


def instrument(text):
    out = []
    for line in text.splitlines(keepends=True):
        if re.match(r"\t[a-z]", line):
            out.append(COUNT)
        out.append(line)
        label = re.match(r"(\w+):", line)
        if label and label[1] in SLOW:
            out.append("\tmovb $1, counted_slow(%rip)\n")
    return "".join(out)


def main():
    root, folder, traces = sys.argv[1], sys.argv[2], sys.argv[3:]
    os.makedirs(folder, exist_ok=True)
    made = []
    include = [f"-I{root}/include", f"-I{root}/src", f"-I{root}/bench/quick"]
    for name in sorted(os.listdir(f"{root}/src/quick")):
        if not name.endswith(".c") or name in ("quick_names.c", "hosted.c"):
            continue
        text = subprocess.run(["gcc", *FLAGS, *include, "-S", f"{root}/src/quick/{name}", "-o", "-"], check=True,
                              capture_output=True, text=True).stdout
        made.append(f"{folder}/{name[:-2]}.s")
        with open(made[-1], "w", encoding="utf-8") as out:
            out.write(instrument(text))
    defines = ['-DTRACE_OWN=""', '-DTRACE_EXTERNAL=""']
    subprocess.run(["gcc", "-std=gnu11", "-O2", *defines, *include, f"{root}/bench/quick/longest.c",
                    f"{root}/bench/quick/trace.c", *made, "-o", f"{folder}/longest"], check=True)
    sys.exit(subprocess.run([f"{folder}/longest", *traces], check=False).returncode)


main()
